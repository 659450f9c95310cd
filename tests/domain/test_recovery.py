"""Recovery: the dead are buried without haste, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.system import System
from stores.acts import save_state
from tradefree.tasks.ports import Decide
from tradefree.tasks.recover import BATCH, CLAIM_WITHIN, GAP, LEASE, SILENCE, rules_of
from tradefree.tasks.states import Status
from tradefree.tasks.task import AttemptOutcome, Task, WorkerStatus
from tradefree.tasks.transitions import YOUNG, Change, Rules
from tradefree.tasks.types import TaskType


async def well_for(system: System, seconds: float, *alive: str) -> int:
    """A leader's rounds succeed for so long, it looks after the dead every second, and these workers beat.

    The number of tasks moved.
    """
    moved = 0
    for _ in range(int(seconds)):
        system.recovery.round_succeeded()
        system.clock.advance(1)
        await system.beat(*alive)
        system.recovery.round_succeeded()
        moved += await system.recovery.run()
    return moved


def jump(system: System, seconds: float) -> None:
    """The wall clock is set; no time has passed."""
    system.clock._now += timedelta(seconds=seconds)


async def dead(system: System) -> set[str]:
    return {worker.id for worker, _ in await system.store.all_workers() if worker.status is WorkerStatus.DEAD}


@pytest.fixture
async def echo(system: System) -> TaskType:
    return await system.define()


@pytest.mark.usefixtures("echo")
async def test_a_dead_workers_tasks_get_another_chance(system: System) -> None:
    for name in ("w1", "w2", "w3"):
        await system.worker(name)
    lost, fine = await system.running(by="w1"), await system.running(by="w2")
    queued = await system.submit()
    await system.place(queued, by="w1")
    assert await well_for(system, LEASE + SILENCE, "w2", "w3") == 2
    assert await dead(system) == {"w1"}
    assert await system.status(lost) is Status.PENDING
    assert await system.status(queued) is Status.PENDING
    assert await system.status(fine) is Status.PROCESSING
    (attempt,) = await system.store.attempts(lost.id)
    assert attempt.outcome is AttemptOutcome.LOST
    assert (await system.see(lost)).crashes == 1
    assert (await system.see(queued)).crashes == 0
    assert await system.recovery.run() == 0


@pytest.mark.usefixtures("echo")
async def test_nobody_is_buried_before_a_lease_of_good_rounds(system: System) -> None:
    """A database that was away makes every lease run out."""
    for name in ("w1", "w2", "w3"):
        await system.worker(name)
    system.clock.advance(LEASE * 4)
    await system.beat("w2", "w3")
    for _ in range(3):
        await well_for(system, LEASE + SILENCE - 1, "w2", "w3")
        assert await dead(system) == set()
        system.recovery.round_failed()
    await well_for(system, LEASE + SILENCE, "w2", "w3")
    assert await dead(system) == {"w1"}


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("stood_still", [LEASE, LEASE * 10])
async def test_a_leader_that_stood_still_waits_anew(system: System, stood_still: float) -> None:
    """A call that hung, a machine that slept: perhaps the beats hung with it. No round failed, and yet."""
    await system.worker("w1")
    await well_for(system, LEASE * 2, "w1")
    system.clock.advance(stood_still)
    await well_for(system, LEASE + SILENCE - 1)
    assert await dead(system) == set()
    await well_for(system, 1)
    assert await dead(system) == {"w1"}


@pytest.mark.usefixtures("echo")
async def test_who_was_late_before_the_leader_stood_still_is_waited_for_anew(system: System) -> None:
    for name in ("w1", "w2", "w3"):
        await system.worker(name)
    await well_for(system, LEASE + SILENCE - 1, "w2", "w3")
    system.clock.advance(GAP + 0.1)
    await well_for(system, LEASE + SILENCE - 1, "w2", "w3")
    assert await dead(system) == set()
    await well_for(system, 1, "w2", "w3")
    assert await dead(system) == {"w1"}


@pytest.mark.usefixtures("echo")
async def test_a_wall_clock_that_jumps_kills_nobody(system: System) -> None:
    """Leases are wall time: a jump makes everybody late until the next beat."""
    await system.worker("w1")
    task = await system.running()
    for _ in range(3):
        await well_for(system, LEASE, "w1")
        jump(system, 3600)
        assert await well_for(system, SILENCE) == 0
        assert [worker.id for worker in await system.store.lapsed()] == ["w1"]
        await system.beat("w1")
    assert await dead(system) == set()
    assert await system.status(task) is Status.PROCESSING


@pytest.mark.usefixtures("echo")
async def test_silence_is_counted_from_when_a_worker_was_seen_late(system: System) -> None:
    """However long ago its lease ran out: the leader may not have looked."""
    await system.worker("w1")
    for _ in range(int(LEASE)):  # rounds without a look
        system.recovery.round_succeeded()
        system.clock.advance(3)
    await well_for(system, SILENCE)
    assert await dead(system) == set()
    await well_for(system, 1)
    assert await dead(system) == {"w1"}


@pytest.mark.usefixtures("echo")
async def test_over_half_of_the_workers_at_once_get_a_lease_more(system: System) -> None:
    for number in range(5):
        await system.worker(f"w{number}")
    await well_for(system, LEASE * 2 - 1, "w0", "w1")
    assert await dead(system) == set()
    await well_for(system, 1, "w0", "w1")
    assert await dead(system) == {"w2", "w3", "w4"}


@pytest.mark.usefixtures("echo")
async def test_workers_that_come_back_meanwhile_are_spared(system: System) -> None:
    for number in range(5):
        await system.worker(f"w{number}")
    await well_for(system, LEASE * 2 - 1, "w0", "w1")
    await well_for(system, LEASE, "w0", "w1", "w2", "w3")
    assert await dead(system) == {"w4"}


@pytest.mark.usefixtures("echo")
async def test_the_waiting_begins_anew_when_many_are_late_again(system: System) -> None:
    for number in range(3):
        await system.worker(f"w{number}")
    await well_for(system, LEASE * 2 - 1, "w0")
    await well_for(system, 2, "w0", "w1", "w2")
    await well_for(system, LEASE * 2 - 1, "w0")
    assert await dead(system) == set()
    await well_for(system, 1, "w0")
    assert await dead(system) == {"w1", "w2"}


@pytest.mark.usefixtures("echo")
async def test_half_is_not_over_half(system: System) -> None:
    await system.worker("w1")
    await system.worker("w2")
    await well_for(system, LEASE + SILENCE - 1, "w2")
    assert await dead(system) == set()
    await well_for(system, 1, "w2")
    assert await dead(system) == {"w1"}


@pytest.mark.usefixtures("echo")
async def test_the_only_worker_is_not_waited_for_twice(system: System) -> None:
    await system.worker("w1")
    task = await system.running()
    assert await well_for(system, LEASE + SILENCE - 1) == 0
    assert await well_for(system, 1) == 1
    assert await system.status(task) is Status.PENDING


@pytest.mark.usefixtures("echo")
async def test_who_beats_between_the_look_and_the_burial_lives(system: System) -> None:
    await system.worker("w1")
    await well_for(system, LEASE + SILENCE - 1)
    assert await system.recovery._to_bury() == []
    system.clock.advance(1)
    (late,) = await system.recovery._to_bury()
    await system.beat("w1")
    assert not await system.store.bury(late.id)


@pytest.mark.usefixtures("echo")
async def test_what_nobody_claims_goes_back_in_line(system: System) -> None:
    await system.worker("w1")
    task = await system.submit()
    await system.round()
    assert await well_for(system, CLAIM_WITHIN, "w1") == 0
    system.clock.advance(0.001)
    assert await system.recovery.run() == 1
    assert await system.status(task) is Status.PENDING
    assert await system.claim(task) == []


@pytest.mark.usefixtures("echo")
async def test_a_task_claimed_at_the_last_moment_stays_where_it_is(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at what nobody claimed and the move, the worker may have claimed it after all."""
    await system.worker("w1")
    task = await system.submit()
    await system.round()
    assert await well_for(system, CLAIM_WITHIN, "w1") == 0
    system.clock.advance(0.001)
    original = system.store.decide

    async def claimed_first(ids: Sequence[str], choose: Decide, **_: Any) -> list[Change]:
        assert len(await system.claim(task)) == 1
        return await original(ids, choose)

    monkeypatch.setattr(system.store, "decide", claimed_first)
    assert await system.recovery.run() == 0
    seen = await system.see(task)
    assert (seen.status, seen.worker_id, seen.crashes) == (Status.PROCESSING, "w1", 0)


