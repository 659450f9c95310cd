"""Pages: how long the console waits for what it shows, with a million tasks and ten million log lines on MariaDB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.figures import percentile
from bench.product import Product
from bench.results import Row
from bench.servers import Servers
from bench.watch import Watch
from tradefree.database.console_tables import series_marks
from tradefree.database.tables import metadata, task_logs
from tradefree.errors import TradefreeError

DAYS = 10
"""The tasks were submitted evenly over so many days, the last just now."""
CHUNK = 20_000
"""Tasks whose log lines are made by one statement, in the order of their times."""


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    tasks: int = 1_000_000
    lines: int = 10
    """Log lines of each task."""
    asks: int = 60
    """How often each page's data are asked for."""


def asked() -> Mapping[str, tuple[str, Mapping[str, str]]]:
    """What pages ask for: by a name, path and parameters."""

    def since(**ago: float) -> str:
        return (datetime.now(UTC) - timedelta(**ago)).isoformat()

    return {
        "chart of an hour": ("stats/series", {}),
        "chart of a day": ("stats/series", {"from": since(hours=24)}),
        "chart of a week": ("stats/series", {"from": since(days=7)}),
        "chart of all": ("stats/series", {"from": since(days=DAYS + 1)}),
        "numbers": ("stats", {}),
        "what waits": ("stats/waits", {}),
        "tasks": ("tasks", {}),
        "failed tasks of a type": ("tasks", {"status": "failed", "type": "t-3"}),
        "limits": ("limits", {}),
        "workers": ("workers", {}),
        "logs": ("logs", {}),
        "logs of an hour, a week ago": ("logs", {"from": since(days=7), "to": since(days=7, hours=-1)}),
        "errors in logs": ("logs", {"level": "error"}),
        "a text that nobody wrote": ("logs", {"text": "nobody wrote this"}),
    }


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """Rows of two kinds: ``tally`` (summing all of it up for the first time) and ``page``."""
    rows: list[Row] = []
    with Watch("pages", len(asked()) + 1) as watch:
        async for row, line in _measured(servers, plan):
            rows.append(row)
            watch.step(line)
    return rows


async def _measured(servers: Servers, plan: Plan) -> AsyncIterator[tuple[Row, str]]:
    url = await servers.fresh_database("mariadb")
    product = Product(servers, "mariadb", url)
    product.cluster.prepare()
    lines = await _fill(url, plan)
    async with product:
        for number in range(10):
            await product.define(f"t-{number}", runner="echo")
        seconds = await _summed_up(product)
        row = {"kind": "tally", "tasks": plan.tasks, "lines": lines, "seconds": seconds}
        yield row, f"{'summed up':32} {seconds:8.1f} s"
        async with product.http() as http:
            for name, (path, parameters) in asked().items():
                took = [await _ask(http, path, parameters) for _ in range(plan.asks)]
                row = {"kind": "page", "what": name, "tasks": plan.tasks, "lines": lines, "seconds": took}
                p50, p95 = (percentile(took, share) * 1000 for share in (0.5, 0.95))
                yield row, f"{name:32} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms"


async def _ask(http: aiohttp.ClientSession, path: str, parameters: Mapping[str, str]) -> float:
    began = time.monotonic()
    async with http.get(path, params=parameters) as answer:
        await answer.read()
        if answer.status != 200:
            raise TradefreeError(f"{path} was answered {answer.status}")
    return time.monotonic() - began


async def _summed_up(product: Product) -> float:
    """Seconds until the leader has summed up all that the log tells."""
    began = time.monotonic()
    (last,) = (await product.rows(sa.select(sa.func.max(task_logs.c.id))))[0]
    while True:
        marks = await product.rows(sa.select(series_marks.c.log_id))
        if marks and marks[0][0] >= last:
            return time.monotonic() - began
        await asyncio.sleep(0.5)


