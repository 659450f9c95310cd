"""From submit to result as a client sees it, at low load: one task every tenth of a second."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from bench.figures import percentile
from bench.payload import payload
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from bench.sides.peer_side import PeerSide
from bench.watch import Watch
from tradefree.errors import TradefreeError

POLL_EVERY = 0.1
"""Seconds between looks of a client that polls."""
WARM = 10
"""Tasks before those that count: connections are open then, code is loaded."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    tasks: int = 100
    """Of one measurement."""
    rounds: int = 3
    rate: float = 10.0
    """Tasks per second."""
    size: int = 150


Way = Callable[[aiohttp.ClientSession, bytes], Awaitable[None]]


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """One row for each round and way: seconds of every task."""
    rows: list[Row] = []
    url = await servers.fresh_database("mariadb")
    celery = PeerSide(servers, "celery-prefork", results=True)
    async with Product(servers, "mariadb", url) as product:
        await celery.begin(plan.tasks)
        try:
            with Watch("latency", plan.rounds * (len(WAYS) + 1)) as watch:
                for number in range(1, plan.rounds + 1):
                    for way, ask in WAYS.items():
                        rows.append(_row(number, way, await _product(product, ask, plan), watch))
                    seconds = await celery.latencies(plan.tasks, plan.rate, plan.size, WARM)
                    rows.append(_row(number, "celery-get", seconds, watch))
        finally:
            await celery.stop()
    return rows


def _row(number: int, way: str, seconds: list[float], watch: Watch) -> Row:
    middle, late = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
    watch.step(f"round {number}  {way:16} p50 [bold]{middle:6.1f}[/bold] ms  p99 [bold]{late:6.1f}[/bold] ms")
    return {"round": number, "way": way, "seconds": seconds}


async def _product(product: Product, ask: Way, plan: Plan) -> list[float]:
    """Tasks at their times, whether earlier ones have ended or not."""
    body = json.dumps({"type": "echo", "input_data": payload(plan.size)}).encode()
    async with product.http() as http:

        async def one(delay: float) -> float:
            await asyncio.sleep(delay)
            began = time.monotonic()
            await ask(http, body)
            return time.monotonic() - began

        times = await asyncio.gather(*(one(n / plan.rate) for n in range(WARM + plan.tasks)))
    return times[WARM:]


# ── how clients ask ─────────────────────────────────────────────────────────────────────────────────────────────────

JSON = {"Content-Type": "application/json"}


async def _wait(http: aiohttp.ClientSession, body: bytes) -> None:
    """``Prefer: wait``: the answer to the submit is the result."""
    async with http.post("tasks", data=body, headers={**JSON, "Prefer": "wait=10"}) as answer:
        _completed(await answer.json())


async def _stream(http: aiohttp.ClientSession, body: bytes) -> None:
    """Submit, then follow the task's stream until its status is ``completed``."""
    async with http.post("tasks", data=body, headers=JSON) as answer:
        url = (await answer.json())["stream_url"]
    async with http.get(url) as stream:
        async for line in stream.content:
            if line.startswith(b"data:") and b'"status":"completed"' in line.replace(b" ", b""):
                return
    raise TradefreeError("the stream ended before its task")


async def _poll(http: aiohttp.ClientSession, body: bytes) -> None:
    """Submit, then look again and again."""
    async with http.post("tasks", data=body, headers=JSON) as answer:
        task = await answer.json()
    while task["status"] != "completed":
        await asyncio.sleep(POLL_EVERY)
        async with http.get(f"tasks/{task['id']}") as answer:
            task = await answer.json()


def _completed(task: dict[str, object]) -> None:
    if task["status"] != "completed":
        raise TradefreeError(f"the task is {task['status']} after ten seconds")


WAYS: dict[str, Way] = {"tradefree-wait": _wait, "tradefree-stream": _stream, "tradefree-poll": _poll}
