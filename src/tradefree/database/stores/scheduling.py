"""Schedules: where each stands, and its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.event_tables import event_decisions
from tradefree.database.rows import may_name
from tradefree.database.source_tables import schedule_fires, schedules
from tradefree.database.stores.auditing import note
from tradefree.database.stores.defining import changed
from tradefree.database.stores.taking import put_arrivals
from tradefree.database.tables import tasks
from tradefree.errors import NotFound, StorageUnavailable
from tradefree.events.ports import Arrival, Taken
from tradefree.events.schedules.plan import FireOutcome, Plan, first
from tradefree.events.schedules.ports import Due, FireRecord, Pause, Standing, ahead_of, records
from tradefree.events.schedules.schedule import Schedule
from tradefree.tasks.ports import Entry
from tradefree.tasks.states import LIVE


class SchedulingStore:
    """See ``events.schedules.ports.ScheduleStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def schedules(self) -> dict[str, Standing]:
        """See ``ScheduleStore``."""

        async def unit(connection: AsyncConnection) -> dict[str, Standing]:
            rows = await connection.execute(sa.select(schedules).order_by(schedules.c.name))
            return {row.name: _standing(row) for row in rows}

        return await self._database.read(unit)

    async def put_schedule(self, schedule: Schedule, now: datetime, entry: Entry | None = None) -> bool:
        """See ``ScheduleStore``."""
        document = schedule.model_dump(mode="json", exclude_defaults=True)

        async def unit(connection: AsyncConnection) -> bool:
            row = await self._locked_schedule(connection, schedule.name)
            if row is not None and row.document == document:
                return False
            ahead = ahead_of(None if row is None else _standing(row), schedule, now)
            values = {"document": document, "fire_at": ahead.fire_at, "wake_at": ahead.wake_at, "updated_at": now}
            await self._database.upsert(connection, schedules, [{"name": schedule.name, **values}])
            await changed(connection, entry)
            return True

        return await self._database.write(unit)

    async def delete_schedule(self, name: str, entry: Entry | None = None) -> None:
        """See ``ScheduleStore``."""
        if not may_name(name):
            raise NotFound(f"no schedule {name!r}")

        async def unit(connection: AsyncConnection) -> None:
            gone = await connection.execute(sa.delete(schedules).where(schedules.c.name == name))
            if not gone.rowcount:
                raise NotFound(f"no schedule {name!r}")
            await changed(connection, entry)

        await self._database.write(unit)

    async def pause_schedule(self, name: str, pause: Pause | None, now: datetime, entry: Entry) -> bool:
        """See ``ScheduleStore``."""
        if not may_name(name):
            raise NotFound(f"no schedule {name!r}")

        async def unit(connection: AsyncConnection) -> bool:
            row = await self._locked_schedule(connection, name)
            if row is None:
                raise NotFound(f"no schedule {name!r}")
            if (row.pause is None) == (pause is None):
                return False
            ahead = first(_schedule(row.document), now) if pause is None else Plan()
            values = {"pause": _pause_document(pause), "fire_at": ahead.fire_at, "wake_at": ahead.wake_at}
            await connection.execute(sa.update(schedules).where(schedules.c.name == name).values(values))
            await note(connection, entry)
            return True

        return await self._database.write(unit)

    async def next_wake(self) -> datetime | None:
        """See ``ScheduleStore``."""

        async def unit(connection: AsyncConnection) -> datetime | None:
            wake_at: datetime | None = await connection.scalar(sa.select(sa.func.min(schedules.c.wake_at)))
            return wake_at

        return await self._database.read(unit)

    async def due_schedules(self, now: datetime, limit: int) -> list[Due]:
        """See ``ScheduleStore``."""
        query = sa.select(schedules).where(schedules.c.wake_at <= now).order_by(schedules.c.wake_at).limit(limit)

        async def unit(connection: AsyncConnection) -> list[Due]:
            rows = (await connection.execute(by_index(query, schedules, "ix_schedules_wake"))).all()
            wanted = [row.last_event_id for row in rows if row.document.get("overlap") == "skip"]
            busy = await _unfinished(connection, [event_id for event_id in wanted if event_id is not None])
            return [Due(_schedule(row.document), row.fire_at, row.last_event_id in busy) for row in rows]

        return await self._database.read(unit)

    async def fire(
        self, due: Due, ahead: Plan, arrivals: Sequence[Arrival], now: datetime
    ) -> list[Taken | Exception] | None:
        """See ``ScheduleStore``. The schedule's row is locked first: a second leader waits, and finds it moved on."""
        name = due.schedule.name

        async def unit(connection: AsyncConnection) -> list[Taken | Exception] | None:
            row = await self._locked_schedule(connection, name)
            if row is None or row.fire_at != due.fire_at or _schedule(row.document) != due.schedule:
                return None
            taken = await put_arrivals(self._database, connection, arrivals)
            fires = records(due, ahead.fires, taken, now)
            known = await _known(connection, name, [fire.fire_at for fire in fires])
            rows = [asdict(fire) for fire in fires if fire.fire_at not in known]
            await self._database.insert(connection, schedule_fires, rows)
            moved: dict[str, Any] = {"fire_at": ahead.fire_at, "wake_at": ahead.wake_at}
            if raised := [fire for fire in fires if fire.outcome is FireOutcome.RAISED]:
                moved |= {"last_fire_at": raised[-1].fire_at, "last_event_id": raised[-1].event_id}
            await connection.execute(sa.update(schedules).where(schedules.c.name == name).values(moved))
            return taken

        try:
            return await self._database.write(unit)
        except IntegrityError as error:  # somebody raises the same events by another way; the next look finds them
            raise StorageUnavailable("a run of the schedule is being stored by somebody else") from error

    async def fires(self, schedule: str, *, limit: int, before: datetime | None = None) -> list[FireRecord]:
        """See ``ScheduleStore``."""
        query = sa.select(schedule_fires).where(schedule_fires.c.schedule == schedule)
        if before is not None:
            query = query.where(schedule_fires.c.fire_at < before)
        query = query.order_by(schedule_fires.c.fire_at.desc()).limit(limit)

        async def unit(connection: AsyncConnection) -> list[FireRecord]:
            rows = await connection.execute(query)
            return [FireRecord(**{**row._mapping, "outcome": FireOutcome(row.outcome)}) for row in rows]

        return await self._database.read(unit) if may_name(schedule) else []

    async def _locked_schedule(self, connection: AsyncConnection, name: str) -> sa.Row[Any] | None:
        query = self._database.locked(sa.select(schedules).where(schedules.c.name == name))
        row: sa.Row[Any] | None = (await connection.execute(query)).one_or_none()
        return row


