"""Lead: one dispatcher at a time, and the inside of its rounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.columns import Flag, Moment
from tradefree.database.engine import Database, aside, by_index
from tradefree.database.protocol import PROTOCOL, require_protocol, require_same
from tradefree.database.rows import WORKER, to_worker, wake_at
from tradefree.database.tables import leaders, tasks, workers
from tradefree.errors import LeadershipLost
from tradefree.tasks.ports import Head, Held, Round
from tradefree.tasks.states import Status
from tradefree.tasks.task import Worker
from tradefree.tasks.transitions import SUSPECT_AFTER

NAME = "dispatcher"
LANES_AT_ONCE = 200
"""Lanes whose heads are fetched by one statement."""
LANES_PAGE = 10_000
"""Waiting tasks looked at by one statement that looks for lanes."""

_HOLDS = tasks.c.holds_slot == sa.literal(True, Flag())
"""Equal to 1, not merely there: so the index gives what follows in it in order."""
_HEAD = (tasks.c.id, tasks.c.lane, tasks.c.crashes)


class LeadingStore:
    """Leadership and rounds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lead(self, holder: str, ttl: float) -> int | None:
        """See ``ports.LeadStore``. Taking over raises the epoch, so the former leader's rounds are refused."""

        async def unit(connection: AsyncConnection) -> int | None:
            now = await self._database.now(connection)
            free = (leaders.c.lease_until.is_(None)) | (leaders.c.lease_until < now)
            taken = await connection.execute(
                sa.update(leaders)
                .where(leaders.c.name == NAME, leaders.c.protocol == PROTOCOL, free | (leaders.c.holder == holder))
                .values(holder=holder, epoch=leaders.c.epoch + 1, lease_until=now + timedelta(seconds=ttl))
            )
            if not taken.rowcount:
                await require_protocol(connection)
                return None
            epoch = await connection.scalar(sa.select(leaders.c.epoch).where(leaders.c.name == NAME))
            return int(epoch or 0)

        return await self._database.write(unit)

    async def resign(self, holder: str) -> None:
        """See ``ports.LeadStore``."""

        async def unit(connection: AsyncConnection) -> None:
            mine = (leaders.c.name == NAME, leaders.c.holder == holder)
            await connection.execute(sa.update(leaders).where(*mine).values(holder=None, lease_until=None))

        await self._database.write(unit)

    @asynccontextmanager
    async def round(self, holder: str, epoch: int, ttl: float) -> AsyncIterator[Round]:
        """See ``ports.LeadStore``. The leader's row is locked first, so no two leaders are inside a round together."""
        async with self._database.transaction() as connection:
            lead = sa.select(leaders, self._database.present().label("now")).where(leaders.c.name == NAME)
            row = (await connection.execute(self._database.locked(lead))).one()
            require_same(row.protocol)
            if row.holder != holder or row.epoch != epoch:
                raise LeadershipLost(f"{row.holder or 'nobody'} leads now, epoch {row.epoch}")
            now = row.now
            if row.lease_until - now < timedelta(seconds=ttl / 2):
                renewed = now + timedelta(seconds=ttl)
                await connection.execute(sa.update(leaders).where(leaders.c.name == NAME).values(lease_until=renewed))
            yield SqlRound(self._database, connection, now, row.config_version)

    async def waiting_lanes(self) -> list[str]:
        """See ``ports.LeadStore``. Reads a page of the index, then goes on behind the last lane it saw: what many tasks
        wait in one lane costs no more than a page. (One statement that hops from lane to lane cannot be had: MariaDB
        and MySQL read the whole backlog for each hop.)"""

        async def unit(connection: AsyncConnection) -> list[str]:
            found: list[str] = []
            while page := list((await connection.execute(_lanes_behind(found[-1] if found else ""))).scalars()):
                found += page
            return found

        return await self._database.read(unit)


