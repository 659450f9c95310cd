"""What is due now? Missed runs, overlap and jitter, decided without a look at the clock or the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from tradefree.events.schedules.schedule import Schedule

MOST = 100
"""Runs decided at once; if more are due, the next look comes at once."""


class FireOutcome(StrEnum):
    RAISED = "raised"
    """Its event is stored."""
    SKIPPED = "skipped"
    """Tasks of the run before had not ended."""
    MISSED = "missed"
    """Nobody could raise it in time, and the policy makes nothing up for it."""


@dataclass(frozen=True, slots=True)
class Fire:
    """One run of a schedule, and what becomes of it."""

    fire_at: datetime
    outcome: FireOutcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to look again."""

    fires: tuple[Fire, ...] = ()
    fire_at: datetime | None = None
    """The next run; None: there is none any more."""
    wake_at: datetime | None = None
    """When it comes, jitter included."""


def jittered(schedule: Schedule, fire_at: datetime) -> datetime:
    """When a run comes. The same for everybody who asks, so that a leader's death does not move it."""
    if not schedule.jitter:
        return fire_at
    seed = hashlib.sha256(f"{schedule.name}\0{fire_at.astimezone(UTC).isoformat()}".encode()).digest()
    return fire_at + timedelta(seconds=schedule.jitter * int.from_bytes(seed[:6], "big") / 2**48)


def first(schedule: Schedule, now: datetime) -> Plan:
    """The next run of a schedule that begins, or begins again, now."""
    return _ahead(schedule, (), next(schedule.timing.after(now), None) if schedule.enabled else None)


def plan(schedule: Schedule, fire_at: datetime, now: datetime, *, unfinished: bool = False) -> Plan:
    """What is due of a schedule whose next run was to be ``fire_at``.

    ``unfinished``: a task of the run before has not ended.
    """
    late = now - timedelta(seconds=schedule.misfire_after + schedule.jitter)
    missed = _missed(schedule, fire_at, late) if fire_at < late else []
    on_time, following = _on_time(schedule, max(fire_at, late), now, MOST - len(missed))
    wanted = [*missed, *on_time]
    fires = list(_overlapping(schedule, wanted, unfinished=unfinished))
    if fire_at < late and (not wanted or wanted[0] > fire_at):
        reason = f"nobody raised what was due from here until {_short(missed[0] if missed else late)}"
        fires.insert(0, Fire(fire_at, FireOutcome.MISSED, reason))
    return _ahead(schedule, tuple(fires), following)


def _ahead(schedule: Schedule, fires: tuple[Fire, ...], fire_at: datetime | None) -> Plan:
    return Plan(fires, fire_at, jittered(schedule, fire_at) if fire_at is not None else None)


def _missed(schedule: Schedule, fire_at: datetime, late: datetime) -> list[datetime]:
    """What is made up for of the runs from ``fire_at`` until before ``late``: the last ones."""
    number = {"skip": 0, "once": 1, "all": schedule.misfire_limit}[schedule.misfire]
    before = schedule.timing.until(late - timedelta(microseconds=1))
    return sorted(islice(takewhile(lambda moment: moment >= fire_at, before), number))


def _on_time(schedule: Schedule, begin: datetime, now: datetime, most: int) -> tuple[list[datetime], datetime | None]:
    """Runs from ``begin`` on that are due, and the first after those."""
    due: list[datetime] = []
    for moment in schedule.timing.after(begin - timedelta(microseconds=1)):
        if len(due) >= most or jittered(schedule, moment) > now:
            return due, moment
        due.append(moment)
    return due, None


def _overlapping(schedule: Schedule, wanted: list[datetime], *, unfinished: bool) -> Iterator[Fire]:
    for moment in wanted:
        if schedule.overlap == "skip" and unfinished:
            yield Fire(moment, FireOutcome.SKIPPED, "tasks of the run before had not ended")
        else:
            yield Fire(moment, FireOutcome.RAISED)
            unfinished = True


def _short(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