async def _known(connection: AsyncConnection, schedule: str, moments: Sequence[datetime]) -> set[datetime]:
    """Those of these runs that are written down: somebody whose clock is behind counted anew from before them."""
    key = (schedule_fires.c.schedule == schedule, schedule_fires.c.fire_at.in_(moments))
    return set((await connection.execute(sa.select(schedule_fires.c.fire_at).where(*key))).scalars())


async def _unfinished(connection: AsyncConnection, event_ids: Sequence[str]) -> set[str]:
    """Those of these events that have tasks which have not ended."""
    if not event_ids:
        return set()
    made = event_decisions.join(tasks, event_decisions.c.task_id == tasks.c.id)
    live = sa.select(event_decisions.c.event_id).select_from(made)
    live = live.where(event_decisions.c.event_id.in_(event_ids), aside(tasks.c.status).in_(sorted(LIVE)))
    return set((await connection.execute(live.distinct())).scalars())


def _schedule(document: Mapping[str, Any]) -> Schedule:
    return Schedule.model_validate(document)


def _standing(row: sa.Row[Any]) -> Standing:
    return Standing(
        _schedule(row.document), row.fire_at, row.wake_at, _pause(row.pause), row.last_fire_at, row.last_event_id
    )


def _pause(document: Mapping[str, Any] | None) -> Pause | None:
    return None if document is None else Pause(**{**document, "at": datetime.fromisoformat(document["at"])})


def _pause_document(pause: Pause | None) -> dict[str, Any] | None:
    return None if pause is None else asdict(pause) | {"at": pause.at.isoformat()}
