"""Dramatiq on Redis, without results and without Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers.tally import URL, one_done, say_done

dramatiq.set_broker(RedisBroker(url=URL))


@dramatiq.actor
def noop(payload: Any) -> Any:
    one_done()
    return payload


@dramatiq.actor
def hello() -> None:
    say_done()


def greet() -> None:
    """Submit the job that says the worker is there."""
    hello.send()


def submit(payloads: Sequence[Any]) -> None:
    """Submit a job for each payload, as fast as it goes."""
    for payload in payloads:
        noop.send(payload)
