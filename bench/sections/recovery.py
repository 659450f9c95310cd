"""A steady stream of short tasks, and a kill in the middle of it: for how long does nothing end, and who takes over?"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import sqlalchemy as sa

from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from bench.watch import Watch
from tradefree.database.tables import attempts, tasks
from tradefree.errors import TradefreeError
from tradefree.testing.cluster import Service

RATE = 40.0
"""Tasks submitted per second."""
LENGTH = 0.5
"""Seconds that a task takes: some twenty are in flight."""
BEFORE = 4.0
"""Seconds of quiet before the kill."""
AFTER = 6.0
"""Seconds of stream after the system works again."""
DOWN = 1.0
"""Seconds until a killed Redis or database is started again."""
PATIENCE = 90.0
"""Seconds until everything submitted must have ended."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    rounds: int = 2
    faults: tuple[str, ...] = ("worker", "leader", "redis", "database")


@dataclass
class Stream:
    """Submits at a steady rate to whichever service answers; what was not accepted is offered again under its key."""

    product: Product
    accepted: int = 0
    refused: int = 0
    """Answers that were no, and requests without an answer."""

    async def run(self) -> None:
        """Until cancelled; requests under way are finished first."""
        body = json.dumps({"type": "short", "input_data": {}}).encode()
        headers = {"Authorization": f"Bearer {self.product.cluster.api_key}", "Content-Type": "application/json"}
        begin = time.monotonic()
        async with aiohttp.ClientSession(headers=headers) as http, asyncio.TaskGroup() as group:
            number = 0
            with suppress(asyncio.CancelledError):
                while True:
                    await asyncio.sleep(begin + number / RATE - time.monotonic())
                    group.create_task(self._submit(http, body, f"{begin}-{number}"))
                    number += 1

    async def _submit(self, http: aiohttp.ClientSession, body: bytes, key: str) -> None:
        services = self.product.cluster.services
        for attempt in range(1000):
            url = f"{services[attempt % len(services)].url}/api/v1/tasks"
            with suppress(aiohttp.ClientError, TimeoutError):
                async with http.post(
                    url, data=body, headers={"Idempotency-Key": key}, timeout=aiohttp.ClientTimeout(10)
                ) as answer:
                    if answer.status == 202:
                        self.accepted += 1
                        return
            self.refused += 1
            await asyncio.sleep(0.1)
        raise TradefreeError("no service has taken a task for a long time")


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """One row for each kill."""
    rows: list[Row] = []
    product = Product(servers, "mariadb", await servers.fresh_database("mariadb"), services=2, workers=2)
    with Watch("recovery", plan.rounds * len(plan.faults)) as watch:
        for number in range(1, plan.rounds + 1):
            for fault in plan.faults:
                async with product:
                    await product.define("short", runner="echo", options={"delay": f"{int(LENGTH * 1000)}ms"})
                    row = await _one(servers, product, fault)
                rows.append({"round": number, **row})
                watch.step(f"round {number}  {fault:9} accepted {row['accepted']}, asked again {row['refused']} times")
    return rows


async def _one(servers: Servers, product: Product, fault: str) -> dict[str, Any]:
    """One kill: when everything happened, in seconds from the kill."""
    stream = Stream(product)
    before, began = await product.completed(), time.time()
    submitting = asyncio.create_task(stream.run())
    await asyncio.sleep(BEFORE)
    killed_at = time.time()
    victims = await FAULTS[fault](servers, product)
    back_at = time.time()
    await _until_recovered(product, set(victims))
    await asyncio.sleep(AFTER)
    submitting.cancel()
    await submitting
    until = time.time()
    await product.until_completed(before + stream.accepted)
    return {
        "fault": fault,
        "back": back_at - killed_at,
        "until": until - killed_at,
        "accepted": stream.accepted,
        "refused": stream.refused,
        "victims": len(victims),
        **await _history(product, began, killed_at, set(victims)),
    }


async def _until_recovered(product: Product, victims: set[str]) -> None:
    """Until what was hit has ended; the stream goes on meanwhile."""
    query = sa.select(tasks.c.id).where(tasks.c.id.in_(victims), tasks.c.status != "completed")
    deadline = time.monotonic() + PATIENCE
    while victims and await product.rows(query):
        if time.monotonic() > deadline:
            raise TradefreeError(f"tasks of the victim have not ended within {PATIENCE:g} s")
        await asyncio.sleep(0.2)


async def _history(product: Product, began: float, killed_at: float, victims: set[str]) -> dict[str, Any]:
    """Starts and ends of attempts in order, and the starts of those that a victim had; seconds from the kill."""
    columns = (attempts.c.task_id, attempts.c.number, attempts.c.started_at, attempts.c.finished_at)
    since = attempts.c.started_at >= datetime.fromtimestamp(began, UTC)
    rows = await product.rows(sa.select(*columns).where(since))

    def after(moment: Any) -> float:
        return float(moment.timestamp() - killed_at)

    return {
        "starts": sorted(after(row.started_at) for row in rows),
        "ends": sorted(after(row.finished_at) for row in rows if row.finished_at is not None),
        "again": sorted(after(row.started_at) for row in rows if row.task_id in victims and row.number > 1),
    }


# ── the kills: each returns the ids of the tasks it interrupted, when the killed one may work again ──────────────────


async def _kill_worker(_: Servers, product: Product) -> list[str]:
    """SIGKILL, and it stays away: another must take over."""
    held = sa.select(tasks.c.worker_id, tasks.c.id).where(tasks.c.status == "processing")
    product.worker.kill()
    rows = await product.rows(held)
    dead = await _worker_id(product)
    return [row.id for row in rows if row.worker_id == dead]


async def _worker_id(product: Product) -> str:
    """Of the incarnation that the first worker's log tells of."""
    said = product.worker.log.read_text(errors="replace").splitlines()
    lines = [json.loads(line) for line in said if line.startswith("{") and "worker ready" in line]
    return str(lines[-1]["worker_id"])


async def _kill_leader(_: Servers, product: Product) -> list[str]:
    """SIGKILL of the service that leads, and it stays away."""
    leader = await _leader(product)
    leader.kill()
    return []


async def _leader(product: Product) -> Service:
    async with aiohttp.ClientSession() as http:
        for service in product.cluster.services:
            async with http.get(f"{service.url}/readyz") as answer:
                if (await answer.json())["leads"]:
                    return service
    raise TradefreeError("no service leads")


async def _kill_redis(servers: Servers, _: Product) -> list[str]:
    """SIGKILL; it comes back empty."""
    servers.redis.kill()
    await asyncio.sleep(DOWN)
    await asyncio.to_thread(servers.redis.start)
    return []


async def _kill_database(servers: Servers, _: Product) -> list[str]:
    """SIGKILL; it comes back with what was committed."""
    server = servers.database("mariadb")
    server.kill()
    await asyncio.sleep(DOWN)
    await asyncio.to_thread(server.start)
    return []


FAULTS: dict[str, Callable[[Servers, Product], Awaitable[list[str]]]] = {
    "worker": _kill_worker,
    "leader": _kill_leader,
    "redis": _kill_redis,
    "database": _kill_database,
}
