"""arq, without results; it looks into Redis more often and takes more at once than by default, which suits it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

from bench.peers.tally import URL, one_done, say_done

IN_FLIGHT = 32
"""Submits under way at once, as a busy service would have."""


async def noop(_: dict[Any, Any], payload: Any) -> Any:
    one_done()
    return payload


async def hello(_: dict[Any, Any]) -> None:
    say_done()


class WorkerSettings:
    """What arq's command reads."""

    functions = (noop, hello)
    redis_settings = RedisSettings.from_dsn(URL)
    keep_result = 0
    max_jobs = int(os.environ.get("BENCH_ARQ_JOBS", "10"))
    poll_delay = 0.01
    log_results = False


def greet() -> None:
    """Submit the job that says the worker is there."""
    asyncio.run(_greet())


async def _greet() -> None:
    async with await create_pool(WorkerSettings.redis_settings) as pool:
        await pool.enqueue_job("hello")


def submit(payloads: Sequence[Any]) -> None:
    """Submit a job for each payload, as fast as it goes."""
    asyncio.run(_submit(payloads))


async def _submit(payloads: Sequence[Any]) -> None:
    async with await create_pool(WorkerSettings.redis_settings) as pool:
        waiting = iter(payloads)

        async def some() -> None:
            for payload in waiting:
                await pool.enqueue_job("noop", payload)

        await asyncio.gather(*(some() for _ in range(IN_FLIGHT)))
