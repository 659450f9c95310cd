"""The units of what raises events."""

from __future__ import annotations

from datetime import timedelta

from faults.sweep.system import System
from faults.sweep.unit import Unit
from stores.acts import a_task
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import Received, Tally
from tradefree.events.ports import Arrival
from tradefree.events.schedules.keeper import event_of
from tradefree.events.schedules.plan import plan
from tradefree.events.schedules.ports import Due, Pause
from tradefree.events.schedules.schedule import Schedule
from tradefree.tasks.ports import Entry, Submission

HOOK = Hook(name="code", preset="github", secrets=("a secret of theirs",))
EVERY = Schedule(name="poll", every=60.0, misfire="all")


async def defined(system: System) -> None:
    """A schedule whose last three runs nobody has raised yet."""
    await system.store.put_schedule(EVERY, system.clock.now() - timedelta(seconds=121))


async def fire(system: System) -> bool:
    """Three runs at once: one whose event makes no task, two whose events do. A repeat finds that they are raised."""
    now = system.clock.now()
    due = Due(EVERY, next(EVERY.timing.after(now - timedelta(seconds=121))), unfinished=False)
    ahead = plan(EVERY, due.fire_at, now)
    assert len(ahead.fires) == 3
    arrivals = []
    for number, each in enumerate(ahead.fires):
        event = Event.of(event_of(EVERY, each), f"e-{number}", now, "schedule:poll")
        task = a_task(now, id=f"n-{number}", event_id=event.id, labels={"shop": "x"})
        made = Arrival(event, (Decision("rule", 1, Outcome.MADE, task_id=task.id),), {"rule": Submission(task)})
        arrivals.append(made if number else Arrival(event))
    return await system.store.fire(due, ahead, arrivals, now) is not None


async def pause(system: System) -> bool:
    now = system.clock.now()
    entry = Entry("entry-1", now, "ann", "schedule.paused", "schedule:poll", {"reason": "slow"})
    return await system.store.pause_schedule("poll", Pause(now, "ann", "slow"), now, entry)


async def count(system: System) -> None:
    await system.store.count_messages({("code", Received.ACCEPTED): Tally(2, system.clock.now())})


SOURCES = [
    Unit("add a schedule", lambda system: system.store.put_schedule(EVERY, system.clock.now()), same_answer=False),
    Unit("raise runs of a schedule", fire, defined, same_answer=False),
    Unit("pause a schedule", pause, defined, same_answer=False),
    Unit("add a hook", lambda system: system.store.put_hook(HOOK), same_answer=False),
    Unit("count messages", count, but=("hook_totals.number",)),
]
"""A repeat finds what was done and does nothing. Counts are figures for people: after an answer that was lost, what was
counted may be counted again."""