# ── filling ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_AT = "@first + INTERVAL seq * @step MICROSECOND"
_MS = f"LPAD(LOWER(HEX(CAST(UNIX_TIMESTAMP({_AT}) * 1000 AS UNSIGNED))), 12, '0')"
_ID = f"CONCAT(SUBSTR({_MS}, 1, 8), '-', SUBSTR({_MS}, 9), '-7000-8000-', LPAD(LOWER(HEX(seq)), 12, '0'))"
_STATUS = "IF(seq > @tasks * 0.99, 'pending', IF(seq % 33 = 0, 'failed', 'completed'))"
_TASKS = f"""
    INSERT INTO tasks (id, type, status, input_data, output_data, error_message, created_at, updated_at, run_at,
                       sort_at, started_at, finished_at, lane, priority, labels, attempt_count, failures, crashes,
                       deferrals)
    SELECT id, type, status, '{{"order_id": 4711}}', IF(status = 'completed', '{{"text": "What came of it."}}', NULL),
           IF(status = 'failed', 'The upstream said no.', NULL), at, at, at, at,
           IF(status = 'pending', NULL, at + INTERVAL 2 SECOND), IF(status = 'pending', NULL, at + INTERVAL 30 SECOND),
           CONCAT(type, '/'), 0, '{{}}', IF(status = 'pending', 0, 1), 0, 0, 0
    FROM (SELECT seq, {_AT} AS at, {_ID} AS id, {_STATUS} AS status, CONCAT('t-', seq % 10) AS type FROM {{numbers}}) n
"""
_TOTALS = """
    INSERT INTO task_totals (type, status, shard, number)
    SELECT type, status, 0, COUNT(*) FROM tasks WHERE status <> 'pending' GROUP BY type, status
"""
_ATTEMPTS = """
    INSERT INTO attempts (task_id, number, worker_id, started_at, finished_at, outcome, total_tokens, price, currency)
    SELECT id, 1, 'w', started_at, finished_at, status, 500, '0.00125', 'USD' FROM tasks WHERE finished_at IS NOT NULL
"""
_LINES = """
    INSERT INTO task_logs (task_id, level, message, created_at, event, attempt)
    SELECT id, level, message, at, event, attempt FROM (
        SELECT id, 'info' AS level, 'Accepted.' AS message, created_at AS at, 'task.accepted' AS event, 0 AS attempt
        FROM tasks WHERE id > :low AND id <= :high
        UNION ALL
        SELECT id, 'info', CONCAT('Step ', seq, ': the customer is asked for the number of the order.'),
               started_at + INTERVAL seq SECOND, 'dify.node', 1
        FROM tasks, {numbers} WHERE id > :low AND id <= :high AND finished_at IS NOT NULL
        UNION ALL
        SELECT id, IF(status = 'failed', 'error', 'info'), IF(status = 'failed', 'Failed: no.', 'Completed.'),
               finished_at, CONCAT('task.', status), 1
        FROM tasks WHERE id > :low AND id <= :high AND finished_at IS NOT NULL
    ) told ORDER BY at
"""


async def _fill(url: str, plan: Plan) -> int:
    """Make the tasks and all that belongs to them; how many log lines there are."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        for text in (
            "SET time_zone = '+00:00', unique_checks = 0",
            f"SET @tasks = {plan.tasks}, @first = UTC_TIMESTAMP(6) - INTERVAL {DAYS} DAY",
            f"SET @step = {DAYS * 86_400_000_000 // plan.tasks}",
            _TASKS.replace("{numbers}", f"seq_1_to_{plan.tasks}"),
            _TOTALS,
            _ATTEMPTS,
        ):
            await connection.execute(sa.text(text))
            await connection.commit()
        await _lines(connection, plan)
        await connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(metadata.tables)}")
        number = await connection.scalar(sa.select(sa.func.count()).select_from(task_logs))
    await engine.dispose()
    return int(number or 0)


async def _lines(connection: AsyncConnection, plan: Plan) -> None:
    some = sa.text("SELECT id FROM tasks WHERE id > :low ORDER BY id LIMIT 1 OFFSET :most")
    text = sa.text(_LINES.replace("{numbers}", f"seq_1_to_{plan.lines - 2}"))
    low: str | None = ""
    while low is not None:
        high = await connection.scalar(some, {"low": low, "most": CHUNK - 1})
        await connection.execute(text, {"low": low, "high": high or "g"})
        await connection.commit()
        low = high
