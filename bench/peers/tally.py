"""What a peer's job does beside nothing: count, and say once that all are done. That is cheap for the peer."""

from __future__ import annotations

import itertools
import os
import time

import redis

URL = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/0")
ALL = int(os.environ.get("BENCH_TASKS", "1"))
"""Jobs of one measurement."""
DONE = "bench:done"
"""The Redis list on which the last job of a measurement leaves the time (monotonic, of this machine)."""

_count = itertools.count(1)  # its next() is atomic, and all jobs run in one process


def one_done() -> None:
    """To be called by each job."""
    if next(_count) % ALL == 0:
        say_done()


def say_done() -> None:
    """Tell whoever waits for the list."""
    with redis.Redis.from_url(URL) as connection:
        connection.rpush(DONE, repr(time.monotonic()))
