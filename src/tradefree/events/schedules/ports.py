"""What schedules need of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradefree.events.ports import Arrival, Taken
from tradefree.events.schedules.plan import Fire, FireOutcome, Plan, first, jittered
from tradefree.events.schedules.schedule import Schedule
from tradefree.tasks.ports import Entry


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody stopped a schedule."""

    at: datetime
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A schedule and where it stands."""

    schedule: Schedule
    fire_at: datetime | None = None
    """Its next run, jitter left out; None: there is none."""
    wake_at: datetime | None = None
    """When that comes, jitter included."""
    pause: Pause | None = None
    last_fire_at: datetime | None = None
    """The last run that was raised."""
    last_event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose time has come."""

    schedule: Schedule
    fire_at: datetime
    unfinished: bool
    """A task of the run before has not ended."""


@dataclass(frozen=True, slots=True)
class FireRecord:
    """One run, as it was written down."""

    schedule: str
    fire_at: datetime
    outcome: FireOutcome
    decided_at: datetime
    event_id: str | None = None
    reason: str | None = None


class ScheduleStore(Protocol):
    async def schedules(self) -> dict[str, Standing]:
        """Every schedule by name."""
        ...

    async def put_schedule(self, schedule: Schedule, now: datetime, entry: Entry | None = None) -> bool:
        """Create or replace; False if nothing changed. What was to come stays, if its moments are the same."""
        ...

    async def delete_schedule(self, name: str, entry: Entry | None = None) -> None:
        """Raises NotFound."""
        ...

    async def pause_schedule(self, name: str, pause: Pause | None, now: datetime, entry: Entry) -> bool:
        """Stop it, or (None) let it go on from now, and write down who did it; False if nothing changed. Raises
        NotFound."""
        ...

    async def next_wake(self) -> datetime | None:
        """When the first schedule comes due."""
        ...

    async def due_schedules(self, now: datetime, limit: int) -> list[Due]:
        """Schedules whose time has come, the first first."""
        ...

    async def fire(
        self, due: Due, ahead: Plan, arrivals: Sequence[Arrival], now: datetime
    ) -> list[Taken | Exception] | None:
        """Store the runs that are due, their events, decisions and tasks, and what comes next: all or nothing. One
        arrival for each run that is raised; None, and nothing is stored, if the schedule does not stand there any more.
        """
        ...

    async def fires(self, schedule: str, *, limit: int, before: datetime | None = None) -> list[FireRecord]:
        """Runs of a schedule, newest first."""
        ...


def records(due: Due, fires: Sequence[Fire], taken: Sequence[Taken | Exception], now: datetime) -> list[FireRecord]:
    """What is written down of runs; ``taken`` are the events of those that were raised."""
    events = iter(taken)
    found = []
    for fire in fires:
        event = next(events, None) if fire.outcome is FireOutcome.RAISED else None
        event_id = event.event.id if isinstance(event, Taken) else None
        reason = str(event)[:255] if isinstance(event, Exception) else fire.reason
        found.append(FireRecord(due.schedule.name, fire.fire_at, fire.outcome, now, event_id, reason))
    return found


def ahead_of(before: Standing | None, schedule: Schedule, now: datetime) -> Plan:
    """What is ahead of a schedule that is defined now: what was to come, if its moments are the same as before."""
    if before is not None and before.pause is not None:
        return Plan()
    kept = before is not None and before.schedule.when == schedule.when and before.schedule.enabled == schedule.enabled
    if before is None or not kept or before.fire_at is None:
        return first(schedule, now)
    return Plan((), before.fire_at, jittered(schedule, before.fire_at))
