"""A backup, its restore for a test, and retention, beside people who submit: a million rows on MariaDB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bench.figures import percentile
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from tradefree.database.tables import metadata, tasks
from tradefree.errors import TradefreeError
from tradefree.testing.cluster import TRADEFREE

if TYPE_CHECKING:
    from bench.sections.operations import Plan

ID = "CONCAT('00000000-0000-7000-8000-', LPAD(HEX(seq), 12, '0'))"
FILL = (
    """
    INSERT INTO tasks (id, type, status, input_data, output_data, created_at, updated_at, run_at, sort_at, finished_at,
                       lane, priority, labels, attempt_count, failures, crashes, deferrals)
    SELECT {id}, 'old', 'completed', '{{"order_id": 4711, "text": "What a customer wrote about it."}}',
           '{{"text": "What the workflow made of it, in a sentence or two."}}',
           @then, @then, @then, @then, @then, 'old/', 0, '{{}}', 1, 0, 0, 0 FROM {numbers}
    """,
    "INSERT INTO task_totals (type, status, shard, number) VALUES ('old', 'completed', 0, {tasks})",
    """
    INSERT INTO attempts (task_id, number, worker_id, started_at, finished_at, outcome)
    SELECT {id}, 1, 'w', @then, @then, 'completed' FROM {numbers}
    """,
    *(
        f"""
        INSERT INTO task_logs (task_id, level, message, created_at, event, attempt)
        SELECT {{id}}, 'info', 'What happened then, in a sentence.', @then, '{event}', 1 FROM {{numbers}}
        """
        for event in ("submitted", "started", "completed")
    ),
)
KEEP = {"TRADEFREE_KEEP_COMPLETED_DAYS": "30"}
"""What was filled in is older."""


async def upkeep(servers: Servers, plan: Plan) -> AsyncIterator[tuple[Row, str]]:
    """Latencies of submits while nothing else is done, and while each of the others is; with a line to show."""
    url = await servers.fresh_database("mariadb")
    product = Product(servers, "mariadb", url)
    product.cluster.prepare()
    await _fill(url, plan.tasks)
    file = servers.folder / "bench.tfb"
    async with product:
        yield _told(await _beside(product, plan, "nothing else", _for(plan.look)))
        row = await _beside(product, plan, "a backup", _command(product, "backup", "create", str(file), "--nice", "10"))
        yield _told(row | {"size": file.stat().st_size})
        verify = _command(product, "backup", "verify", str(file))
        yield _told(await _beside(product, plan, "its restore for a test", verify))
        yield _told(await _beside(product, plan, "nothing else", _for(plan.look)))
    product.cluster.environment |= KEEP
    async with product:
        before = await _left(product)
        row = await _beside(product, plan, "retention", _for(plan.look))
        yield _told(row | {"deleted": before - await _left(product)})


async def _fill(url: str, number: int) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("SET @then = UTC_TIMESTAMP() - INTERVAL 60 DAY"))
        for statement in FILL:
            text = statement.format(id=ID, numbers=f"seq_1_to_{number}", tasks=number)
            await connection.exec_driver_sql(text)
        await connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(metadata.tables)}")
    await engine.dispose()


async def _beside(product: Product, plan: Plan, what: str, body: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """Submit at an even pace until the body has ended: how long each took, and how long the body did."""
    ended = asyncio.Event()

    async def work() -> float:
        began = time.monotonic()
        try:
            await body()
        finally:
            ended.set()
        return time.monotonic() - began

    seconds, latencies = await asyncio.gather(work(), _submitting(product, plan.submits, ended))
    return {"kind": "upkeep", "what": what, "tasks": plan.tasks, "seconds": seconds, "latencies": latencies}


async def _submitting(product: Product, rate: int, ended: asyncio.Event) -> list[float]:
    async with product.http() as http:

        async def one() -> float:
            began = time.monotonic()
            async with http.post("tasks", json={"type": "echo", "input_data": {}}) as answer:
                await answer.read()
                if answer.status != 202:
                    raise TradefreeError(f"a submit was answered {answer.status}")
            return time.monotonic() - began

        under_way = []
        began = time.monotonic()
        while not ended.is_set():
            under_way.append(asyncio.create_task(one()))
            await asyncio.sleep(max(0.0, began + len(under_way) / rate - time.monotonic()))
        return list(await asyncio.gather(*under_way))


def _for(seconds: float) -> Callable[[], Awaitable[None]]:
    return lambda: asyncio.sleep(seconds)


def _command(product: Product, *words: str) -> Callable[[], Awaitable[None]]:
    """``tradefree`` with these words, in a process of its own."""

    async def run() -> None:
        environment, folder = product.cluster.environment, Path(product.cluster.folder)
        process = await asyncio.create_subprocess_exec(
            TRADEFREE, *words, env=environment, cwd=folder, stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait():
            raise TradefreeError(f"tradefree {' '.join(words)} ended with {process.returncode}")

    return run


async def _left(product: Product) -> int:
    """Old tasks that are still there."""
    counted = sa.select(sa.func.count()).select_from(tasks).where(tasks.c.type == "old")
    return int((await product.rows(counted))[0][0])


def _told(row: dict[str, Any]) -> tuple[Row, str]:
    late = [percentile(row["latencies"], share) * 1000 for share in (0.5, 0.99)]
    return row, f"{row['what']:22} {row['seconds']:6.1f} s  submits p50 {late[0]:.1f} ms  p99 {late[1]:.1f} ms"
