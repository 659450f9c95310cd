"""Ten times the usual load for some seconds: one worker process beside as many as are wanted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bench.figures import percentile
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from tradefree.database.tables import tasks
from tradefree.errors import TradefreeError
from tradefree.testing.cluster import Worker

if TYPE_CHECKING:
    from bench.sections.operations import Plan

TICK = 0.2
"""Seconds between requests; each has the tasks that have come by then."""
PATIENCE = 120.0
"""Seconds until the processes of the burst have gone again."""


async def bursts(servers: Servers, plan: Plan) -> AsyncIterator[tuple[Row, str]]:
    """For each number of processes the same tasks at the same times; a row, and a line for who waits for it."""
    for processes in plan.processes:
        url = await servers.fresh_database("mariadb")
        product = Product(servers, "mariadb", url, workers=0)
        product.cluster.environment |= {
            "TRADEFREE_SCALE_CALM": "5"
        }  # seconds; the default of 60 would only take longer
        async with product:
            await product.define("work", runner="echo", options={"delay": 1.0})
            most = ("--min", "1", "--max", f"{plan.most}") if processes == "auto" else ()
            worker = product.cluster.worker(plan.places, "--processes", processes, *most)
            row = await _burst(product, worker, plan) | {"processes": processes}
            waits = [wait for _, wait in row["waits"]]
            yield (
                row,
                f"{processes:5} processes  p50 {percentile(waits, 0.5):.1f} s  p99 {percentile(waits, 0.99):.1f} s",
            )


async def _burst(product: Product, worker: Worker, plan: Plan) -> dict[str, Any]:
    began, number = datetime.now().astimezone(), 0
    for seconds, rate in ((plan.calm, plan.rate), (plan.burst, plan.rate * plan.times), (plan.after, plan.rate)):
        number += await _submit(product, seconds, rate)
    await product.until_completed(number)
    await _calmed(worker)
    query = sa.select(tasks.c.created_at, tasks.c.queued_at, tasks.c.started_at, tasks.c.attempt_count)
    rows = await product.rows(query.where(tasks.c.type == "work").order_by(tasks.c.created_at))
    return {
        "kind": "burst",
        "begins": plan.calm,
        "tasks": number,
        "repeated": sum(row.attempt_count != 1 for row in rows),
        "waits": [
            [(row.created_at - began).total_seconds(), (row.started_at - row.created_at).total_seconds()]
            for row in rows
        ],
        "steps": [[(at - began).total_seconds(), count] for at, count in _steps(worker)],
    }


async def _submit(product: Product, seconds: float, rate: int) -> int:
    """Tasks at an even pace, whatever becomes of them; how many."""
    each = round(rate * TICK)
    batch = b"\n".join([json.dumps({"type": "work", "input_data": {}}).encode()] * each)
    headers = {"Content-Type": "application/x-ndjson"}
    ticks = round(seconds / TICK)
    began = time.monotonic()
    async with product.http() as http:
        for tick in range(ticks):
            await asyncio.sleep(max(0.0, began + tick * TICK - time.monotonic()))
            async with http.post("tasks/batch", data=batch, headers=headers) as answer:
                if answer.status != 202:
                    raise TradefreeError(f"a batch was answered {answer.status}")
    return ticks * each


async def _calmed(worker: Worker) -> None:
    """Until as few processes are left as at the beginning."""
    deadline = time.monotonic() + PATIENCE
    while (steps := _steps(worker)) and steps[-1][1] > 1:
        if time.monotonic() > deadline:
            raise TradefreeError(f"{steps[-1][1]} processes are still there")
        await asyncio.sleep(0.5)


def _steps(worker: Worker) -> list[tuple[datetime, int]]:
    """When there were to be how many processes, from the parent's log."""
    lines = (json.loads(line) for line in worker.log.read_text().splitlines() if '"scaling"' in line)
    return [(datetime.fromisoformat(line["timestamp"]), line["processes"]) for line in lines]
