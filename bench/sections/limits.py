"""What limits cost, and what they are worth: admission beside a huge backlog, two more limits, a lone task in a crowd,
a ceiling that is learnt."""

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

from bench.load import send_all
from bench.product import Product
from bench.results import Row
from bench.sections.limits_rounds import admissions
from bench.servers import Servers
from bench.sides.product_side import BATCH_CONNECTIONS, batches
from bench.watch import Watch
from tradefree.database.tables import tasks
from tradefree.errors import TradefreeError
from tradefree.testing.standin import Standin

APP = {"name": "bench", "key": "app-bench", "inputs": ["query"], "nodes": [{"type": "llm", "id": "a", "seconds": 1.0}]}


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    backlogs: Sequence[tuple[int, int]] = ((1_000, 1), (1_000_000, 10_000))
    """Tasks that wait, and in how many lanes."""
    rounds: int = 3
    tasks: int = 10_000
    """Of one measurement of throughput."""
    crowd: int = 100_000
    lone: int = 40
    capacities: Sequence[int] = (20, 5, 40)
    starts: int = 300
    """Single tasks whose way to their start is timed, ten each second."""
    phase: float = 30.0
    """Seconds for which the upstream has each capacity."""


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """Rows of five kinds: ``admission``, ``throughput``, ``starts``, ``lone``, ``ceiling``."""
    rows: list[Row] = []
    with Watch("limits", len(plan.backlogs) + 2 * plan.rounds + 3 + len(plan.capacities)) as watch:
        for number, lanes in plan.backlogs:
            row = await admissions(await servers.fresh_database("mariadb"), number, lanes)
            rows.append(row)
            each = sum(row["seconds"]) / sum(row["admitted"]) * 1e6
            watch.step(f"{number:,} tasks in {lanes:,} lanes  [bold]{each:,.0f}[/bold] µs per admitted task")
        async for row in _throughput(servers, plan):
            rows.append(row)
            watch.step(
                f"{'two more limits' if row['limited'] else 'no limits':16} {row['tasks'] / row['seconds']:,.0f}/s"
            )
        for limited in (False, True):
            row = await _starts(servers, plan, limited=limited)
            rows.append(row)
            watch.step(f"starts {'with limits on five levels' if limited else 'without limits'}")
        row = await _lone(servers, plan)
        rows.append(row)
        watch.step(f"lone tasks start after {max(row['waits']):.3f} s at the latest")
        async for row in _ceiling(servers, plan):
            rows.append(row)
            watch.step(f"capacity {row['capacity']}: {row['ended_late'] / 10:.1f} ends/s, {row['refused']} refused")
    return rows


async def _throughput(servers: Servers, plan: Plan) -> Any:
    """The same batches with and without two more limits, in turn."""
    async with Product(servers, "mariadb", await servers.fresh_database("mariadb"), concurrency=1_000) as product:
        await _run_batches(product, 1_000)
        for number in range(1, plan.rounds + 1):
            for limited in (False, True):
                caps = {"max_running": 100_000, "rate": "9000/s", "burst": 9_000} if limited else {}
                await product.limit("everything", **caps)
                await product.limit("limit:shared", **caps)
                await product.define("echo", runner="echo", limits=["shared"] if limited else [])
                await asyncio.sleep(1.5)
                seconds = await _run_batches(product, plan.tasks)
                yield {
                    "kind": "throughput",
                    "round": number,
                    "limited": limited,
                    "tasks": plan.tasks,
                    "seconds": seconds,
                }


