"""The keeper of time: in the service that leads, it raises the events of schedules whose time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.events.event import NewEvent
from tradefree.events.intake import Intake
from tradefree.events.ports import Arrival
from tradefree.events.schedules.plan import Fire, FireOutcome, plan
from tradefree.events.schedules.ports import Due, ScheduleStore
from tradefree.events.schedules.schedule import Schedule

LOOK_EVERY = 1.0
"""Seconds between looks at the first time to come: it may have been defined elsewhere. One seek in an index."""
SHORTEST = 0.01
"""Seconds between looks at the least."""
AT_ONCE = 100
"""Schedules looked at together."""

log = structlog.get_logger(__name__)


class Keeper:
    """Raises what is due. Any number may look: the row of the schedule is locked, and a run is written down once."""

    def __init__(self, store: ScheduleStore, intake: Intake, clock: Clock, leads: Callable[[], bool]) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._leads = leads

    async def run(self) -> None:
        """Keep time while this service leads, until cancelled."""
        while True:
            wait = LOOK_EVERY
            if self._leads():
                try:
                    wait = await self.look()
                except StorageUnavailable as error:
                    log.warning("database unavailable; schedules wait", error=str(error))
                except Exception:  # a fault in one look must not end the keeping of time for good
                    log.exception("schedules could not be looked at")
            await asyncio.sleep(wait)

    async def look(self) -> float:
        """Raise what is due; seconds until the next look."""
        now = self._clock.now()
        wake_at = await self._store.next_wake()
        if wake_at is not None and wake_at <= now:
            raised = [await self._raised(due) for due in await self._store.due_schedules(now, AT_ONCE)]
            if not all(raised):
                return LOOK_EVERY
            wake_at = await self._store.next_wake()
        if wake_at is None:
            return LOOK_EVERY
        return min(LOOK_EVERY, max(SHORTEST, (wake_at - self._clock.now()).total_seconds()))

    async def _raised(self, due: Due) -> bool:
        """False if it went wrong; the others must not wait for that one."""
        try:
            await self._raise(due)
        except StorageUnavailable:
            raise
        except Exception:
            log.exception("a schedule could not be raised", schedule=due.schedule.name)
            return False
        return True

    async def _raise(self, due: Due) -> None:
        now = self._clock.now()
        ahead = plan(due.schedule, due.fire_at, now, unfinished=due.unfinished)
        news = [event_of(due.schedule, fire) for fire in ahead.fires if fire.outcome is FireOutcome.RAISED]
        found = await self._intake.arrivals(news, received_by=f"schedule:{due.schedule.name}", refusable=False)
        arrivals = [arrival for arrival in found if isinstance(arrival, Arrival)]
        assert len(arrivals) == len(found), found  # what could be no event was refused when it was defined
        taken = await self._store.fire(due, ahead, arrivals, now)
        if taken is None:  # another service was first, or somebody changed it
            return
        self._intake.announce(arrivals, taken)
        for fire in ahead.fires:
            tell = log.debug if fire.outcome is FireOutcome.RAISED else log.warning
            told = {"fire_at": fire.fire_at.isoformat(), "outcome": str(fire.outcome), "reason": fire.reason}
            tell("a run of a schedule", schedule=due.schedule.name, **told)


def event_of(schedule: Schedule, fire: Fire) -> NewEvent:
    """The event of a run: whoever raises it, it is the same one."""
    event = schedule.event
    return NewEvent(
        id=fire.fire_at.isoformat(),
        source=f"/schedules/{schedule.name}",
        type=event.type,
        subject=event.subject,
        time=fire.fire_at,
        data=event.data,
    )
