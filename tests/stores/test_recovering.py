"""Dead workers and what they leave behind."""

from __future__ import annotations

from datetime import timedelta

from stores.acts import LEASE, Acts
from stores.engines import AnyStore
from tradefree.tasks.outcome import Completed
from tradefree.tasks.states import Status
from tradefree.tasks.task import WorkerStatus
from tradefree.tasks.transitions import Rules, lose, unqueue
from tradefree.testing.clock import FrozenClock


async def test_a_lease_lapses_at_its_moment(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist("w1")
    clock.advance(1)
    await acts.enlist("w2")
    clock.advance(LEASE - 1.001)
    assert await store.lapsed() == []
    clock.advance(0.001)
    assert [worker.id for worker in await store.lapsed()] == ["w1"]
    assert {worker.id for worker in await store.lapsed(everyone=True)} == {"w1", "w2"}


async def test_draining_workers_lapse_too(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    await store.beat("w1", LEASE, draining=True)
    assert await store.live_count() == 1
    clock.advance(LEASE)
    assert [worker.id for worker in await store.lapsed()] == ["w1"]


async def test_bury_only_whose_lease_ran_out(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    assert not await store.bury("w1")
    assert await store.live_count() == 1
    clock.advance(LEASE)
    assert await store.bury("w1")
    assert not await store.bury("w1")
    assert await store.live_count() == 0
    assert await store.lapsed(everyone=True) == []
    ((worker, _),) = await store.all_workers()
    assert worker.status is WorkerStatus.DEAD


async def test_who_came_back_in_time_is_not_buried(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    clock.advance(LEASE + 1)
    assert await store.lapsed()
    await store.beat("w1", LEASE)
    assert not await store.bury("w1")


async def test_bury_at_once(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    assert await store.bury("w1", at_once=True)
    assert not await store.bury("w1", at_once=True)
    assert not await store.bury("nobody", at_once=True)


async def test_gone_workers_are_the_dead_and_those_that_left(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    assert await store.gone_workers() == {}
    for name in ("beaten", "silent", "left", "draining", "late"):
        await acts.enlist(name)
    silent_until = clock.now() + timedelta(seconds=LEASE)
    clock.advance(1.5)
    await store.beat("beaten", LEASE)
    await store.beat("draining", LEASE, draining=True)
    beaten_until = clock.now() + timedelta(seconds=LEASE)
    await store.leave("left")
    clock.advance(LEASE * 2)
    assert await store.gone_workers() == {"left": None}, "late is not dead"
    await store.bury("beaten")
    await store.bury("silent", at_once=True)
    clock.advance(60)
    assert await store.gone_workers() == {"left": None, "beaten": beaten_until, "silent": silent_until}


async def test_who_left_is_gone_but_not_dead(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    running = await acts.running()
    await store.leave("w1")
    ((worker, number),) = await store.all_workers()
    assert (worker.status, number) == (WorkerStatus.LEFT, 1)
    assert await store.live_count() == 0
    clock.advance(LEASE)
    assert await store.lapsed() == []
    assert await store.lapsed(everyone=True) == []
    assert not await store.bury("w1")
    assert not await store.bury("w1", at_once=True)
    assert await store.gone_workers() == {"w1": None}
    assert await store.orphans(10, 30) == [running.id]
    assert not (await store.beat("w1", LEASE)).alive
    ((worker, _),) = await store.all_workers()
    assert worker.status is WorkerStatus.LEFT


async def test_tasks_of_the_dead_are_orphans(acts: Acts, store: AnyStore) -> None:
    running, theirs = await acts.running(), await acts.running(on="w2")
    queued = await acts.submitted()
    await acts.admit(queued)
    await acts.submitted()
    done = await acts.completed()
    assert await store.orphans(10, 30) == []
    await store.bury("w1", at_once=True)
    assert set(await store.orphans(10, 30)) == {running.id, queued.id}
    assert theirs.id not in await store.orphans(10, 30)
    assert done.id not in await store.orphans(10, 30)


async def test_what_was_rescued_is_no_orphan(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.running()
    await store.bury("w1", at_once=True)
    await store.decide([task.id], lambda t: lose(t, Rules(), clock.now()))
    assert await store.orphans(10, 30) == []


async def test_a_task_nobody_claimed_in_time_is_an_orphan(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    task, claimed = await acts.submitted(), await acts.submitted()
    await acts.admit(task, claimed)
    await acts.claim(claimed)
    clock.advance(30)
    assert await store.orphans(10, 30) == []
    clock.advance(0.001)
    assert await store.orphans(10, 30) == [task.id]
    await store.decide([task.id], lambda t: unqueue(t, clock.now(), "why."))
    await acts.admit(task)
    assert await store.orphans(10, 30) == []


async def test_orphans_are_bounded_and_named_once(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    tasks = [await acts.submitted() for _ in range(7)]
    await acts.admit(*tasks)
    await store.bury("w1", at_once=True)
    clock.advance(60)
    assert len(await store.orphans(5, 30)) == 5
    assert sorted(await store.orphans(100, 30)) == [task.id for task in tasks]


async def test_forget_the_long_dead(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist("old")
    await acts.enlist("left")
    stuck = await acts.running(on="busy")
    await acts.enlist("alive")
    clock.advance(3600)
    await acts.enlist("young")
    for worker in ("old", "busy", "young"):
        await store.bury(worker, at_once=True)
    await store.leave("left")
    assert await store.forget_workers(clock.now() - timedelta(seconds=60)) == 2
    assert {worker.id for worker, _ in await store.all_workers()} == {"busy", "alive", "young"}
    await store.decide([stuck.id], lambda t: lose(t, Rules(), clock.now()))
    assert await store.forget_workers(clock.now() - timedelta(seconds=60)) == 1
    assert await store.forget_workers(clock.now() - timedelta(seconds=60)) == 0


async def test_workers_and_how_much_they_have(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist("older")
    clock.advance(1)
    await acts.enlist("newer")
    await acts.admit(*[await acts.submitted() for _ in range(2)], to="older")
    await acts.running(on="older")
    ended = await acts.running(on="newer")
    await acts.finish(ended, Completed({}))
    assert [(worker.id, number) for worker, number in await store.all_workers()] == [("newer", 0), ("older", 3)]


async def test_an_attempt_on_a_forgotten_worker_keeps_its_name(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.completed()
    await store.bury("w1", at_once=True)
    clock.advance(3600)
    await store.forget_workers(clock.now())
    (attempt,) = await store.attempts(task.id)
    assert attempt.worker_id == "w1"
    assert await acts.status(task) is Status.COMPLETED