async def _starts(servers: Servers, plan: Plan, *, limited: bool) -> dict[str, Any]:
    """Single tasks of ten lanes at ten a second, with caps and rates on every level that are never reached."""
    async with Product(servers, "mariadb", await servers.fresh_database("mariadb"), concurrency=50) as product:
        if limited:
            rate = {"rate": "900/s", "burst": 900}
            for scope in ("everything", "queue:default", "limit:shared"):
                await product.limit(scope, max_running=1_000, **rate)
            keys = {f"{name}_per_key": value for name, value in rate.items()}
            concurrency = {"max_running": 1_000, "max_running_per_key": 100, **keys}
            await product.define("echo", runner="echo", limits=["shared"], concurrency=concurrency, **rate)
        await _run_batches(product, 1_000)
        for number in range(plan.starts):
            task = json.dumps({"type": "echo", "concurrency_key": f"lone {number % 10}"}).encode()
            await send_all(product.target, [product.target.post("/api/v1/tasks", task)], 1)
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        return {"kind": "starts", "limited": limited, "waits": await _waits(product)}


async def _waits(product: Product) -> list[float]:
    """Seconds from acceptance to start of the lone tasks."""
    query = sa.select(tasks.c.created_at, tasks.c.started_at).where(tasks.c.concurrency_key.like("lone %"))
    return sorted((row.started_at - row.created_at).total_seconds() for row in await product.rows(query))


async def _run_batches(product: Product, number: int) -> float:
    requests = batches(product.target, number, 150)
    before = await product.completed()
    began = time.monotonic()
    await send_all(product.target, requests, BATCH_CONNECTIONS)
    return await product.until_completed(before + number) - began


async def _lone(servers: Servers, plan: Plan) -> dict[str, Any]:
    """Tasks of quiet lanes, one after the other, while a crowd of another lane of the type has all places."""
    async with Product(servers, "mariadb", await servers.fresh_database("mariadb"), concurrency=50) as product:
        await product.define("work", runner="echo", options={"delay": 0.1}, concurrency={"max_running": 40})
        crowd = json.dumps({"type": "work", "concurrency_key": "crowd"}).encode()
        batch = product.target.post("/api/v1/tasks/batch", b"\n".join([crowd] * 1000), "application/x-ndjson")
        await send_all(product.target, [batch] * (plan.crowd // 1000), 2)
        for number in range(plan.lone):
            lone = json.dumps({"type": "work", "concurrency_key": f"lone {number}"}).encode()
            await send_all(product.target, [product.target.post("/api/v1/tasks", lone)], 1)
            await asyncio.sleep(0.25)
        await asyncio.sleep(2)
        waits = await _waits(product)
        return {"kind": "lone", "crowd": plan.crowd, "waits": waits, "task_seconds": 0.1, "places": 40}


async def _ceiling(servers: Servers, plan: Plan) -> Any:
    """An upstream whose capacity changes, with tasks of a second always waiting."""
    with TemporaryDirectory() as folder, Standin(Path(folder), {"apps": [APP]}) as dify:
        async with Product(servers, "mariadb", await servers.fresh_database("mariadb"), concurrency=500) as product:
            await product.connect("dify", dify.base_url, "app-bench", adaptive=True)
            await product.define("call", runner="dify.workflow", connection="dify")
            line = json.dumps({"type": "call", "input_data": {"query": "x"}}).encode()
            number = int(sum(plan.capacities) * plan.phase) + 500
            bodies = [b"\n".join([line] * min(1000, number - start)) for start in range(0, number, 1000)]
            for capacity in plan.capacities:
                dify.control(apps={"bench": {"behaviour": {"too_many_requests": {"above": capacity}}}})
                if bodies:
                    posts = [product.target.post("/api/v1/tasks/batch", b, "application/x-ndjson") for b in bodies]
                    await send_all(product.target, posts, 1)
                    bodies = []
                refused, began = dify.refused(), time.monotonic()
                await asyncio.sleep(plan.phase)
                runs = [run for run in dify.runs() if run.ended_mono is not None and run.ended_mono > began]
                if not runs:
                    raise TradefreeError("nothing has run")
                yield {
                    "kind": "ceiling",
                    "capacity": capacity,
                    "ended": len(runs),
                    "ended_late": sum((run.ended_mono or 0) > began + plan.phase - 10 for run in runs),
                    "refused": dify.refused() - refused,
                    "seconds": plan.phase,
                }
