"""Stand: what is in flight, what waits, who works, what limits have learnt, all in one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.rows import WORKER, to_worker
from tradefree.database.stores.leading import HOLDS, find_held
from tradefree.database.tables import limit_ceilings, limit_windows, tasks, workers
from tradefree.limits.scopes import parse_scope
from tradefree.tasks.ports import Standing
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, type_of_lane


class StandingStore:
    """For people who ask why a task waits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self) -> Standing:
        """See ``ports.BrowseStore``."""

        async def unit(connection: AsyncConnection) -> Standing:
            now = await self._database.now(connection)
            return await find_standing(connection, now, await _waiting(connection))

        return await self._database.read(unit)

    async def keys_of(self, lanes: Sequence[str]) -> dict[str, str]:
        """See ``ports.BrowseStore``."""
        if not lanes:
            return {}
        query = sa.select(tasks.c.lane, sa.func.min(tasks.c.concurrency_key)).where(HOLDS, tasks.c.lane.in_(lanes))
        query = by_index(query.group_by(tasks.c.lane), tasks, "ix_tasks_held")

        async def unit(connection: AsyncConnection) -> dict[str, str]:
            return {lane: key for lane, key in await connection.execute(query) if key is not None}

        return await self._database.read(unit)

    async def ahead_of(self, task: Task, most: int) -> int:
        """See ``ports.BrowseStore``."""
        earlier = (tasks.c.sort_at < task.sort_at) | ((tasks.c.sort_at == task.sort_at) & (tasks.c.id < task.id))
        query = sa.select(tasks.c.id).where(
            tasks.c.status == Status.PENDING,
            tasks.c.lane == task.lane,
            tasks.c.sort_at <= task.sort_at,
            earlier,
            aside(tasks.c.holds_slot).is_(None),
        )
        some = by_index(query, tasks, "ix_tasks_lane").limit(most).subquery()

        async def unit(connection: AsyncConnection) -> int:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)

        return await self._database.read(unit)


async def find_standing(connection: AsyncConnection, now: datetime, waiting: Mapping[str, int]) -> Standing:
    """How things stand, with pending tasks by type as they were counted."""
    live = sa.select(*WORKER).where(workers.c.status == "live", workers.c.lease_until > now)
    return Standing(
        held=await find_held(connection),
        waiting=waiting,
        workers=[to_worker(row) for row in await connection.execute(live)],
        windows={parse_scope(row.scope): row.state for row in await connection.execute(sa.select(limit_windows))},
        ceilings={row.connection: row.document for row in await connection.execute(sa.select(limit_ceilings))},
    )


async def _waiting(connection: AsyncConnection) -> dict[str, int]:
    query = sa.select(tasks.c.lane, sa.func.count()).where(tasks.c.status == Status.PENDING).group_by(tasks.c.lane)
    numbers: dict[str, int] = {}
    for lane, number in await connection.execute(by_index(query, tasks, "ix_tasks_lane")):
        name = type_of_lane(lane)
        numbers[name] = numbers.get(name, 0) + number
    return numbers
