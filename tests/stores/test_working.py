"""The worker's units: lease, claim, saved state, log."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from stores.acts import LEASE, Acts, save_state
from stores.engines import AnyStore
from tradefree.ids import new_id
from tradefree.tasks.outcome import Completed, HandBack
from tradefree.tasks.ports import Entry
from tradefree.tasks.states import Status
from tradefree.tasks.task import WorkerStatus
from tradefree.tasks.transitions import Rules, cancel, lose
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock

# ── lease ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_enlist(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    worker = await acts.enlist(name="工人 1", queues=("default", "slow"), capacity=500)
    ((found, number),) = await store.all_workers()
    assert found.lease_until == clock.now() + timedelta(seconds=LEASE)
    assert (found.name, found.queues, found.capacity) == ("工人 1", ("default", "slow"), 500)
    assert (found.status, found.ahead, found.started_at) == (WorkerStatus.LIVE, 0, worker.started_at)
    assert number == 0


async def test_enlisting_again_is_harmless(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    await acts.enlist()
    assert len(await store.all_workers()) == 1


async def test_a_beat_extends_the_lease(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    clock.advance(LEASE - 1)
    beat = await store.beat("w1", LEASE, ahead=3)
    assert (beat.alive, beat.status, beat.queued, beat.cancels) == (True, "live", (), ())
    clock.advance(LEASE - 1)
    assert await store.lapsed() == []
    ((found, _),) = await store.all_workers()
    assert found.ahead == 3
    await store.beat("w1", LEASE)
    ((found, _),) = await store.all_workers()
    assert found.ahead == 0


async def test_a_late_beat_before_anyone_noticed_keeps_the_worker(
    acts: Acts, store: AnyStore, clock: FrozenClock
) -> None:
    await acts.enlist()
    clock.advance(LEASE * 3)
    assert (await store.beat("w1", LEASE)).alive
    assert not await store.bury("w1")


async def test_the_dead_are_told_so(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    await store.bury("w1", at_once=True)
    for _ in range(2):
        beat = await store.beat("w1", LEASE)
        assert (beat.alive, beat.status, beat.queued) == (False, "dead", ())
    assert not (await store.beat("nobody", LEASE)).alive


async def test_draining_lasts(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    assert (await store.beat("w1", LEASE, draining=True)).status == "draining"
    assert (await store.beat("w1", LEASE)).status == "draining"
    async with acts.round() as round_:
        assert await round_.workers() == []


async def test_a_beat_brings_the_news(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist("w1")
    await acts.enlist("w2")
    wanted, other = await acts.running(), await acts.running(on="w2")
    calm = await acts.running()
    second, first = await acts.submitted(priority=0), await acts.submitted(priority=5)
    await acts.admit(first, second)
    await acts.admit(await acts.submitted(), to="w2")
    for task in (wanted, other):
        await store.decide([task.id], lambda t: cancel(t, clock.now()))
    beat = await store.beat("w1", LEASE)
    assert beat.queued == (first.id, second.id)
    assert beat.cancels == (wanted.id,)
    assert calm.id not in beat.cancels


async def test_a_beat_tells_of_changed_definitions(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    before = (await store.beat("w1", LEASE)).config_version
    await store.put_task_type(TaskType(name="a", runner="echo"))
    after = (await store.beat("w1", LEASE)).config_version
    assert after > before
    assert after == (await store.task_types())[0]


async def test_leaving_makes_orphans(acts: Acts, store: AnyStore) -> None:
    queued = await acts.submitted()
    running = await acts.running()
    await acts.admit(queued)
    await store.leave("w1")
    await store.leave("w1")
    ((worker, _),) = await store.all_workers()
    assert worker.status is WorkerStatus.LEFT
    assert not (await store.beat("w1", LEASE)).alive
    left = set(await store.orphans(10, 30))
    assert running.id in left
    assert queued.id in left or await acts.status(queued) is Status.PENDING


# ── claim ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_claim(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    task = await acts.submitted(input_data={"order": "甲"}, labels={"a": "b"}, timeout=3.5)
    await acts.admit(task)
    clock.advance(1.5)
    (claimed,) = await acts.claim(task)
    assert claimed == await acts.see(task)
    assert (claimed.status, claimed.attempt_count, claimed.worker_id) == (Status.PROCESSING, 1, "w1")
    assert claimed.started_at == claimed.updated_at == clock.now()
    assert (claimed.input_data, claimed.labels, claimed.timeout) == ({"order": "甲"}, {"a": "b"}, 3.5)
    assert claimed.holds_slot
    line = (await store.logs(task.id, limit=10))[-1]
    assert (line.event, line.attempt, line.created_at) == ("attempt.started", 1, clock.now())
    assert line.data == {"worker": "w1", "waited": "1.50"}
    assert "1.50 s" in line.message


async def test_the_same_token_claims_the_same_tasks(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    tasks = [await acts.submitted(input_data={"n": n}) for n in range(3)]
    await acts.admit(*tasks)
    first = await acts.claim(*tasks, token="t")
    second = await acts.claim(*tasks, token="t")
    assert sorted(first, key=lambda t: t.id) == sorted(second, key=lambda t: t.id)
    assert [task.attempt_count for task in second] == [1, 1, 1]
    assert len(await store.logs(tasks[0].id, limit=10)) == 2


async def test_another_token_claims_nothing_of_it(acts: Acts) -> None:
    await acts.enlist()
    task = await acts.submitted()
    await acts.admit(task)
    assert len(await acts.claim(task, token="t")) == 1
    assert await acts.claim(task, token="u") == []
    assert (await acts.see(task)).attempt_count == 1


async def test_only_queued_tasks_of_this_worker_are_claimed(acts: Acts) -> None:
    await acts.enlist("w1")
    await acts.enlist("w2")
    pending, scheduled, theirs = await acts.submitted(), await acts.submitted(run_in=9), await acts.submitted()
    ended = await acts.completed()
    await acts.admit(theirs, to="w2")
    assert await acts.claim(pending, scheduled, theirs, ended, acts.task(), by="w1") == []
    assert await acts.claim(by="w1") == []
    assert await acts.status(theirs) is Status.QUEUED
    assert [task.id for task in await acts.claim(theirs, by="w2")] == [theirs.id]


@pytest.mark.parametrize("end", ["bury", "leave"])
async def test_the_dead_claim_nothing(acts: Acts, store: AnyStore, end: str) -> None:
    await acts.enlist()
    task = await acts.submitted()
    await acts.admit(task)
    await (store.bury("w1", at_once=True) if end == "bury" else store.leave("w1"))
    assert await acts.claim(task) == []
    assert (await acts.see(task)).attempt_count == 0


async def test_a_draining_worker_may_claim_what_was_queued_for_it(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    task = await acts.submitted()
    await acts.admit(task)
    await store.beat("w1", LEASE, draining=True)
    assert [claimed.id for claimed in await acts.claim(task)] == [task.id]


async def test_an_old_token_does_not_bring_back_what_has_moved_on(acts: Acts) -> None:
    await acts.enlist()
    task = await acts.submitted()
    await acts.admit(task)
    (claimed,) = await acts.claim(task, token="t")
    await acts.finish(claimed, Completed({}))
    assert await acts.claim(task, token="t") == []
    other = await acts.submitted()
    await acts.admit(other)
    (claimed,) = await acts.claim(other, token="t1")
    await acts.finish(claimed, HandBack())
    assert await acts.claim(other, token="t1") == []
    await acts.admit(other)
    (again,) = await acts.claim(other, token="t2")
    assert again.attempt_count == 2
    assert await acts.claim(other, token="t1") == []


async def test_a_task_is_claimed_once_whoever_asks(acts: Acts) -> None:
    await acts.enlist("w1")
    await acts.enlist("w2")
    tasks = [await acts.submitted() for _ in range(20)]
    await acts.admit(*tasks[::2], to="w1")
    await acts.admit(*tasks[1::2], to="w2")
    answers = await asyncio.gather(*(acts.claim(*tasks, by=f"w{n % 2 + 1}") for n in range(10)))
    claimed = [task for answer in answers for task in answer]
    assert sorted(task.id for task in claimed) == sorted(task.id for task in tasks)
    assert {task.attempt_count for task in claimed} == {1}


async def test_a_thousand_claims_at_once(acts: Acts) -> None:
    await acts.enlist()
    tasks = [acts.task(input_data={"n": n}) for n in range(1000)]
    await acts.submit(*tasks)
    await acts.admit(*tasks)
    claimed = await acts.claim(*tasks)
    assert {task.id: task.input_data for task in claimed} == {task.id: task.input_data for task in tasks}


async def test_attempts_are_counted_on_over_lost_ones(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.running()
    for number in (1, 2, 3):
        assert task.attempt_count == number
        await store.decide([task.id], lambda t: lose(t, Rules(resumable=True), clock.now()))
        if number < 3:
            await acts.admit(task)
            (task,) = await acts.claim(task)
    assert [attempt.number for attempt in await store.attempts(task.id)] == [1, 2, 3]


# ── state and log ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_save_state(acts: Acts, store: AnyStore) -> None:
    task = await acts.running()
    state = {"run": "r", "用户": ["甲", {"x": None}]}
    assert await save_state(store, task.id, 1, "w1", state)
    assert (await acts.see(task)).runner_state == state
    assert await save_state(store, task.id, 1, "w1", {})
    assert (await acts.see(task)).runner_state == {}
    assert await save_state(store, task.id, 1, "w1", {}), "the same again is no loss"


@pytest.mark.parametrize(("attempt", "worker"), [(2, "w1"), (0, "w1"), (1, "w2")])
async def test_a_state_of_another_attempt_or_worker_is_refused(
    acts: Acts, store: AnyStore, attempt: int, worker: str
) -> None:
    task = await acts.running()
    assert not await save_state(store, task.id, attempt, worker, {"run": "r"})
    assert (await acts.see(task)).runner_state is None


async def test_a_state_of_a_task_that_is_not_performed_is_refused(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    queued, ended = await acts.submitted(), await acts.completed()
    await acts.admit(queued)
    assert not await save_state(store, queued.id, 0, "w1", {"run": "r"})
    assert not await save_state(store, ended.id, 1, "w1", {"run": "r"})
    assert not await save_state(store, new_id(), 1, "w1", {"run": "r"})


async def test_a_saved_state_survives_the_worker(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.running()
    await save_state(store, task.id, 1, "w1", {"run": "r"})
    await store.decide([task.id], lambda t: lose(t, Rules(resumable=True), clock.now()))
    await acts.enlist("w2")
    await acts.admit(task, to="w2")
    (again,) = await acts.claim(task, by="w2")
    assert again.runner_state == {"run": "r"}


async def test_append_logs(acts: Acts, store: AnyStore) -> None:
    one, two = await acts.submitted(), await acts.submitted()
    await store.append_logs(
        [
            acts.line(one, "第一步 📦", "debug", event="node.started", attempt=3, data={"节点": [1, None, "x"]}),
            acts.line(two, "x" * 100_000, "warning"),
            acts.line(one, "", "error", data={}),
        ]
    )
    await store.append_logs([])
    _, first, second = await store.logs(one.id, limit=10)
    assert (first.level, first.message, first.event) == ("debug", "第一步 📦", "node.started")
    assert (first.attempt, first.data, first.created_at) == (3, {"节点": [1, None, "x"]}, acts.clock.now())
    assert (second.level, second.message, second.data) == ("error", "", {})
    _, long = await store.logs(two.id, limit=10)
    assert len(long.message) == 100_000


async def test_lines_appended_again_are_there_once(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task, other = await acts.submitted(), await acts.submitted()
    lines = [acts.line(task, "one"), acts.line(task, "two"), acts.line(other, "one")]
    await store.append_logs(lines[:2])
    clock.advance(0.000001)
    await store.append_logs([*lines, acts.line(task, "one")], again=True)
    assert [line.message for line in (await store.logs(task.id, limit=10))[1:]] == ["one", "two", "one"]
    assert [line.message for line in (await store.logs(other.id, limit=10))[1:]] == ["one"]
    await store.append_logs(lines[:2])
    assert len(await store.logs(task.id, limit=10)) == 6


async def test_a_repeated_claim_that_finds_more_tells_each_start_once(acts: Acts, store: AnyStore) -> None:
    """The answer was lost, and meanwhile another task was admitted that had been asked for, too."""
    await acts.enlist()
    one, two = await acts.submitted(), await acts.submitted()
    await acts.admit(one)
    assert len(await acts.claim(one, two, token="t")) == 1
    await acts.admit(two)
    assert len(await acts.claim(one, two, token="t")) == 2
    for task in (one, two):
        events = [line.event for line in await store.logs(task.id, limit=10)]
        assert events == ["task.accepted", "attempt.started"]


# ── drained by a person ─────────────────────────────────────────────────────────────────────────────────────────────


def drained(clock: FrozenClock, worker_id: str) -> Entry:
    return Entry(new_id(), clock.now(), "ann", "worker.drain", f"worker:{worker_id}")


async def test_a_drained_worker_hears_of_it_and_gets_nothing_more(
    acts: Acts, store: AnyStore, clock: FrozenClock
) -> None:
    task = await acts.running()
    other = await acts.enlist("w2")
    worker = await store.drain_worker("w1", drained(clock, "w1"))
    assert worker is not None
    assert (worker.id, worker.status) == ("w1", WorkerStatus.DRAINING)
    async with acts.round() as round_:
        assert [live.id for live in await round_.workers()] == [other.id]
    beat = await store.beat("w1", LEASE)
    assert (beat.alive, beat.status) == (True, WorkerStatus.DRAINING)
    assert [change.status for change in await acts.finish(task, Completed("x"))] == [Status.COMPLETED]
    assert [entry.target for entry in await store.audit(limit=9)] == ["worker:w1"]


async def test_who_is_not_live_is_not_drained(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    assert await store.drain_worker("w1", drained(clock, "w1")) is None
    await acts.enlist()
    await store.drain_worker("w1", drained(clock, "w1"))
    await store.drain_worker("w1", drained(clock, "w1"))
    await store.leave("w1")
    worker = await store.drain_worker("w1", drained(clock, "w1"))
    assert worker is not None
    assert worker.status is WorkerStatus.LEFT
    assert len(await store.audit(limit=9)) == 1
