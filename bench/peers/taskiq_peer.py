"""taskiq on a Redis list, without results and without acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from taskiq_redis import ListQueueBroker

from bench.peers.tally import URL, one_done, say_done

IN_FLIGHT = 32
"""Submits under way at once, as a busy service would have."""

broker = ListQueueBroker(URL)


@broker.task(task_name="noop")
async def noop(payload: Any) -> Any:
    one_done()
    return payload


@broker.task(task_name="hello")
async def hello() -> None:
    say_done()


def greet() -> None:
    """Submit the job that says the worker is there."""
    asyncio.run(_greet())


async def _greet() -> None:
    await broker.startup()
    await hello.kiq()
    await broker.shutdown()


def submit(payloads: Sequence[Any]) -> None:
    """Submit a job for each payload, as fast as it goes."""
    asyncio.run(_submit(payloads))


async def _submit(payloads: Sequence[Any]) -> None:
    await broker.startup()
    waiting = iter(payloads)

    async def some() -> None:
        for payload in waiting:
            await noop.kiq(payload)

    await asyncio.gather(*(some() for _ in range(IN_FLIGHT)))
    await broker.shutdown()