class SqlRound:
    """See ``ports.Round``."""

    def __init__(self, database: Database, connection: AsyncConnection, now: datetime, config_version: int) -> None:
        self.config_version = config_version
        self._database = database
        self._connection = connection
        self._now = now

    async def wake_due(self, limit: int) -> set[str]:
        scheduled = aside(tasks.c.status) == Status.SCHEDULED
        due = sa.select(tasks.c.id, tasks.c.lane, tasks.c.expires_at, tasks.c.holds_slot).where(
            tasks.c.wake_at <= self._now, scheduled, tasks.c.run_at <= self._now
        )
        due = by_index(due.order_by(tasks.c.wake_at).limit(limit), tasks, "ix_tasks_wake")
        rows = (await self._connection.execute(self._database.locked(due))).all()
        moves = [
            {
                "id": row.id,
                "status": Status.PENDING,
                "was_status": Status.SCHEDULED,
                "wake_at": wake_at(Status.PENDING, self._now, row.expires_at, holds=row.holds_slot),
                "updated_at": self._now,
            }
            for row in rows
        ]
        await self._database.update_rows(self._connection, tasks, moves, match=("id", "was_status"))
        return {row.lane for row in rows}

    async def expired(self, limit: int) -> list[str]:
        waiting = aside(tasks.c.status).in_([Status.PENDING, Status.SCHEDULED])
        accounted = aside(tasks.c.holds_slot).is_(None)
        query = sa.select(tasks.c.id).where(
            tasks.c.wake_at <= self._now, tasks.c.expires_at <= self._now, waiting, accounted
        )
        query = by_index(query.limit(limit), tasks, "ix_tasks_wake")
        return list((await self._connection.execute(query)).scalars())

    async def held(self) -> list[Held]:
        suspects = sa.func.sum(sa.case((tasks.c.crashes >= SUSPECT_AFTER, 1), else_=0))
        query = (
            sa.select(tasks.c.lane, tasks.c.worker_id, sa.func.count(), suspects)
            .where(_HOLDS)
            .group_by(tasks.c.lane, tasks.c.worker_id)
        )
        rows = await self._connection.execute(by_index(query, tasks, "ix_tasks_held"))
        return [Held(lane, worker_id, number, int(bad)) for lane, worker_id, number, bad in rows]

    async def workers(self) -> list[Worker]:
        query = sa.select(*WORKER).where(workers.c.status == "live", workers.c.lease_until > self._now)
        return [to_worker(row) for row in await self._connection.execute(query)]

    async def unaccounted(self, limit: int) -> list[Head]:
        # no worker has it: that is in the index, so that the rows of all others in flight need not be read
        query = sa.select(*_HEAD).where(_HOLDS, tasks.c.worker_id.is_(None), tasks.c.status == Status.PENDING)
        query = by_index(query, tasks, "ix_tasks_held")
        rows = await self._connection.execute(query.order_by(tasks.c.sort_at, tasks.c.id).limit(limit))
        return [Head(*row) for row in rows]

    async def heads(self, wanted: Mapping[str, int]) -> dict[str, list[Head]]:
        found: dict[str, list[Head]] = {lane: [] for lane in wanted}
        lanes = list(wanted.items())
        for start in range(0, len(lanes), LANES_AT_ONCE):
            some = lanes[start : start + LANES_AT_ONCE]
            values = {f"lane{n}": lane for n, (lane, _) in enumerate(some)} | {
                f"most{n}": most for n, (_, most) in enumerate(some)
            }
            text = _heads_text(len(some), self._database.hint("ix_tasks_lane"), self._database.limited)
            for row in await self._connection.execute(text, values | {"now": self._now}):
                found[row.lane].append(Head(row.id, row.lane, row.crashes))
        return found

    async def admit(self, places: Sequence[tuple[str, str]]) -> list[str]:
        moves = [
            {
                "id": task_id,
                "was_status": Status.PENDING,
                "status": Status.QUEUED,
                "worker_id": worker_id,
                "holds_slot": True,
                "queued_at": self._now,
                "updated_at": self._now,
                "wake_at": None,
            }
            for task_id, worker_id in places
        ]
        moved = await self._database.update_rows(self._connection, tasks, moves, match=("id", "was_status"))
        if moved == len(places):
            return [task_id for task_id, _ in places]
        query = sa.select(tasks.c.id, tasks.c.worker_id).where(
            tasks.c.id.in_([task_id for task_id, _ in places]), tasks.c.status == Status.QUEUED
        )
        query = by_index(query, tasks)
        admitted = {(row.id, row.worker_id) for row in await self._connection.execute(query)}
        return [task_id for task_id, worker_id in places if (task_id, worker_id) in admitted]

    async def next_due(self) -> datetime | None:
        due: datetime | None = await self._connection.scalar(sa.select(sa.func.min(tasks.c.wake_at)))
        return due


@cache
def _heads_text(lanes: int, hint: str, part: str) -> sa.TextClause:
    """The heads of so many lanes, each an index seek of its own. What has expired is left for ``expired``.

    As text, because putting a statement of 200 parts together anew costs more than executing it.
    """
    parts = [
        f"SELECT id, lane, crashes FROM tasks {hint} WHERE status = 'pending' AND lane = :lane{n} "  # noqa: S608
        f"AND holds_slot IS NULL AND (expires_at IS NULL OR expires_at > :now) ORDER BY sort_at, id LIMIT :most{n}"
        for n in range(lanes)
    ]
    text = " UNION ALL ".join(part.format(select) for select in parts)
    return sa.text(text).bindparams(sa.bindparam("now", type_=Moment))


def _lanes_behind(lane: str) -> sa.Select[Any]:
    waiting = sa.select(tasks.c.lane).where(tasks.c.status == Status.PENDING, tasks.c.lane > lane)
    page = waiting.order_by(tasks.c.lane).limit(LANES_PAGE).subquery()
    return sa.select(page.c.lane).distinct().order_by(page.c.lane)
