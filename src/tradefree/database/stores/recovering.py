"""Recover: whose lease ran out, and what they left behind."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.rows import WORKER, to_worker
from tradefree.database.tables import tasks, workers
from tradefree.tasks.states import Status
from tradefree.tasks.task import GONE, Worker, WorkerStatus

_ALIVE = workers.c.status.not_in(sorted(GONE))


class RecoveringStore:
    """Dead workers and orphaned tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lapsed(self, *, everyone: bool = False) -> list[Worker]:
        """See ``ports.RecoverStore``."""

        async def unit(connection: AsyncConnection) -> list[Worker]:
            query = sa.select(*WORKER).where(_ALIVE)
            if not everyone:
                query = query.where(workers.c.lease_until <= await self._database.now(connection))
            return [to_worker(row) for row in await connection.execute(query)]

        return await self._database.read(unit)

    async def live_count(self) -> int:
        """See ``ports.RecoverStore``."""

        async def unit(connection: AsyncConnection) -> int:
            return await connection.scalar(sa.select(sa.func.count()).select_from(workers).where(_ALIVE)) or 0

        return await self._database.read(unit)

    async def bury(self, worker_id: str, *, at_once: bool = False) -> bool:
        """See ``ports.RecoverStore``."""

        async def unit(connection: AsyncConnection) -> bool:
            statement = sa.update(workers).where(workers.c.id == worker_id, _ALIVE).values(status="dead")
            if not at_once:
                statement = statement.where(workers.c.lease_until <= await self._database.now(connection))
            return (await connection.execute(statement)).rowcount == 1

        return await self._database.write(unit)

    async def orphans(self, limit: int, claim_within: float) -> list[str]:
        """See ``ports.RecoverStore``."""

        async def unit(connection: AsyncConnection) -> list[str]:
            overdue = await self._database.now(connection) - timedelta(seconds=claim_within)
            gone = sa.select(workers.c.id).where(~_ALIVE)
            left = tasks.c.worker_id.in_(gone) & tasks.c.status.in_([Status.QUEUED, Status.PROCESSING])
            unclaimed = (tasks.c.status == Status.QUEUED) & (tasks.c.queued_at < overdue)
            ids: list[str] = []
            for which, index in ((left, "ix_tasks_worker"), (unclaimed, "ix_tasks_lane")):
                query = by_index(sa.select(tasks.c.id).where(which), tasks, index)
                ids += (await connection.execute(query.limit(limit))).scalars()
            return list(dict.fromkeys(ids))[:limit]

        return await self._database.read(unit)

    async def gone_workers(self) -> dict[str, datetime | None]:
        """See ``ports.RecoverStore``."""

        async def unit(connection: AsyncConnection) -> dict[str, datetime | None]:
            query = sa.select(workers.c.id, workers.c.status, workers.c.lease_until).where(~_ALIVE)
            rows = (await connection.execute(query)).all()
            return {row.id: row.lease_until if row.status == WorkerStatus.DEAD else None for row in rows}

        return await self._database.read(unit)

    async def forget_workers(self, before: datetime) -> int:
        """See ``ports.RecoverStore``."""

        async def unit(connection: AsyncConnection) -> int:
            busy = sa.exists().where(tasks.c.worker_id == workers.c.id)
            gone = sa.delete(workers).where(~_ALIVE, workers.c.lease_until < before, ~busy)
            return (await connection.execute(gone)).rowcount

        return await self._database.write(unit)
