"""Bare Celery: no result backend, acknowledged early, JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from celery import Celery

from bench.peers.tally import URL, one_done, say_done

app = Celery("noop", broker=URL, backend=URL if os.environ.get("BENCH_RESULTS") else None)
app.conf.update(
    task_ignore_result="BENCH_RESULTS" not in os.environ,
    broker_connection_retry_on_startup=True,
    worker_send_task_events=False,
)


@app.task(name="noop")
def noop(payload: Any) -> Any:
    one_done()
    return payload


@app.task(name="hello")
def hello() -> None:
    say_done()


def greet() -> None:
    """Submit the job that says the worker is there."""
    hello.delay()


def submit(payloads: Sequence[Any]) -> None:
    """Submit a job for each payload, as fast as it goes."""
    for payload in payloads:
        noop.delay(payload)


def result(payload: Any) -> Any:
    """Submit a job and wait for its result."""
    return noop.delay(payload).get(timeout=10)
