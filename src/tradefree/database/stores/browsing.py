"""Browse: lists, details, logs, counts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.rows import (
    ATTEMPT,
    LOG,
    TASK,
    TASK_WITH_PAYLOADS,
    WORKER,
    label_digest,
    to_attempt,
    to_log,
    to_task,
    to_worker,
)
from tradefree.database.tables import attempts, task_labels, task_logs, task_totals, tasks, workers
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.states import LIVE, Status
from tradefree.tasks.task import Attempt, LogLine, Task, Worker, lane_of, type_of_lane

LEVELS = ("debug", "info", "warning", "error")


class BrowsingStore:
    """Everything that only reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, wanted: TaskFilter, *, limit: int, before_id: str | None = None, payloads: bool = False
    ) -> list[Task]:
        """See ``ports.BrowseStore``."""
        query = sa.select(*(TASK_WITH_PAYLOADS if payloads else TASK)).where(*_conditions(wanted))
        if before_id is not None:
            query = query.where(tasks.c.id < before_id)
        query = query.order_by(tasks.c.id.desc()).limit(limit)
        return [to_task(row) for row in await self._rows(query)]

    async def task(self, task_id: str, *, payloads: bool = True) -> Task | None:
        """See ``ports.BrowseStore``."""
        query = sa.select(*(TASK_WITH_PAYLOADS if payloads else TASK)).where(tasks.c.id == task_id)
        rows = await self._rows(query) if task_id.isascii() else []
        return to_task(rows[0]) if rows else None

    async def attempts(self, task_id: str) -> list[Attempt]:
        """See ``ports.BrowseStore``."""
        query = sa.select(*ATTEMPT).where(attempts.c.task_id == task_id).order_by(attempts.c.number)
        return [to_attempt(row) for row in (await self._rows(query) if task_id.isascii() else ())]

    async def logs(self, task_id: str, *, after: int = 0, limit: int, level: str | None = None) -> list[LogLine]:
        """See ``ports.BrowseStore``."""
        query = sa.select(*LOG).where(task_logs.c.task_id == task_id, task_logs.c.id > after)
        if level is not None:
            query = query.where(task_logs.c.level.in_(LEVELS[LEVELS.index(level) :]))
        rows = await self._rows(query.order_by(task_logs.c.id).limit(limit)) if task_id.isascii() else []
        return [to_log(row) for row in rows]

    async def counts(self) -> dict[str, dict[Status, int]]:
        """See ``ports.BrowseStore``."""
        live = (
            sa.select(tasks.c.lane, tasks.c.status, sa.func.count())
            .where(tasks.c.status.in_(sorted(LIVE)))
            .group_by(tasks.c.status, tasks.c.lane)
        )
        ended = sa.select(task_totals.c.type, task_totals.c.status, sa.func.sum(task_totals.c.number)).group_by(
            task_totals.c.type, task_totals.c.status
        )
        found: dict[str, dict[Status, int]] = {}
        for row in (*await self._rows(live), *await self._rows(ended)):
            lane_or_type, status, number = tuple(row)
            of_type = found.setdefault(type_of_lane(lane_or_type), dict.fromkeys(Status, 0))
            of_type[Status(status)] += int(number)
        return found

    async def all_workers(self) -> list[tuple[Worker, int]]:
        """See ``ports.BrowseStore``."""
        number = sa.select(sa.func.count()).where(tasks.c.worker_id == workers.c.id).scalar_subquery()
        query = sa.select(*WORKER, number.label("number")).order_by(workers.c.started_at.desc())
        return [(to_worker(row[:-1]), row[-1]) for row in await self._rows(query)]

    async def _rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        async def unit(connection: AsyncConnection) -> list[sa.Row[Any]]:
            return list((await connection.execute(query)).all())

        return await self._database.read(unit, slow=True)


def _conditions(wanted: TaskFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.statuses:
        conditions.append(tasks.c.status.in_(wanted.statuses))
    if wanted.types:
        conditions.append(tasks.c.type.in_(wanted.types))
    if wanted.only_types is not None:
        conditions.append(tasks.c.type.in_(wanted.only_types))
    if wanted.concurrency_key is not None:
        # by the lane's digest: a collation that pads would find 'key ' too
        conditions.append(tasks.c.lane.endswith(lane_of("", wanted.concurrency_key)))
    if wanted.submitted_by is not None:
        conditions.append(tasks.c.submitted_by == wanted.submitted_by)
    if wanted.created_after is not None:
        conditions.append(tasks.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(tasks.c.created_at < wanted.created_before)
    for name, value in wanted.labels.items():
        labelled = sa.select(task_labels.c.task_id).where(task_labels.c.digest == label_digest(name, value))
        conditions.append(tasks.c.id.in_(labelled))
    if wanted.text:
        conditions.append(_mentions(wanted.text))
    return conditions


def _mentions(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(
        tasks.c.id.startswith(text, autoescape=True) if text.isascii() else sa.false(),
        tasks.c.concurrency_key.contains(text, autoescape=True),
        tasks.c.error_message.contains(text, autoescape=True),
        sa.exists().where(task_labels.c.task_id == tasks.c.id, task_labels.c.value.contains(text, autoescape=True)),
    )
