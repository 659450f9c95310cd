"""Decide: lock rows, let the domain choose each one's move, write all moves at once."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.rows import TASK, attempt_row, log_row, to_task, wake_at
from tradefree.database.tables import attempts, task_logs, task_totals, tasks
from tradefree.tasks.ports import Decide
from tradefree.tasks.states import TERMINAL
from tradefree.tasks.transitions import Change

SHARDS = 16
"""Rows that a running total is spread over, so that writers seldom meet."""


class DecidingStore:
    """Every move that is chosen row by row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self, ids: Sequence[str], decide: Decide) -> list[Change]:
        """See ``ports.DecideStore``. A repeat finds the rows already moved and chooses nothing."""

        async def unit(connection: AsyncConnection) -> list[Change]:
            query = sa.select(*TASK).where(tasks.c.id.in_(ids)).order_by(tasks.c.id)
            rows = await connection.execute(self._database.locked(query))
            changes = [change for row in rows if (change := decide(to_task(row))) is not None]
            await self._write(connection, changes)
            return changes

        return await self._database.write(unit) if ids else []

    async def _write(self, connection: AsyncConnection, changes: Sequence[Change]) -> None:
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for change in changes:
            row = _row(change)
            by_columns[tuple(row)].append(row)
        for moves in by_columns.values():
            await self._database.update_rows(connection, tasks, moves, match=("id", "was_status", "was_attempt_count"))
        ended = [attempt_row(change.attempt) for change in changes if change.attempt]
        if ended:
            await connection.execute(sa.insert(attempts), ended)
        lines = [log_row(line) for change in changes for line in (*change.lines, change.line)]
        if lines:
            await connection.execute(sa.insert(task_logs), lines)
        await self._database.upsert(connection, task_totals, _totals(changes), add="number")


def _row(change: Change) -> dict[str, Any]:
    task = change.before
    values = dict(change.values)
    run_at = values.get("run_at", task.run_at)
    expires_at = values.get("expires_at", task.expires_at)
    holds = values.get("holds_slot", task.holds_slot)
    values["wake_at"] = wake_at(change.status, run_at, expires_at, holds=holds)
    return {"id": task.id, "was_status": task.status, "was_attempt_count": task.attempt_count, **values}


def _totals(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What the moves add to the running totals of ended tasks; a retry takes its task out again."""
    numbers: Counter[tuple[str, str]] = Counter()
    for change in changes:
        task = change.before
        if task.status in TERMINAL:
            numbers[task.type, task.status] -= 1
        if change.status in TERMINAL:
            numbers[task.type, change.status] += 1
    shard = zlib.crc32(changes[0].before.id.encode()) % SHARDS if changes else 0
    return [
        {"type": type_, "status": status, "shard": shard, "number": n} for (type_, status), n in numbers.items() if n
    ]
