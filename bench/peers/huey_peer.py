"""Huey on Redis, without results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huey import RedisHuey

from bench.peers.tally import URL, one_done, say_done

huey = RedisHuey("noop", url=URL, results=False)


@huey.task()
def noop(payload: Any) -> Any:
    one_done()
    return payload


@huey.task()
def hello() -> None:
    say_done()


def greet() -> None:
    """Submit the job that says the worker is there."""
    hello()


def submit(payloads: Sequence[Any]) -> None:
    """Submit a job for each payload, as fast as it goes."""
    for payload in payloads:
        noop(payload)