@pytest.mark.usefixtures("echo")
async def test_a_leader_that_stood_still_takes_nothing_from_a_worker_it_has_never_seen(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked who is gone. Meanwhile another leads, a new worker comes, and that one performs the task."""
    await system.worker("w1")
    task = await system.running()
    await system.store.bury("w1", at_once=True)
    decide = system.store.decide

    async def after_standing_still(ids: Sequence[str], choose: Decide, **_: Any) -> list[Change]:
        monkeypatch.setattr(system.store, "decide", decide)
        assert await system.recovery.run() == 1, "the other leader's"
        await system.worker("w2")
        await system.place(task, by="w2")
        assert await system.claim(task, by="w2")
        return await decide(ids, choose)

    monkeypatch.setattr(system.store, "decide", after_standing_still)
    assert await system.recovery.run() == 0
    seen = await system.see(task)
    assert (seen.status, seen.worker_id, seen.attempt_count) == (Status.PROCESSING, "w2", 2)


@pytest.mark.usefixtures("echo")
async def test_more_orphans_than_one_transaction_takes(system: System) -> None:
    await system.worker("w1", 2000)
    tasks = await system.submit_many(BATCH * 2 + 10)
    await system.round()
    await system.store.bury("w1", at_once=True)
    assert await system.recovery.run() == len(tasks)
    assert {await system.status(task) for task in tasks} == {Status.PENDING}


@pytest.mark.usefixtures("echo")
async def test_all_are_buried_at_once_where_nobody_can_be_alive(system: System) -> None:
    await system.worker("w1")
    await system.worker("w2")
    tasks = [await system.running(by="w1"), await system.running(by="w2")]
    assert await system.recovery.bury_all() == 2
    assert await dead(system) == {"w1", "w2"}
    assert {await system.status(task) for task in tasks} == {Status.PENDING}


async def test_three_crashes_are_enough(system: System) -> None:
    await system.define()
    task = await system.submit()
    for crash in (1, 2, 3):
        worker = f"w{crash}"
        await system.worker(worker)
        await system.place(task, by=worker)
        await system.claim(task, by=worker)
        await system.store.bury(worker, at_once=True)
        assert await system.recovery.run() == 1
        assert (await system.see(task)).crashes == crash
    seen = await system.see(task)
    assert (seen.status, seen.error_code, seen.attempt_count) == (Status.FAILED, "poison", 3)
    assert len(await system.store.attempts(task.id)) == 3


async def test_a_run_that_gave_a_sign_of_life_is_innocent(system: System) -> None:
    await system.define("agent", runner="resumable")
    task = await system.submit("agent")
    for number in range(1, 6):
        worker = f"w{number}"
        await system.worker(worker)
        await system.place(task, by=worker)
        await system.claim(task, by=worker)
        await save_state(system.store, task.id, number, worker, {"run": 1, "saved_by": number})
        await system.store.bury(worker, at_once=True)
        await system.recovery.run()
    seen = await system.see(task)
    assert (seen.status, seen.crashes, seen.holds_slot) == (Status.PENDING, 0, True)
    assert seen.runner_state == {"run": 1, "saved_by": 5}


async def test_a_sign_of_life_of_an_earlier_attempt_proves_nothing(system: System) -> None:
    await system.define("agent", runner="resumable")
    task = await system.submit("agent")
    for number in (1, 2):
        worker = f"w{number}"
        await system.worker(worker)
        await system.place(task, by=worker)
        await system.claim(task, by=worker)
        if number == 1:
            await save_state(system.store, task.id, number, worker, {"run": 1, "saved_by": number})
        await system.store.bury(worker, at_once=True)
        await system.recovery.run()
        assert (await system.see(task)).crashes == number - 1


@pytest.mark.usefixtures("echo")
async def test_what_ran_on_beside_the_culprit_is_innocent(system: System) -> None:
    """The youngest may have killed the worker; how long it lay dead makes nobody older or younger."""
    for name in ("w1", "w2", "w3"):
        await system.worker(name)
    old = await system.running()
    await well_for(system, 1, "w1", "w2", "w3")
    young = await system.running()
    await well_for(system, YOUNG.total_seconds() - 1, "w1", "w2", "w3")  # until the last beat
    last = await system.running()
    assert await well_for(system, LEASE + SILENCE, "w2", "w3") == 3
    assert [(await system.see(task)).crashes for task in (old, young, last)] == [0, 1, 1]


@pytest.mark.usefixtures("echo")
async def test_who_left_alive_was_killed_by_nobody(system: System) -> None:
    await system.worker("w1")
    task, queued = await system.running(), await system.submit()
    await system.place(queued)
    await system.store.leave("w1")
    assert await system.recovery.run() == 2
    seen = await system.see(task)
    assert (seen.status, seen.crashes) == (Status.PENDING, 0)
    assert await system.status(queued) is Status.PENDING
    (attempt,) = await system.store.attempts(task.id)
    assert attempt.outcome is AttemptOutcome.LOST


async def test_rescued_tasks_wake_the_dispatcher(system: System) -> None:
    await system.define()
    await system.worker("w1")
    task: Task = await system.running()
    await system.store.bury("w1", at_once=True)
    await system.recovery.run()
    assert {"lanes": [task.lane]} in system.signals.on("dispatch")


def test_rules_of_a_type() -> None:
    task_type = TaskType(name="a", runner="resumable", max_deferral=5.0)
    rules = rules_of(task_type, frozenset({"resumable"}))
    assert (rules.retry, rules.max_deferral, rules.resumable) == (task_type.retry, 5.0, True)
    assert not rules_of(task_type, frozenset()).resumable
    assert rules_of(None, frozenset({"resumable"})) == Rules()
