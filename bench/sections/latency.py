"""From submit to result as a client sees it, at low load: one task every tenth of a second."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

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


STAMPS = ("created", "queued", "started", "finished")
"""What a task's row says of when; clients and servers of a run share one clock."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    tasks: int = 100
    """Of one measurement."""
    rounds: int = 3
    rate: float = 10.0
    """Tasks per second."""
    size: int = 150


Doc = dict[str, Any]
Way = Callable[[aiohttp.ClientSession, bytes], Awaitable[Doc | None]]
"""Submits one task and returns when its result is there; the answer may be the whole task."""


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
                        seconds, phases = await _product(product, ask, plan)
                        rows.append({**_row(number, way, seconds, watch), "phases": phases})
                    seconds = await celery.latencies(plan.tasks, plan.rate, plan.size, WARM)
                    rows.append(_row(number, "celery-get", seconds, watch))
        finally:
            await celery.stop()
    return rows


def _row(number: int, way: str, seconds: list[float], watch: Watch) -> Row:
    middle, late = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
    watch.step(f"round {number}  {way:16} p50 [bold]{middle:6.1f}[/bold] ms  p99 [bold]{late:6.1f}[/bold] ms")
    return {"round": number, "way": way, "seconds": seconds}


async def _product(product: Product, ask: Way, plan: Plan) -> tuple[list[float], list[list[float]]]:
    """Tasks at their times, whether earlier ones have ended or not: seconds of each, and of its phases if known."""
    body = json.dumps({"type": "echo", "input_data": payload(plan.size)}).encode()
    async with product.http() as http:

        async def one(delay: float) -> tuple[float, list[float]]:
            await asyncio.sleep(delay)
            began, sent_at = time.monotonic(), time.time()
            task = await ask(http, body)
            seconds = time.monotonic() - began
            return seconds, phases(task, sent_at, sent_at + seconds) if task is not None else []

        measured = (await asyncio.gather(*(one(n / plan.rate) for n in range(WARM + plan.tasks))))[WARM:]
    return [seconds for seconds, _ in measured], [parts for _, parts in measured if parts]


def phases(task: Doc, sent_at: float, answered_at: float) -> list[float]:
    """Seconds from the request to the row, to the admission, to the claim, to the end of the run, to the answer."""
    stamps = [datetime.fromisoformat(task[f"{name}_at"]).timestamp() for name in STAMPS]
    return [later - earlier for earlier, later in pairwise([sent_at, *stamps, answered_at])]


# ── how clients ask ─────────────────────────────────────────────────────────────────────────────────────────────────

JSON = {"Content-Type": "application/json"}


async def _wait(http: aiohttp.ClientSession, body: bytes) -> Doc:
    """``Prefer: wait``: the answer to the submit is the result."""
    async with http.post("tasks", data=body, headers={**JSON, "Prefer": "wait=10"}) as answer:
        task: Doc = await answer.json()
    if task["status"] != "completed":
        raise TradefreeError(f"the task is {task['status']} after ten seconds")
    return task


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


WAYS: dict[str, Way] = {"tradefree-wait": _wait, "tradefree-stream": _stream, "tradefree-poll": _poll}
