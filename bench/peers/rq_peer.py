"""RQ with its worker that does not fork for each job, submitting in bulk, without results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from rq import Queue

from bench.peers.tally import URL, one_done, say_done

BULK = 500

queue = Queue(connection=redis.Redis.from_url(URL))


def noop(payload: Any) -> Any:
    one_done()
    return payload


def hello() -> None:
    say_done()


def greet() -> None:
    """Submit the job that says the worker is there."""
    queue.enqueue("bench.peers.rq_peer.hello", result_ttl=0)


def submit(payloads: Sequence[Any]) -> None:
    """Submit a job for each payload, as fast as it goes."""
    jobs = [
        Queue.prepare_data("bench.peers.rq_peer.noop", args=(payload,), result_ttl=0, description="noop")
        for payload in payloads
    ]
    for start in range(0, len(jobs), BULK):
        queue.enqueue_many(jobs[start : start + BULK])
