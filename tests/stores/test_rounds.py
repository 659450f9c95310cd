"""The inside of a round: what is due, what is held, who may run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stores.acts import LEASE, Acts, save_state
from stores.engines import AnyStore
from tradefree.ids import new_id
from tradefree.tasks.outcome import DidNotWork, HandBack
from tradefree.tasks.ports import Head, Held
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Rules, cancel, lose
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.clock import FrozenClock


async def heads(acts: Acts, *lanes: str, limit: int = 100) -> list[str]:
    async with acts.round() as round_:
        found = await round_.heads(dict.fromkeys(lanes, limit))
        return [head.id for lane in lanes for head in found[lane]]


async def unaccounted(acts: Acts) -> Task:
    """A task whose worker died while its run may go on."""
    task = await acts.running()
    await save_state(acts.store, task.id, task.attempt_count, "w1", {"run": "r1"})
    now = acts.clock.now()
    await acts.store.decide([task.id], lambda t: lose(t, Rules(resumable=True), now))
    return await acts.see(task)


# ── due and expired ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_due_tasks_wake(acts: Acts, clock: FrozenClock) -> None:
    soon, later = await acts.submitted("a", run_in=1), await acts.submitted("b", run_in=1.000001)
    async with acts.round() as round_:
        assert await round_.wake_due(10) == set()
    clock.advance(1)
    async with acts.round() as round_:
        assert await round_.next_due() == soon.run_at
        assert await round_.wake_due(10) == {soon.lane}
        assert await round_.next_due() == later.run_at
        assert await round_.wake_due(10) == set()
    woken = await acts.see(soon)
    assert (woken.status, woken.run_at, woken.sort_at) == (Status.PENDING, soon.run_at, soon.sort_at)
    assert woken.updated_at == clock.now()
    assert await acts.status(later) is Status.SCHEDULED
    assert await heads(acts, soon.lane) == [soon.id]


async def test_a_retry_wakes_with_its_own_time(acts: Acts, clock: FrozenClock) -> None:
    task = await acts.running()
    (change,) = await acts.finish(task, DidNotWork("x", "No.", retryable=True, retry_after=30.5))
    assert change.status is Status.SCHEDULED
    async with acts.round() as round_:
        assert await round_.next_due() == clock.now() + timedelta(seconds=30.5)
    clock.advance(30.5)
    async with acts.round() as round_:
        assert await round_.wake_due(10) == {task.lane}


async def test_waking_is_bounded_and_goes_on(acts: Acts, clock: FrozenClock) -> None:
    await acts.submit(*(acts.task(run_in=n) for n in range(1, 8)))
    clock.advance(10)
    woken = []
    async with acts.round() as round_:
        for _ in range(3):
            await round_.wake_due(3)
            woken.append(len((await round_.heads({acts.task().lane: 100}))[acts.task().lane]))
        assert await round_.next_due() is None
    assert woken == [3, 6, 7]


async def test_nothing_is_ever_due_in_an_empty_store(acts: Acts) -> None:
    async with acts.round() as round_:
        assert await round_.next_due() is None
        assert await round_.expired(10) == []
        assert await round_.held() == []
        assert await round_.workers() == []
        assert await round_.unaccounted(10) == []
        assert await round_.heads({"echo/": 3}) == {"echo/": []}
        assert await round_.admit([]) == []


@pytest.mark.parametrize("run_in", [0.0, 60.0])
async def test_waiting_tasks_expire(acts: Acts, clock: FrozenClock, run_in: float) -> None:
    task = await acts.submitted(run_in=run_in, expires_at=clock.now() + timedelta(seconds=10))
    never = await acts.submitted(run_in=run_in)
    async with acts.round() as round_:
        assert await round_.expired(10) == []
        assert await round_.next_due() == task.expires_at
    clock.advance(10)
    async with acts.round() as round_:
        assert await round_.expired(10) == [task.id]
        assert never.id not in await round_.expired(10)


async def test_expiry_is_no_matter_once_a_task_was_admitted(acts: Acts, clock: FrozenClock) -> None:
    await acts.enlist()
    task = await acts.submitted(expires_at=clock.now() + timedelta(seconds=10))
    await acts.admit(task)
    clock.advance(20)
    async with acts.round() as round_:
        assert await round_.expired(10) == []
        assert await round_.next_due() is None


async def test_expiry_matters_again_after_a_hand_back(acts: Acts, clock: FrozenClock) -> None:
    task = await acts.running(expires_at=clock.now() + timedelta(seconds=10))
    await acts.finish(task, HandBack())
    async with acts.round() as round_:
        assert await round_.next_due() == task.expires_at
    clock.advance(10)
    async with acts.round() as round_:
        assert await round_.expired(10) == [task.id]


async def test_a_task_that_holds_its_place_does_not_expire(acts: Acts, clock: FrozenClock) -> None:
    task = await acts.running(expires_at=clock.now() + timedelta(seconds=10))
    await acts.finish(task, HandBack(), resumable=True)
    clock.advance(20)
    async with acts.round() as round_:
        assert await round_.expired(10) == []
        assert await round_.next_due() is None


async def test_a_cancelled_task_is_not_due(acts: Acts, clock: FrozenClock) -> None:
    task = await acts.submitted(run_in=5)
    await acts.store.decide([task.id], lambda t: cancel(t, clock.now()))
    clock.advance(6)
    async with acts.round() as round_:
        assert await round_.next_due() is None
        assert await round_.wake_due(10) == set()


async def test_expired_is_bounded(acts: Acts, clock: FrozenClock) -> None:
    await acts.submit(*(acts.task(expires_at=clock.now()) for _ in range(5)))
    async with acts.round() as round_:
        assert len(await round_.expired(3)) == 3


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_held_places(acts: Acts) -> None:
    await acts.enlist("w1")
    await acts.enlist("w2")
    queued = [await acts.submitted("a", concurrency_key="k") for _ in range(3)]
    await acts.admit(*queued)
    await acts.running("a", concurrency_key="k")
    await acts.running("a", on="w2", concurrency_key="K")
    await acts.submitted("a")
    await acts.completed("b")
    async with acts.round() as round_:
        held = await round_.held()
    assert sorted(held, key=lambda h: h.count) == [
        Held(acts.task("a", concurrency_key="K").lane, "w2", 1),
        Held(acts.task("a", concurrency_key="k").lane, "w1", 4),
    ]


async def test_a_run_nobody_could_account_for_is_held(acts: Acts) -> None:
    task = await unaccounted(acts)
    assert (task.status, task.holds_slot, task.worker_id) == (Status.PENDING, True, None)
    async with acts.round() as round_:
        assert await round_.held() == [Held(task.lane, None, 1)]
        assert await round_.unaccounted(10) == [Head(task.id, task.lane, 0)]
        assert await round_.heads({task.lane: 10}) == {task.lane: []}


async def test_an_unresolved_failure_waits_and_holds_its_place(acts: Acts, clock: FrozenClock) -> None:
    task = await acts.running()
    await save_state(acts.store, task.id, 1, "w1", {"run": "r1"})
    await acts.finish(task, DidNotWork("lost_stream", "Lost.", retryable=True, unresolved=True), resumable=True)
    async with acts.round() as round_:
        assert await round_.held() == [Held(task.lane, None, 1)]
        assert await round_.unaccounted(10) == []
    clock.advance(100)
    async with acts.round() as round_:
        await round_.wake_due(10)
        assert [head.id for head in await round_.unaccounted(10)] == [task.id]


async def test_unaccounted_tasks_can_be_admitted(acts: Acts) -> None:
    task = await unaccounted(acts)
    assert await acts.admit(task) == [task.id]
    async with acts.round() as round_:
        assert await round_.unaccounted(10) == []
        assert await round_.held() == [Held(task.lane, "w1", 1)]


async def test_unaccounted_in_order_and_bounded(acts: Acts) -> None:
    tasks = [await unaccounted(acts) for _ in range(3)]
    async with acts.round() as round_:
        assert [head.id for head in await round_.unaccounted(2)] == [task.id for task in tasks[:2]]


async def test_suspects_are_counted(acts: Acts) -> None:
    await acts.enlist()
    tasks = [await acts.submitted(crashes=crashes) for crashes in (0, 1, 2, 3)]
    await acts.admit(*tasks)
    async with acts.round() as round_:
        assert await round_.held() == [Held(tasks[0].lane, "w1", 4, suspects=2)]


async def test_workers_that_may_be_given_tasks(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist("lapsed")
    clock.advance(LEASE)
    fine = await acts.enlist("fine", queues=("a", "b"), capacity=3)
    for name in ("draining", "dead", "left"):
        await acts.enlist(name)
    await store.beat("draining", LEASE, draining=True)
    await store.bury("dead", at_once=True)
    await store.leave("left")
    await store.beat("fine", LEASE, ahead=2)
    async with acts.round() as round_:
        (worker,) = await round_.workers()
    assert (worker.id, worker.queues, worker.capacity, worker.ahead) == ("fine", ("a", "b"), 3, 2)
    assert (worker.name, worker.address, worker.version) == (fine.name, fine.address, fine.version)
    assert worker.lease_until == clock.now() + timedelta(seconds=LEASE)


# ── heads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_heads_in_the_order_they_should_run(acts: Acts, clock: FrozenClock) -> None:
    late = await acts.submitted(priority=0)
    low = await acts.submitted(priority=-1)
    clock.advance(10)
    high = await acts.submitted(priority=2)
    same_as_low_was = await acts.submitted(priority=-2)
    assert await heads(acts, late.lane) == [high.id, late.id, low.id, same_as_low_was.id]


async def test_the_same_moment_is_ordered_by_id(acts: Acts) -> None:
    tasks = [acts.task() for _ in range(5)]
    await acts.submit(*reversed(tasks))
    assert await heads(acts, tasks[0].lane) == [task.id for task in tasks]


async def test_as_many_heads_as_wanted_of_each_lane(acts: Acts) -> None:
    a = [await acts.submitted("a") for _ in range(4)]
    b = [await acts.submitted("b") for _ in range(2)]
    await acts.submitted("c")
    async with acts.round() as round_:
        found = await round_.heads({a[0].lane: 3, b[0].lane: 5, "none/": 1})
    assert {lane: [head.id for head in of_lane] for lane, of_lane in found.items()} == {
        a[0].lane: [task.id for task in a[:3]],
        b[0].lane: [task.id for task in b],
        "none/": [],
    }


async def test_heads_of_many_lanes(acts: Acts) -> None:
    tasks = [acts.task(concurrency_key=str(n)) for n in range(1000)]
    await acts.submit(*tasks)
    assert sorted(await heads(acts, *(task.lane for task in tasks), limit=1)) == sorted(task.id for task in tasks)


async def test_the_first_of_a_lane_is_the_first_that_may_start(acts: Acts, clock: FrozenClock) -> None:
    soon = clock.now() + timedelta(seconds=5)
    expired, good = await acts.submitted("a", expires_at=soon, priority=2), await acts.submitted("a")
    behind = await acts.submitted("a")
    alone = await acts.submitted("b", expires_at=soon)
    other = await acts.submitted("c")
    clock.advance(6)
    async with acts.round() as round_:
        found = await round_.heads({expired.lane: 1, alone.lane: 1, other.lane: 1})
        more = await round_.heads({expired.lane: 2, other.lane: 1})
    ids = {lane: [head.id for head in of_lane] for lane, of_lane in found.items()}
    assert ids == {expired.lane: [good.id], alone.lane: [], other.lane: [other.id]}
    assert [head.id for head in more[expired.lane]] == [good.id, behind.id]


async def test_only_waiting_tasks_are_heads(acts: Acts) -> None:
    task = await acts.running()
    await acts.submitted(run_in=10)
    assert await heads(acts, task.lane) == []
    assert await heads(acts, task.lane, limit=1) == []


async def test_keys_that_look_alike_are_different_lanes(acts: Acts) -> None:
    keys = ["abc", "ABC", "àbc", "abc ", " abc", "", None]
    tasks = [await acts.submitted(concurrency_key=key) for key in keys]
    assert len({task.lane for task in tasks}) == len(keys)
    for task in tasks:
        assert await heads(acts, task.lane) == [task.id]
    assert set(await heads(acts, *(task.lane for task in tasks), limit=1)) == {task.id for task in tasks}


# ── admit ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_admit(acts: Acts, clock: FrozenClock) -> None:
    task = await acts.submitted()
    clock.advance(1)
    assert await acts.admit(task) == [task.id]
    seen = await acts.see(task)
    assert (seen.status, seen.worker_id, seen.holds_slot) == (Status.QUEUED, "w1", True)
    assert seen.queued_at == seen.updated_at == clock.now()
    assert seen.attempt_count == 0


async def test_only_pending_tasks_are_admitted(acts: Acts) -> None:
    await acts.enlist("w2")
    pending, scheduled = await acts.submitted(), await acts.submitted(run_in=5)
    running, ended = await acts.running(on="w2"), await acts.completed()
    unknown = acts.task()
    assert await acts.admit(scheduled, pending, running, ended, unknown) == [pending.id]
    assert (await acts.see(running)).worker_id == "w2"
    assert await acts.status(scheduled) is Status.SCHEDULED
    assert await acts.status(ended) is Status.COMPLETED


async def test_admitting_twice_moves_once(acts: Acts) -> None:
    task = await acts.submitted()
    assert await acts.admit(task, to="w1") == [task.id]
    assert await acts.admit(task, to="w2") == []
    assert (await acts.see(task)).worker_id == "w1"


async def test_a_thousand_places_at_once(acts: Acts) -> None:
    tasks = [acts.task() for _ in range(1000)]
    await acts.submit(*tasks)
    async with acts.round() as round_:
        places = [(task.id, f"w{n % 3}") for n, task in enumerate(tasks)]
        assert await round_.admit(places) == [task.id for task in tasks]
        assert {h.worker_id: h.count for h in await round_.held()} == {"w0": 334, "w1": 333, "w2": 333}
    assert (await acts.see(tasks[4])).worker_id == "w1"


async def test_a_claimed_worker_name_is_only_text(acts: Acts) -> None:
    """Ids are ASCII, but nothing breaks if one has odd characters."""
    task = await acts.submitted()
    odd = new_id()[:20] + "'\"%_\\$[0]"
    await acts.admit(task, to=odd)
    assert (await acts.see(task)).worker_id == odd


async def test_the_configuration_version_rises_with_each_change(acts: Acts, store: AnyStore) -> None:
    async def version() -> int:
        async with acts.round() as round_:
            return round_.config_version

    versions = [await version()]
    await store.put_task_type(TaskType(name="a", runner="echo"))
    versions.append(await version())
    await store.put_connection(Connection(name="c", base_url="http://localhost", api_key="k"))
    versions.append(await version())
    await store.delete_task_type("a")
    versions.append(await version())
    await store.delete_connection("c")
    versions.append(await version())
    assert versions == sorted(set(versions))
    assert await version() == versions[-1]
    assert (await store.task_types())[0] == versions[-1]
