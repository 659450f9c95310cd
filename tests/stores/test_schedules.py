"""Schedules: where each stands, and runs that are stored once, whoever raises them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from stores.acts import Acts, a_task
from stores.engines import AnyStore
from tradefree.errors import NotFound
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event
from tradefree.events.ports import Arrival, EventFilter, Taken
from tradefree.events.schedules.keeper import event_of
from tradefree.events.schedules.plan import FireOutcome, Plan, plan
from tradefree.events.schedules.ports import Due, Pause
from tradefree.events.schedules.schedule import Schedule
from tradefree.ids import new_id_at
from tradefree.tasks.ports import Entry, Submission
from tradefree.tasks.transitions import cancel
from tradefree.testing.clock import FrozenClock

FULL = Schedule.model_validate(
    {
        "name": "nightly",
        "description": "每晚 🌙",
        "cron": "30 2 * * 1-5",
        "time_zone": "Asia/Shanghai",
        "jitter": "5m",
        "misfire": "all",
        "misfire_limit": 3,
        "misfire_after": "2m",
        "overlap": "skip",
        "event": {"type": "com.example.night", "subject": "shop", "data": {"z": [1, None], "a": "é"}},
    }
)


def every(seconds: float = 60, **values: Any) -> Schedule:
    return Schedule.model_validate({"name": "poll", "every": seconds, "start_at": START, **values})


START = "2026-01-01T08:00:00Z"


def entry(clock: FrozenClock, action: str = "schedule.paused") -> Entry:
    return Entry(new_id_at(clock.now()), clock.now(), "ann", action, "schedule:poll", {"reason": "slow"})


def arrivals(due: Due, ahead: Plan, now: datetime, *, tasks: bool = False) -> list[Arrival]:
    """What the intake makes of a plan: with tasks, one rule makes one of each event."""
    found = []
    for fire in ahead.fires:
        if fire.outcome is FireOutcome.RAISED:
            event = Event.of(event_of(due.schedule, fire), new_id_at(now), now, f"schedule:{due.schedule.name}")
            task = a_task(now, event_id=event.id)
            decision = Decision("rule", 1, Outcome.MADE, task_id=task.id)
            made = Arrival(event, (decision,), {"rule": Submission(task)}, refusable=False)
            found.append(made if tasks else Arrival(event, refusable=False))
    return found


async def fire(store: AnyStore, now: datetime, *, tasks: bool = False) -> list[list[Taken | Exception] | None]:
    """What the keeper does."""
    done = []
    for due in await store.due_schedules(now, 10):
        ahead = plan(due.schedule, due.fire_at, now, unfinished=due.unfinished)
        done.append(await store.fire(due, ahead, arrivals(due, ahead, now, tasks=tasks), now))
    return done


async def test_a_schedule_comes_back_as_it_was(store: AnyStore, clock: FrozenClock) -> None:
    assert await store.put_schedule(FULL, clock.now())
    assert await store.put_schedule(every(), clock.now())

    found = await store.schedules()
    assert {name: standing.schedule for name, standing in found.items()} == {"nightly": FULL, "poll": every()}
    nightly = found["nightly"]
    assert nightly.fire_at == next(FULL.timing.after(clock.now()))
    assert nightly.wake_at is not None
    assert nightly.fire_at <= nightly.wake_at < nightly.fire_at + timedelta(minutes=5)
    assert (nightly.pause, nightly.last_fire_at, nightly.last_event_id) == (None, None, None)


async def test_the_same_again_changes_nothing(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    version = await store.config_version()

    assert not await store.put_schedule(every(), clock.now())
    assert await store.config_version() == version
    assert await store.put_schedule(every(description="new"), clock.now())
    assert await store.config_version() > version


async def test_with_the_same_times_what_was_to_come_stays(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    before = (await store.schedules())["poll"].fire_at
    clock.advance(90)

    await store.put_schedule(every(description="new", jitter=5), clock.now())
    kept = (await store.schedules())["poll"]
    await store.put_schedule(every(120), clock.now())
    anew = (await store.schedules())["poll"]

    assert kept.fire_at == before
    assert kept.fire_at is not None
    assert kept.wake_at is not None
    assert kept.fire_at < kept.wake_at < kept.fire_at + timedelta(seconds=5)
    assert anew.fire_at == next(every(120).timing.after(clock.now()))


async def test_one_that_is_switched_off_and_on_is_counted_anew(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    await store.put_schedule(every(enabled=False), clock.now())
    assert (await store.schedules())["poll"].fire_at is None
    assert await store.next_wake() is None
    clock.advance(600)

    await store.put_schedule(every(), clock.now())

    assert (await store.schedules())["poll"].fire_at == next(every().timing.after(clock.now()))


async def test_delete(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())

    await store.delete_schedule("poll")

    assert await store.schedules() == {}
    for name in ("poll", "poll ", "Poll", "pöll"):
        with pytest.raises(NotFound):
            await store.delete_schedule(name)
        with pytest.raises(NotFound):
            await store.pause_schedule(name, None, clock.now(), entry(clock))


async def test_pause_and_resume(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    pause = Pause(clock.now(), "ann", "slow")

    assert await store.pause_schedule("poll", pause, clock.now(), entry(clock))
    assert not await store.pause_schedule("poll", pause, clock.now(), entry(clock))
    paused = (await store.schedules())["poll"]
    assert (paused.pause, paused.fire_at, paused.wake_at) == (pause, None, None)
    await store.put_schedule(every(120), clock.now())
    assert (await store.schedules())["poll"].fire_at is None, "it stays paused when it is defined anew"

    clock.advance(600)
    assert await store.due_schedules(clock.now(), 10) == []
    assert await store.pause_schedule("poll", None, clock.now(), entry(clock, "schedule.resumed"))
    assert not await store.pause_schedule("poll", None, clock.now(), entry(clock))
    resumed = (await store.schedules())["poll"]
    assert (resumed.pause, resumed.fire_at) == (None, next(every(120).timing.after(clock.now())))
    trail = await store.audit(limit=10, target="schedule:poll")
    assert [line.action for line in trail] == ["schedule.resumed", "schedule.paused"]


async def test_what_is_due_is_found_in_order(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(60), clock.now())
    await store.put_schedule(every(30, name="sooner"), clock.now())
    await store.put_schedule(every(300, name="later"), clock.now())
    wake_at = await store.next_wake()
    assert wake_at == next(every(30).timing.after(clock.now()))
    assert await store.due_schedules(wake_at - timedelta(microseconds=1), 10) == []
    assert len(await store.due_schedules(wake_at, 10)) == 1
    clock.advance(60)

    found = await store.due_schedules(clock.now(), 10)

    assert [due.schedule.name for due in found] == ["sooner", "poll"]
    assert len(await store.due_schedules(clock.now(), 1)) == 1


async def test_a_run_is_stored_with_its_event_and_what_comes_next(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(event={"type": "com.example.tick", "data": {"n": 1}}), clock.now())
    first = (await store.schedules())["poll"].fire_at
    clock.advance(60)

    [taken] = await fire(store, clock.now(), tasks=True)

    assert taken is not None
    [stored] = taken
    assert isinstance(stored, Taken)
    assert (stored.event.type, stored.event.source, stored.event.time) == ("com.example.tick", "/schedules/poll", first)
    assert await store.event(stored.event.id) == stored.event
    [task] = await store.tasks_of(stored.event.id)
    assert task.event_id == stored.event.id
    after = (await store.schedules())["poll"]
    assert first is not None
    assert after.fire_at == first + timedelta(seconds=60)
    assert (after.last_fire_at, after.last_event_id) == (first, stored.event.id)
    [run] = await store.fires("poll", limit=10)
    assert (run.fire_at, run.outcome, run.event_id, run.decided_at) == (
        first,
        FireOutcome.RAISED,
        stored.event.id,
        clock.now(),
    )


async def test_two_leaders_raise_it_once(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(10, misfire_after="1h"), clock.now())
    clock.advance(100)
    now = clock.now()
    [due] = await store.due_schedules(now, 10)
    ahead = plan(due.schedule, due.fire_at, now)

    done = await asyncio.gather(*(store.fire(due, ahead, arrivals(due, ahead, now, tasks=True), now) for _ in range(5)))

    assert sum(taken is not None for taken in done) == 1
    stored = await store.events(EventFilter(), limit=100)
    assert len(stored) == len(ahead.fires) == len({event.event_id for event in stored})
    for event in stored:
        assert len(await store.tasks_of(event.id)) == 1
    assert len(await store.fires("poll", limit=100)) == len(ahead.fires)


async def test_a_late_leader_raises_nothing_of_what_is_over(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    clock.advance(60)
    [due] = await store.due_schedules(clock.now(), 10)
    ahead = plan(due.schedule, due.fire_at, clock.now())
    await fire(store, clock.now())

    again = await store.fire(due, ahead, arrivals(due, ahead, clock.now()), clock.now())

    assert again is None
    assert len(await store.events(EventFilter(), limit=10)) == 1


async def test_nothing_is_raised_of_one_that_was_changed_paused_or_deleted(store: AnyStore, clock: FrozenClock) -> None:
    for change in ("changed", "paused", "deleted"):
        await store.put_schedule(every(), clock.now())
        clock.advance(60)
        [due] = await store.due_schedules(clock.now(), 10)
        if change == "changed":
            await store.put_schedule(every(event={"type": "com.example.other"}), clock.now())
        elif change == "paused":
            await store.pause_schedule("poll", Pause(clock.now(), "ann"), clock.now(), entry(clock))
        ahead = plan(due.schedule, due.fire_at, clock.now())
        await store.delete_schedule("poll") if change == "deleted" else None

        assert await store.fire(due, ahead, arrivals(due, ahead, clock.now()), clock.now()) is None
        await store.delete_schedule("poll") if change != "deleted" else None

    assert await store.events(EventFilter(), limit=10) == []


async def test_overlap_looks_at_the_tasks_of_the_last_run(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    await store.put_schedule(every(overlap="skip"), clock.now())
    clock.advance(60)
    await fire(store, clock.now(), tasks=True)
    clock.advance(60)
    [busy] = await store.due_schedules(clock.now(), 10)
    assert busy.unfinished
    await fire(store, clock.now(), tasks=True)

    last = (await store.schedules())["poll"].last_event_id
    assert last is not None, "a run that was skipped is not the last one"
    [task] = await store.tasks_of(last)
    await store.decide([task.id], lambda found: cancel(found, clock.now(), None))
    clock.advance(60)
    [free] = await store.due_schedules(clock.now(), 10)

    assert not free.unfinished
    runs = await store.fires("poll", limit=10)
    assert [run.outcome for run in runs] == [FireOutcome.SKIPPED, FireOutcome.RAISED]
    assert runs[0].event_id is None


async def test_overlap_is_not_looked_at_where_it_is_allowed(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    clock.advance(60)
    await fire(store, clock.now(), tasks=True)
    clock.advance(60)

    [due] = await store.due_schedules(clock.now(), 10)

    assert not due.unfinished


async def test_a_run_that_is_written_down_already_is_passed_over(store: AnyStore, clock: FrozenClock) -> None:
    """Services whose clocks differ: one of them counts anew from before a run that another has raised."""
    before = clock.now()
    await store.put_schedule(every(), before)
    clock.advance(60)
    [[first]] = [taken for taken in await fire(store, clock.now(), tasks=True) if taken is not None]
    assert isinstance(first, Taken)
    await store.put_schedule(every(enabled=False), before)
    await store.put_schedule(every(), before)

    [[again]] = [taken for taken in await fire(store, clock.now(), tasks=True) if taken is not None]

    assert isinstance(again, Taken)
    assert again.replayed
    assert again.event.id == first.event.id
    assert len(await store.tasks_of(first.event.id)) == 1
    assert [run.event_id for run in await store.fires("poll", limit=10)] == [first.event.id]
    assert await store.due_schedules(clock.now(), 10) == []


async def test_runs_are_listed_newest_first(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    for _ in range(3):
        clock.advance(60)
        await fire(store, clock.now())

    runs = await store.fires("poll", limit=2)
    rest = await store.fires("poll", limit=2, before=runs[-1].fire_at)

    assert [run.fire_at for run in (*runs, *rest)] == sorted({run.fire_at for run in (*runs, *rest)}, reverse=True)
    assert len(runs) + len(rest) == 3
    assert await store.fires("nobody", limit=2) == []
    assert await store.fires("poll ", limit=2) == []
