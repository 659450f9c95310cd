"""Decide: lock rows, let the domain choose each one's move, write all moves at once."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.rows import TASK, attempt_row, log_row, to_task, wake_at
from tradefree.database.stores.inserting import insert_tasks
from tradefree.database.tables import attempts, limit_refunds, task_logs, task_totals, tasks
from tradefree.tasks.ports import Decide
from tradefree.tasks.states import TERMINAL
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change

SHARDS = 16
"""Rows that a running total is spread over, so that writers seldom meet."""


_THESE = (  # SQLite, whose transaction holds the whole file, leaves FOR UPDATE out
    by_index(sa.select(*TASK), tasks)
    .where(tasks.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tasks.c.id)
    .with_for_update()
)


class DecidingStore:
    """Every move that is chosen row by row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self, ids: Sequence[str], decide: Decide, *, believed: Sequence[Task] = ()) -> list[Change]:
        """See ``ports.DecideStore``. A repeat finds the rows already moved and chooses nothing."""
        if believed:
            try:
                return await self._database.write(lambda connection: self._as_believed(connection, believed, decide))
            except _NotSo:
                pass

        async def unit(connection: AsyncConnection) -> list[Change]:
            rows = await connection.execute(_THESE, {"ids": list(ids)})
            changes = [change for row in rows if (change := decide(to_task(row))) is not None]
            await self._write(connection, changes)
            return changes

        return await self._database.write(unit) if ids else []

    async def _as_believed(self, connection: AsyncConnection, believed: Sequence[Task], decide: Decide) -> list[Change]:
        """Without reading: the guards of the writes find out what is not so, and then nothing is written."""
        found = [change for task in sorted(believed, key=_id) if (change := decide(task)) is not None]
        await self._write(connection, found, surely=True)
        return found

    async def _write(self, connection: AsyncConnection, changes: Sequence[Change], *, surely: bool = False) -> None:
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for change in changes:
            row = _row(change)
            by_columns[tuple(row)].append(row)
        for moves in by_columns.values():
            match = ("id", "was_status", "was_attempt_count")
            moved = await self._database.update_rows(connection, tasks, moves, match=match)
            if surely and moved != len(moves):
                raise _NotSo
        ended = [attempt_row(change.attempt) for change in changes if change.attempt]
        await self._database.insert(connection, attempts, ended)
        lines = [log_row(line) for change in changes for line in (*change.lines, change.line)]
        await self._database.insert(connection, task_logs, lines)
        await insert_tasks(self._database, connection, [task for change in changes for task in change.deliveries])
        await self._database.upsert(connection, task_totals, _totals(changes), add="number")
        await self._database.upsert(connection, limit_refunds, _refunds(changes), add="number")


class _NotSo(Exception):
    """A task is not as it was believed to be."""


def _id(task: Task) -> str:
    return task.id


def _row(change: Change) -> dict[str, Any]:
    task = change.before
    values = dict(change.values)
    run_at = values.get("run_at", task.run_at)
    expires_at = values.get("expires_at", task.expires_at)
    holds = values.get("holds_slot", task.holds_slot)
    answer_by = values.get("answer_by", task.answer_by)
    values["wake_at"] = wake_at(change.status, run_at, expires_at, holds=holds, answer_by=answer_by)
    return {"id": task.id, "was_status": task.status, "was_attempt_count": task.attempt_count, **values}


def _refunds(changes: Sequence[Change]) -> list[dict[str, Any]]:
    numbers = Counter(change.before.lane for change in changes if change.never_began)
    return [{"lane": lane, "number": number} for lane, number in sorted(numbers.items())]


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
