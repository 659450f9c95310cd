"""Schedules, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tradefree.errors import NotFound
from tradefree.events.ports import Arrival, Taken
from tradefree.events.schedules.plan import FireOutcome, Plan, first
from tradefree.events.schedules.ports import Due, FireRecord, Pause, Standing, ahead_of, records
from tradefree.events.schedules.schedule import Schedule
from tradefree.tasks.ports import Entry
from tradefree.testing.memory.taking import Taking


class Scheduling(Taking):
    """Implements ``events.schedules.ports.ScheduleStore``."""

    async def schedules(self) -> dict[str, Standing]:
        await self._tables.read()
        return dict(sorted(self._tables.schedules.items()))

    async def put_schedule(self, schedule: Schedule, now: datetime, entry: Entry | None = None) -> bool:
        async with self._tables.write():
            before = self._tables.schedules.get(schedule.name)
            if before is not None and before.schedule == schedule:
                return False
            ahead = ahead_of(before, schedule, now)
            standing = replace(before or Standing(schedule), schedule=schedule.model_copy(deep=True))
            self._put_standing(standing, ahead)
            self._tables.config_version += 1
            self._tables.note(entry)
            return True

    async def delete_schedule(self, name: str, entry: Entry | None = None) -> None:
        async with self._tables.write():
            if self._tables.schedules.pop(name, None) is None:
                raise NotFound(f"no schedule {name!r}")
            self._tables.config_version += 1
            self._tables.note(entry)

    async def pause_schedule(self, name: str, pause: Pause | None, now: datetime, entry: Entry) -> bool:
        async with self._tables.write():
            standing = self._tables.schedules.get(name)
            if standing is None:
                raise NotFound(f"no schedule {name!r}")
            if (standing.pause is None) == (pause is None):
                return False
            self._put_standing(
                replace(standing, pause=pause), first(standing.schedule, now) if pause is None else Plan()
            )
            self._tables.note(entry)
            return True

    async def next_wake(self) -> datetime | None:
        await self._tables.read()
        return min((s.wake_at for s in self._tables.schedules.values() if s.wake_at is not None), default=None)

    async def due_schedules(self, now: datetime, limit: int) -> list[Due]:
        await self._tables.read()
        found = [s for s in self._tables.schedules.values() if s.wake_at is not None and s.wake_at <= now]
        found.sort(key=lambda s: (s.wake_at, s.schedule.name))
        live = {task.event_id for task in self._tables.tasks.values() if task.live}
        return [
            Due(s.schedule, s.fire_at, s.schedule.overlap == "skip" and s.last_event_id in live)
            for s in found[:limit]
            if s.fire_at is not None
        ]

    async def fire(
        self, due: Due, ahead: Plan, arrivals: Sequence[Arrival], now: datetime
    ) -> list[Taken | Exception] | None:
        async with self._tables.write():
            standing = self._tables.schedules.get(due.schedule.name)
            if standing is None or standing.fire_at != due.fire_at or standing.schedule != due.schedule:
                return None
            taken = self.take_inside(arrivals)
            fires = records(due, ahead.fires, taken, now)
            for fire in fires:
                self._tables.schedule_fires.setdefault((fire.schedule, fire.fire_at), fire)
            if raised := [fire for fire in fires if fire.outcome is FireOutcome.RAISED]:
                last = raised[-1]
                standing = replace(standing, last_fire_at=last.fire_at, last_event_id=last.event_id)
            self._put_standing(standing, ahead)
            return taken

    async def fires(self, schedule: str, *, limit: int, before: datetime | None = None) -> list[FireRecord]:
        await self._tables.read()
        found = [fire for (name, _), fire in self._tables.schedule_fires.items() if name == schedule]
        wanted = [fire for fire in found if before is None or fire.fire_at < before]
        return sorted(wanted, key=lambda fire: fire.fire_at, reverse=True)[:limit]

    def _put_standing(self, standing: Standing, ahead: Plan) -> None:
        name = standing.schedule.name
        self._tables.schedules[name] = replace(standing, fire_at=ahead.fire_at, wake_at=ahead.wake_at)
