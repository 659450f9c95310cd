"""Lead: one dispatcher at a time, and the inside of its rounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.columns import Flag
from tradefree.database.engine import Database, aside, by_index
from tradefree.database.protocol import PROTOCOL, require_protocol, require_same
from tradefree.database.rows import WORKER, to_worker, wake_at
from tradefree.database.stores.heads import find_heads
from tradefree.database.tables import leaders, limit_ceilings, limit_refunds, limit_windows, tasks, workers
from tradefree.errors import LeadershipLost
from tradefree.limits.rates import micros_of
from tradefree.limits.scopes import Scope, parse_scope
from tradefree.tasks.ports import Head, Held, Round
from tradefree.tasks.states import Status
from tradefree.tasks.task import Worker
from tradefree.tasks.transitions import SUSPECT_AFTER

NAME = "dispatcher"
LANES_PAGE = 10_000
"""Waiting tasks looked at by one statement that looks for lanes."""

KEPT = 3_600_000_000
"""Microseconds for which a rate's window is kept: one in the past says no more than none."""

HOLDS = tasks.c.holds_slot == sa.literal(True, Flag())
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
        unstarted = sa.and_(tasks.c.expires_at <= self._now, waiting, accounted)
        unanswered = aside(tasks.c.status) == Status.AWAITING_INPUT
        query = sa.select(tasks.c.id).where(tasks.c.wake_at <= self._now, unstarted | unanswered)
        query = by_index(query.limit(limit), tasks, "ix_tasks_wake")
        return list((await self._connection.execute(query)).scalars())

    async def held(self) -> list[Held]:
        return await find_held(self._connection)

    async def workers(self) -> list[Worker]:
        query = sa.select(*WORKER).where(workers.c.status == "live", workers.c.lease_until > self._now)
        return [to_worker(row) for row in await self._connection.execute(query)]

    async def unaccounted(self, limit: int) -> list[Head]:
        # no worker has it: that is in the index, so that the rows of all others in flight need not be read
        query = sa.select(*_HEAD).where(HOLDS, tasks.c.worker_id.is_(None), tasks.c.status == Status.PENDING)
        query = by_index(query, tasks, "ix_tasks_held")
        rows = await self._connection.execute(query.order_by(tasks.c.sort_at, tasks.c.id).limit(limit))
        return [Head(*row) for row in rows]

    async def heads(self, wanted: Mapping[str, int]) -> dict[str, list[Head]]:
        return await find_heads(self._database, self._connection, wanted, self._now)

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

    async def windows(self) -> dict[Scope, int]:
        past = micros_of(self._now) - KEPT
        await self._connection.execute(sa.delete(limit_windows).where(limit_windows.c.state < past))
        rows = await self._connection.execute(sa.select(limit_windows))
        return {parse_scope(row.scope): row.state for row in rows}

    async def refunds(self) -> dict[str, int]:
        rows = (await self._connection.execute(self._database.locked(sa.select(limit_refunds)))).all()
        if rows:
            lanes = [row.lane for row in rows]
            await self._connection.execute(sa.delete(limit_refunds).where(limit_refunds.c.lane.in_(lanes)))
        return {row.lane: row.number for row in rows}

    async def keep_windows(self, windows: Mapping[Scope, int]) -> None:
        rows = [{"scope": str(scope), "state": state} for scope, state in windows.items()]
        await self._database.upsert(self._connection, limit_windows, rows)

    async def ceilings(self) -> dict[str, dict[str, Any]]:
        rows = await self._connection.execute(sa.select(limit_ceilings))
        return {row.connection: row.document for row in rows}

    async def keep_ceilings(self, ceilings: Mapping[str, Mapping[str, Any]]) -> None:
        rows = [{"connection": name, "document": dict(document)} for name, document in ceilings.items()]
        await self._database.upsert(self._connection, limit_ceilings, rows)

    async def queued(self, lanes: Sequence[str], limit: int) -> list[tuple[str, str]]:
        query = sa.select(tasks.c.id, tasks.c.lane).where(
            tasks.c.status == Status.QUEUED, tasks.c.lane.in_(list(lanes)), aside(tasks.c.runner_state).is_(None)
        )
        query = by_index(query, tasks, "ix_tasks_lane").order_by(tasks.c.sort_at.desc(), tasks.c.id.desc())
        return [(row.id, row.lane) for row in await self._connection.execute(query.limit(limit))]

    async def next_due(self) -> datetime | None:
        due: datetime | None = await self._connection.scalar(sa.select(sa.func.min(tasks.c.wake_at)))
        return due


async def find_held(connection: AsyncConnection) -> list[Held]:
    """Every place in use, from one index and nothing else."""
    suspects = sa.func.sum(sa.case((tasks.c.crashes >= SUSPECT_AFTER, 1), else_=0))
    query = (
        sa.select(tasks.c.lane, tasks.c.worker_id, sa.func.count(), suspects)
        .where(HOLDS)
        .group_by(tasks.c.lane, tasks.c.worker_id)
    )
    rows = await connection.execute(by_index(query, tasks, "ix_tasks_held"))
    return [Held(lane, worker_id, number, int(bad)) for lane, worker_id, number, bad in rows]


def _lanes_behind(lane: str) -> sa.Select[Any]:
    waiting = sa.select(tasks.c.lane).where(tasks.c.status == Status.PENDING, tasks.c.lane > lane)
    page = waiting.order_by(tasks.c.lane).limit(LANES_PAGE).subquery()
    return sa.select(page.c.lane).distinct().order_by(page.c.lane)
