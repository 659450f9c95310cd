"""Thousands of ten-second Dify streams in one worker: are they late, what do they cost, does the worker beat?"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from bench.cpu import CpuMeter, memory_bytes
from bench.load import send_all
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from bench.watch import Watch
from tradefree.database.tables import attempts, tasks, workers
from tradefree.errors import TradefreeError
from tradefree.testing.standin import Standin

SECONDS = 10.0
"""How long each run takes at Dify."""
KEY = "app-bench"
APP = {
    "name": "bench",
    "key": KEY,
    "inputs": ["query"],
    "nodes": [
        {"type": "http-request", "id": "load", "title": "Load", "seconds": 2.0},
        {"type": "llm", "id": "write", "title": "Write", "seconds": 8.0, "tokens": 300},
    ],
}
SAMPLE_EVERY = 0.1
"""Seconds between looks at the worker."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    calls: Sequence[int] = (1_000, 2_000)
    """In flight at once."""


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """One row for each number of calls."""
    rows: list[Row] = []
    product = Product(servers, "mariadb", await servers.fresh_database("mariadb"))
    with (
        TemporaryDirectory() as folder,
        Standin(Path(folder), {"apps": [APP]}) as dify,
        Watch("streams", len(plan.calls)) as watch,
    ):
        for calls in plan.calls:
            product.concurrency = calls
            async with product:
                await product.connect("dify", dify.base_url, KEY)
                await product.define("stream", runner="dify.workflow", connection="dify", timeout="5m")
                row = await _streams(product, dify, calls)
            rows.append(row)
            worst, memory = max(row["lateness"]), row["memory_peak"] - row["memory_idle"]
            watch.step(f"{calls} calls  latest {worst:.2f} s late  {memory / calls / 1000:.1f} kB per call")
    return rows


async def _streams(product: Product, dify: Standin, calls: int) -> dict[str, Any]:
    """One wave of calls: raw seconds, bytes, CPU seconds."""
    await _wave(product, 20)  # what the first call loads is no cost of each call
    line = json.dumps({"type": "stream", "input_data": {"query": "what to ship today"}}).encode()
    bodies = [b"\n".join([line] * min(500, calls - start)) for start in range(0, calls, 500)]
    posts = [product.target.post("/api/v1/tasks/batch", body, "application/x-ndjson") for body in bodies]
    before = await product.completed()
    idle = memory_bytes(product.worker.pid)
    meter = CpuMeter({**product.pids(), "dify-standin": dify.pid})
    samples = Samples(product)
    sampling = asyncio.create_task(samples.take())
    began = time.time()
    try:
        await send_all(product.target, posts, 1)
        await product.until_completed(before + calls)
    finally:
        sampling.cancel()
    wall = time.time() - began
    return {
        "calls": calls,
        "wall": wall,
        "lateness": await _lateness(product, began),
        "memory_idle": idle,
        "memory_peak": samples.memory,
        "in_flight_peak": samples.in_flight,
        "leases": samples.leases,
        "cpu": meter.read(),
    }


async def _wave(product: Product, calls: int) -> None:
    before = await product.completed()
    body = json.dumps({"type": "stream", "input_data": {"query": "warm"}}).encode()
    await send_all(product.target, [product.target.post("/api/v1/tasks", body)] * calls, calls)
    await product.until_completed(before + calls)


async def _lateness(product: Product, since: float) -> list[float]:
    """Seconds that each call took longer than it does at Dify, from the claim to the end, in order."""
    query = sa.select(attempts.c.started_at, attempts.c.finished_at, attempts.c.outcome)
    rows = [row for row in await product.rows(query) if row.started_at.timestamp() >= since]
    if bad := [row.outcome for row in rows if row.outcome != "completed"]:
        raise TradefreeError(f"{len(bad)} calls did not complete: {bad[0]}")
    return sorted((row.finished_at - row.started_at).total_seconds() - SECONDS for row in rows)


class Samples:
    """Looks at a worker again and again."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self.memory = 0
        """Greatest resident memory seen, in bytes."""
        self.in_flight = 0
        """Most tasks seen in state ``processing``."""
        self.leases: list[float] = []
        """Each end of the lease seen, in seconds since 1970: a new one is a beat."""

    async def take(self) -> None:
        """Until cancelled."""
        pid = self._product.worker.pid
        lease = sa.select(workers.c.lease_until).where(workers.c.status == "live")
        processing = sa.select(sa.func.count()).where(tasks.c.status == "processing").select_from(tasks)
        while True:
            self.memory = max(self.memory, memory_bytes(pid))
            ends = max(row.lease_until.timestamp() for row in await self._product.rows(lease))
            if not self.leases or ends != self.leases[-1]:
                self.leases.append(ends)
            self.in_flight = max(self.in_flight, int((await self._product.rows(processing))[0][0]))
            await asyncio.sleep(SAMPLE_EVERY)
