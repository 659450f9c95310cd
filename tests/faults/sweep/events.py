"""The units of events and triggers, as their callers use them."""

from __future__ import annotations

from typing import Any

from faults.sweep.system import System
from faults.sweep.unit import Unit
from stores.acts import a_task
from tradefree.events.decide import DISABLE_AFTER, Decision, Outcome
from tradefree.events.event import Event, NewEvent
from tradefree.events.ports import Arrival, Taken
from tradefree.events.trigger import Trigger
from tradefree.limits.scopes import EVERYTHING
from tradefree.tasks.ports import Backlog, Entry, Submission
from tradefree.tasks.types import TaskType


def arrival(system: System, number: int, *, most: int | None = None) -> Arrival:
    """An event that makes a task with one rule, does not match with another, and fails with a third."""
    now = system.clock.now()
    new = NewEvent(f"{number}", "/shop", "order.created", subject="x", data={"n": number})
    event = Event.of(new, f"e-{number}", now, "key:someone")
    task = a_task(now, id=f"t-{number}", event_id=event.id, labels={"shop": "x"})
    decisions = (
        Decision("another", 1, Outcome.NO_MATCH, "filter", conditions=(False,)),
        Decision("failing", 1, Outcome.FAILED, "input", "No."),
        Decision("rule", 1, Outcome.MADE, conditions=(True,), task_id=task.id),
    )
    backlogs = (Backlog(EVERYTHING, most),) if most is not None else ()
    return Arrival(event, decisions, {"rule": Submission(task, backlogs=backlogs)})


async def rules(system: System) -> None:
    await system.store.put_task_type(TaskType(name="echo", runner="echo"))
    for name in ("rule", "another", "failing"):
        await system.store.put_trigger(a_trigger(name), entry(system, name))


def a_trigger(name: str, **values: Any) -> Trigger:
    return Trigger.model_validate({"name": name, "event": "*", "task_type": "echo"} | values)


def entry(system: System, name: str) -> Entry:
    return Entry(f"entry {name}", system.clock.now(), "ann", "trigger.put", f"trigger:{name}")


async def take(system: System, *arrivals: Arrival) -> list[Any]:
    """What was taken; that a repeat calls it replayed is right."""
    outcomes = await system.store.take(arrivals)
    return [(o.event, o.decisions) if isinstance(o, Taken) else type(o).__name__ for o in outcomes]


async def take_one(system: System) -> list[Any]:
    return await take(system, arrival(system, 1))


async def take_many(system: System) -> list[Any]:
    """New ones, one that is known, one twice, one that is refused."""
    many = [arrival(system, number) for number in (2, 3)]
    return await take(system, arrival(system, 1), *many, arrival(system, 2), arrival(system, 4, most=1))


async def one_is_known(system: System) -> None:
    await rules(system)
    await take_one(system)


async def last_straw(system: System) -> list[Any]:
    """The failure that disables a trigger."""
    return await take(system, arrival(system, DISABLE_AFTER))


async def nearly_disabled(system: System) -> None:
    await rules(system)
    await take(system, *(arrival(system, number) for number in range(1, DISABLE_AFTER)))


async def put(system: System) -> None:
    """A repeat changes nothing, and is told so."""
    await system.store.put_trigger(a_trigger("rule", priority=7), entry(system, "again"))


EVENTS = [
    Unit("take an event", take_one, given=rules),
    Unit("take many events", take_many, given=one_is_known),
    Unit("take the event that disables a trigger", last_straw, given=nearly_disabled, but=("audit.id",)),
    Unit("change a trigger", put, given=rules),
]
