"""The keeper of time: what is due becomes an event, in the service that leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from tradefree.broker.signals import LocalSignals
from tradefree.events.event import Event
from tradefree.events.intake import Intake
from tradefree.events.ports import EventFilter
from tradefree.events.rules import Rules
from tradefree.events.schedules import keeper as keeping
from tradefree.events.schedules.keeper import Keeper
from tradefree.events.schedules.plan import FireOutcome
from tradefree.events.schedules.schedule import Schedule
from tradefree.events.trigger import Trigger
from tradefree.ids import new_id
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import Entry
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

START = datetime(2026, 1, 1, 8, tzinfo=UTC)


class World:
    """A service that keeps time on a clock that tests move."""

    def __init__(self) -> None:
        self.clock = FrozenClock(START)
        self.store = MemoryStore(self.clock)
        self.leads = True
        self.keeper = self.another()

    def another(self) -> Keeper:
        """Another service on the same store."""
        catalog = Catalog(self.store, self.clock)
        intake = Intake(self.store, Rules(self.store, self.store, self.clock), catalog, LocalSignals(), self.clock)
        return Keeper(self.store, intake, self.clock, lambda: self.leads)

    async def define(self, **values: Any) -> None:
        schedule = Schedule.model_validate({"name": "poll", "every": 60, **values})
        await self.store.put_schedule(schedule, self.clock.now())

    async def rule(self, **values: Any) -> None:
        """Make a task of each event."""
        await self.store.put_task_type(TaskType(name="echo", runner="echo", **values))
        trigger = Trigger(name="rule", event="ai.tradefree.*", task_type="echo", input={"at": "string(event.time)"})
        await self.store.put_trigger(trigger, Entry(new_id(), self.clock.now(), "ann", "t", "t"))

    async def events(self) -> list[Event]:
        return (await self.store.events(EventFilter(), limit=500))[::-1]


async def test_nothing_is_defined() -> None:
    assert await World().keeper.look() == keeping.LOOK_EVERY


async def test_what_is_due_becomes_an_event_and_tasks() -> None:
    world = World()
    await world.rule()
    await world.define(event={"type": "ai.tradefree.tick", "subject": "shop", "data": {"n": 1}})
    assert await world.keeper.look() == keeping.LOOK_EVERY
    assert await world.events() == []
    world.clock.advance(59.5)
    assert await world.keeper.look() == pytest.approx(0.5)
    world.clock.advance(0.5)

    await world.keeper.look()

    [event] = await world.events()
    assert (event.type, event.subject, event.data) == ("ai.tradefree.tick", "shop", {"n": 1})
    assert (event.source, event.event_id) == ("/schedules/poll", "2026-01-01T08:01:00+00:00")
    assert (event.time, event.received_by) == (datetime(2026, 1, 1, 8, 1, tzinfo=UTC), "schedule:poll")
    [task] = await world.store.tasks_of(event.id)
    whole = await world.store.task(task.id, payloads=True)
    assert whole is not None
    assert whole.input_data == {"at": "2026-01-01T08:01:00+00:00"}


async def test_a_day_of_looking_raises_each_minute_once() -> None:
    world = World()
    await world.define(cron="*/10 * * * *", every=None)
    others = [world.another() for _ in range(3)]
    for _ in range(24 * 60):
        world.clock.advance(60)
        await asyncio.gather(world.keeper.look(), *(other.look() for other in others))

    times = [event.time for event in await world.events()]
    assert len(times) == len(set(times)) == 24 * 6


async def test_who_does_not_lead_raises_nothing() -> None:
    world = World()
    world.leads = False
    await world.define()
    world.clock.advance(60)

    async with running(world.keeper):
        await asyncio.sleep(0.05)
        assert await world.events() == []


async def test_it_goes_on_when_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK_EVERY", 0.01)
    world = World()
    await world.define()
    world.clock.advance(60)
    world.store.away = True

    async with running(world.keeper):
        await asyncio.sleep(0.05)
        world.store.away = False
        async with asyncio.timeout(5):
            while not await world.events():  # noqa: ASYNC110 (another service would raise them, too)
                await asyncio.sleep(0.01)


async def test_one_that_cannot_be_raised_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.define(name="a-bad-one", every=30)
    await world.define()
    raised = Keeper._raise

    async def fails(self: Keeper, due: Any) -> None:
        if due.schedule.name == "a-bad-one":
            raise ValueError("broken")
        await raised(self, due)

    monkeypatch.setattr(Keeper, "_raise", fails)
    world.clock.advance(60)

    assert await world.keeper.look() == keeping.LOOK_EVERY, "and is not tried again and again without a pause"
    assert [event.source for event in await world.events()] == ["/schedules/poll"]


async def test_a_full_backlog_keeps_the_event_and_says_why_there_is_no_task() -> None:
    world = World()
    await world.rule(max_pending=1)
    await world.define()
    for _ in range(3):
        world.clock.advance(60)
        await world.keeper.look()

    events = await world.events()
    decisions = await world.store.decisions([event.id for event in events])
    assert [decisions[event.id][0].outcome for event in events] == ["made", "refused", "refused"]
    assert {run.outcome for run in await world.store.fires("poll", limit=9)} == {FireOutcome.RAISED}


async def test_missed_runs_are_made_up_for_after_a_long_night() -> None:
    world = World()
    await world.define(misfire="all", misfire_limit=2)
    world.clock.advance(3600 + 5)

    await world.keeper.look()

    minutes = [event.time.strftime("%H:%M") for event in await world.events() if event.time]
    assert minutes == ["08:58", "08:59", "09:00"]
    first = (await world.store.fires("poll", limit=9))[-1]
    assert (first.fire_at.strftime("%H:%M"), first.outcome) == ("08:01", FireOutcome.MISSED)


@asynccontextmanager
async def running(keeper: Keeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
