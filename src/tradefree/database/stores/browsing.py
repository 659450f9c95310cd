"""Browse: lists, details, logs, counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.rows import (
    ATTEMPT,
    LOG,
    TASK,
    TASK_WITH_PAYLOADS,
    WORKER,
    may_name,
    to_attempt,
    to_log,
    to_task,
    to_worker,
)
from tradefree.database.stores.finding import Finding
from tradefree.database.tables import attempts, task_logs, task_totals, tasks, workers
from tradefree.tasks.ports import Known, Place, TaskFilter
from tradefree.tasks.states import LIVE, Status
from tradefree.tasks.task import LEVELS, Attempt, LogLine, Task, Worker


class BrowsingStore:
    """Everything that only reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, wanted: TaskFilter, *, limit: int, below: Place | None = None, payloads: bool = False
    ) -> list[Task]:
        """See ``ports.BrowseStore``."""
        columns = TASK_WITH_PAYLOADS if payloads else TASK
        finding = Finding(self._database, wanted, below, limit)

        async def unit(connection: AsyncConnection) -> list[Task]:
            page = await finding.page(connection, columns)
            return [] if page is None else [to_task(row) for row in await connection.execute(page)]

        return await self._database.read(unit, slow=True)

    async def known(self, wanted: TaskFilter, *, newest: int) -> list[Known]:
        """See ``ports.BrowseStore``."""
        finding = Finding(self._database, wanted, None, newest)

        async def unit(connection: AsyncConnection) -> list[Known]:
            query = await finding.newest(connection, [tasks.c.type, tasks.c.concurrency_key, tasks.c.labels])
            return [] if query is None else [Known(*row) for row in await connection.execute(query)]

        return await self._database.read(unit, slow=True)

    async def numbers(self, wanted: TaskFilter, *, limit: int) -> dict[str, int]:
        """See ``ports.BrowseStore``."""
        finding = Finding(self._database, wanted, None, limit)

        async def unit(connection: AsyncConnection) -> dict[str, int]:
            page = await finding.page(connection, [tasks.c.type])
            if page is None:
                return {}
            found = page.subquery()
            query = sa.select(found.c.type, sa.func.count()).group_by(found.c.type)
            return {row[0]: row[1] for row in await connection.execute(query)}

        return await self._database.read(unit, slow=True)

    async def task(self, task_id: str, *, payloads: bool = True) -> Task | None:
        """See ``ports.BrowseStore``."""
        query = sa.select(*(TASK_WITH_PAYLOADS if payloads else TASK)).where(tasks.c.id == task_id)
        rows = await self._rows(query) if may_name(task_id) else []
        return to_task(rows[0]) if rows else None

    async def attempts(self, task_id: str) -> list[Attempt]:
        """See ``ports.BrowseStore``."""
        query = sa.select(*ATTEMPT).where(attempts.c.task_id == task_id).order_by(attempts.c.number)
        return [to_attempt(row) for row in (await self._rows(query) if may_name(task_id) else ())]

    async def logs(
        self,
        task_id: str,
        *,
        after: int = 0,
        limit: int,
        level: str | None = None,
        text: str | None = None,
        since: datetime | None = None,
    ) -> list[LogLine]:
        """See ``ports.BrowseStore``."""
        query = sa.select(*LOG).where(task_logs.c.task_id == task_id, task_logs.c.id > after)
        if level is not None:
            query = query.where(task_logs.c.level.in_(LEVELS[LEVELS.index(level) :]))
        if text is not None:
            query = query.where(sa.func.lower(task_logs.c.message).contains(text.lower(), autoescape=True))
        if since is not None:
            query = query.where(task_logs.c.created_at >= since)
        rows = await self._rows(query.order_by(task_logs.c.id).limit(limit)) if may_name(task_id) else []
        return [to_log(row) for row in rows]

    async def counts(self) -> dict[str, dict[Status, int]]:
        """See ``ports.BrowseStore``."""
        waiting = sa.select(tasks.c.status, tasks.c.lane, sa.func.count().label("number"))
        waiting = waiting.where(tasks.c.status.in_(sorted(LIVE))).group_by(tasks.c.status, tasks.c.lane)
        lanes = by_index(waiting, tasks, "ix_tasks_lane").subquery()  # in the order of the index
        type_ = sa.func.substr(lanes.c.lane, 1, sa.func.instr(lanes.c.lane, "/") - 1)
        live = sa.select(type_, lanes.c.status, sa.func.sum(lanes.c.number)).group_by(type_, lanes.c.status)
        ended = sa.select(task_totals.c.type, task_totals.c.status, sa.func.sum(task_totals.c.number)).group_by(
            task_totals.c.type, task_totals.c.status
        )
        found: dict[str, dict[Status, int]] = {}
        for row in (*await self._rows(live), *await self._rows(ended)):
            name, status, number = tuple(row)
            of_type = found.setdefault(name, dict.fromkeys(Status, 0))
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
