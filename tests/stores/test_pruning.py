"""Retention: what is old goes, in small portions, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson

from stores.acts import Acts, a_task
from stores.engines import AnyStore
from stores.test_schedules import every, fire
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event, NewEvent
from tradefree.events.ports import Arrival, EventFilter
from tradefree.events.retention import Pruned, Retention
from tradefree.ids import new_id_at
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.leisure import Leisure
from tradefree.tasks.outcome import Completed
from tradefree.tasks.ports import Accepted, Submission
from tradefree.tasks.states import Status
from tradefree.tasks.task import LogLine, Task
from tradefree.tasks.transitions import cancel, revive
from tradefree.testing.clock import FrozenClock

DAY = timedelta(days=1)


def arrival(number: int, now: datetime) -> Arrival:
    """An event with a task that a rule made of it."""
    new = NewEvent(f"e-{number}", "urn:test", "com.example.t", data={"n": number})
    event = Event.of(new, new_id_at(now), now, "key:k")
    task = a_task(now, event_id=event.id)
    return Arrival(event, (Decision("rule", 1, Outcome.MADE, task_id=task.id),), {"rule": Submission(task)})


async def ended(store: AnyStore, acts: Acts, clock: FrozenClock, type_: str = CALLBACK) -> Task:
    task = a_task(clock.now(), type_, labels={"to": "shop"})
    await store.submit([Submission(task)])
    await store.decide([task.id], lambda found: cancel(found, clock.now(), None))
    await store.append_logs([LogLine(task.id, clock.now(), "info", "said")])
    return task


async def test_old_events_go_with_their_decisions_and_their_tasks_stay(store: AnyStore, clock: FrozenClock) -> None:
    old = [arrival(n, clock.now()) for n in range(5)]
    await store.take(old)
    clock.advance(86400)
    young = arrival(6, clock.now())
    await store.take([young])
    ids = [a.event.id for a in old]

    assert await store.prune_events(clock.now(), 2) == 2
    left = [event.id for event in await store.events(EventFilter(), limit=10)]
    assert left == [young.event.id, *sorted(ids[2:], reverse=True)]
    assert await store.prune_events(clock.now(), 10) == 3
    assert await store.prune_events(clock.now(), 10) == 0

    assert [event.id for event in await store.events(EventFilter(), limit=10)] == [young.event.id]
    assert list(await store.decisions([*ids, young.event.id])) == [young.event.id]
    assert await store.task(next(iter(old[0].submissions.values())).task.id) is not None


async def test_an_event_that_is_gone_may_come_again(store: AnyStore, clock: FrozenClock) -> None:
    await store.take([arrival(1, clock.now())])
    clock.advance(86400)
    await store.prune_events(clock.now(), 10)

    [again] = await store.take([arrival(1, clock.now())])

    assert not isinstance(again, Exception)
    assert not again.replayed


async def test_old_runs_go(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_schedule(every(), clock.now())
    for _ in range(4):
        clock.advance(60)
        await fire(store, clock.now())
    cut = clock.now() - timedelta(seconds=60)

    assert await store.prune_fires(cut, 1) == 1
    assert await store.prune_fires(cut, 10) == 1
    assert await store.prune_fires(cut, 10) == 0
    assert len(await store.fires("poll", limit=10)) == 2


async def test_old_deliveries_go_with_all_that_is_theirs(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    gone = await ended(store, acts, clock)
    other = await ended(store, acts, clock, "summarize")
    waiting = a_task(clock.now(), CALLBACK)
    await store.submit([Submission(waiting)])
    clock.advance(86400)
    young = await ended(store, acts, clock)

    assert await store.prune_tasks(CALLBACK, clock.now(), 10) == Pruned(1)

    assert await store.task(gone.id) is None
    assert await store.logs(gone.id, limit=10) == []
    assert await store.attempts(gone.id) == []
    for kept in (other, waiting, young):
        assert await store.task(kept.id) is not None
    assert await store.logs(other.id, limit=10)


async def test_totals_and_keys_go_with_their_tasks(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    tasks = [await acts.completed("echo") for _ in range(2)]
    clock.advance(0.5)
    keyed = a_task(clock.now())
    await store.submit([Submission(keyed, key="order 1", request_hash="a")])
    await store.decide([keyed.id], lambda found: cancel(found, clock.now(), None))
    kept = a_task(clock.now())
    await store.submit([Submission(kept, key="order 2", request_hash="a")])
    clock.advance(86400)

    assert await store.prune_tasks("echo", clock.now(), 10) == Pruned(3)

    assert [await store.task(task.id) for task in (*tasks, keyed)] == [None] * 3
    assert {status: number for status, number in (await store.counts())["echo"].items() if number} == {"pending": 1}
    again, same = a_task(clock.now()), a_task(clock.now())
    made, known = await store.submit(
        [Submission(again, key="order 1", request_hash="b"), Submission(same, key="order 2", request_hash="a")]
    )
    assert made == Accepted(again)
    assert isinstance(known, Accepted)
    assert (known.task.id, known.replayed) == (kept.id, True)


async def test_what_has_not_ended_does_not_stand_in_the_way(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    waiting = [a_task(clock.now(), CALLBACK) for _ in range(3)]
    await store.submit([Submission(task) for task in waiting])
    behind = [await ended(store, acts, clock) for _ in range(2)]
    clock.advance(86400)

    first = await store.prune_tasks(CALLBACK, clock.now(), 2)
    second = await store.prune_tasks(CALLBACK, clock.now(), 2, after_id=first.last_id or "")
    third = await store.prune_tasks(CALLBACK, clock.now(), 2, after_id=second.last_id or "")

    assert (first, second) == (Pruned(0, waiting[1].id), Pruned(1, behind[0].id))
    assert third == Pruned(1)


async def test_a_sweep_deletes_all_that_is_too_old(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    await store.take([arrival(n, clock.now()) for n in range(450)])
    for _ in range(2):
        await ended(store, acts, clock)
    clock.advance(10 * 86400)
    await store.take([arrival(n, clock.now()) for n in range(450, 453)])

    for_ever = Retention(store, Leisure(clock, lambda: True, pause=0), events=None, deliveries=None)
    assert set((await for_ever.sweep()).values()) == {0}
    follower = Retention(store, Leisure(clock, lambda: False, pause=0), events=DAY, deliveries=DAY)
    assert set((await follower.sweep()).values()) == {0}
    retention = Retention(store, Leisure(clock, lambda: True, pause=0), events=9 * DAY, deliveries=DAY)
    assert await retention.sweep() == {"events": 450, "runs": 0, "deliveries": 2}
    assert len(await store.events(EventFilter(), limit=500)) == 3


async def test_old_tasks_are_found_by_their_end_and_deliveries_are_passed_over(
    store: AnyStore, acts: Acts, clock: FrozenClock
) -> None:
    late = await acts.running()
    delivery = await ended(store, acts, clock)
    old = [await acts.completed() for _ in range(3)]
    failed = await acts.failed()
    clock.advance(86400)
    before = clock.now()
    await acts.finish(late, Completed(None))

    found = await store.old_tasks(Status.COMPLETED, before, 2)
    assert found.last_id is not None
    rest = await store.old_tasks(Status.COMPLETED, before, 10, after_id=found.last_id)
    assert [*found.ids, *rest.ids] == [task.id for task in old]
    assert rest.last_id is None
    assert (await store.old_tasks(Status.CANCELLED, before, 10)).ids == []

    assert await store.delete_tasks([task.id for task in (*old[:2], late)], before) == 2
    assert [await store.task(task.id) is None for task in (*old, late, failed, delivery)] == [True] * 2 + [False] * 4


async def test_one_that_was_run_again_meanwhile_stays(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    task = await acts.failed()
    clock.advance(86400)
    before = clock.now()
    (found,) = (await store.old_tasks(Status.FAILED, before, 10)).ids
    await store.decide([task.id], lambda seen: revive(seen, clock.now()))
    assert await store.delete_tasks([found], before) == 0
    assert await store.attempts(task.id), "nothing of it is gone"


async def test_whole_tasks_have_all_there_is(store: AnyStore, acts: Acts, clock: FrozenClock) -> None:
    task = await acts.completed(output={"text": "你好"}, input_data={"n": 1}, labels={"shop": "de"})
    (document,) = await store.whole_tasks([task.id, "nobody"])
    assert document["id"] == task.id
    assert document["created_at"] == task.created_at
    assert (document["input_data"], document["output_data"]) == ({"n": 1}, {"text": "你好"})
    assert document["labels"] == {"shop": "de"}
    assert [attempt["number"] for attempt in document["attempts"]] == [1]
    assert [line["event"] for line in document["logs"]] == [line.event for line in await store.logs(task.id, limit=9)]
    assert orjson.dumps(document)
