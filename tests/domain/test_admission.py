"""Admission: who may run now, and where. Caps, fairness, order, suspects, runs nobody accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from domain.system import System
from stores.acts import save_state
from tradefree.tasks.admit import MOST, Admission
from tradefree.tasks.outcome import Completed, DidNotWork
from tradefree.tasks.ports import Head
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import expire
from tradefree.testing.memory.leading import MemoryRound


async def drain(system: System, task: Task) -> None:
    """End an admitted task."""
    worker = (await system.see(task)).worker_id
    assert worker is not None
    (claimed,) = await system.claim(task, by=worker)
    await system.finish(claimed, Completed({}))


async def admitted(system: System) -> list[str]:
    """The ids one round admits, in the order of the rings."""
    return [id_ for ids in (await system.round()).by_worker.values() for id_ in ids]


async def crashed(system: System, task: Task, times: int) -> Task:
    """Mark a task as one that has crashed workers before."""
    system.store._tables.tasks[task.id].crashes = times
    return await system.see(task)


# ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_workers_nothing_is_admitted(system: System) -> None:
    await system.define()
    task = await system.submit()
    assert await admitted(system) == []
    assert await system.status(task) is Status.PENDING
    await system.worker()
    assert await admitted(system) == [task.id]


async def test_no_worker_gets_more_than_it_can_take(system: System) -> None:
    await system.define()
    await system.worker("small", 2)
    await system.worker("big", 5)
    tasks = [await system.submit() for _ in range(20)]
    result = await system.round()
    assert {worker: len(ids) for worker, ids in result.by_worker.items()} == {"small": 2, "big": 5}
    assert result.addresses == {"small": "queue.small", "big": "queue.big"}
    assert await admitted(system) == []
    await drain(system, tasks[0])
    assert len(await admitted(system)) == 1


async def test_a_worker_may_want_some_at_hand(system: System) -> None:
    await system.define()
    await system.worker("w1", 10)
    await system.store.beat("w1", 15, ahead=2)
    for _ in range(20):
        await system.submit()
    assert len(await admitted(system)) == 12


async def test_only_workers_that_serve_the_queue(system: System) -> None:
    await system.define("slow", queue="slow")
    await system.define("quick")
    await system.worker("w1", 3, ["default"])
    await system.worker("w2", 4, ["default", "slow"])
    slow = [await system.submit("slow") for _ in range(9)]
    quick = [await system.submit("quick") for _ in range(9)]
    result = await system.round()
    assert sum(len(ids) for ids in result.by_worker.values()) == 7
    assert not set(result.by_worker["w1"]) & {task.id for task in slow}
    assert set(result.by_worker["w1"]) <= {task.id for task in quick}


async def test_queues_that_share_workers_leave_nobody_behind(system: System) -> None:
    """Two queues may count on the same free places; who went away empty-handed must come first next time."""
    await system.define("a", queue="qa")
    await system.define("b", queue="qb")
    await system.worker("w1", 4, ["qa", "qb"])
    tasks = [await system.submit("a") for _ in range(8)] + [await system.submit("b") for _ in range(2)]
    ended: list[str] = []
    for _ in range(6):
        ids = await system.rounds()
        assert len(ids) <= 4
        ended += ids
        for task in tasks:
            if task.id in ids:
                await drain(system, task)
    assert sorted(ended) == sorted(task.id for task in tasks)


# ── caps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_cap_of_a_type(system: System) -> None:
    await system.define("capped", concurrency={"max_running": 3})
    await system.define("free")
    await system.worker("w1", 100)
    capped = [await system.submit("capped", concurrency_key=str(n)) for n in range(10)]
    free = [await system.submit("free") for _ in range(10)]
    ids = set(await admitted(system))
    assert len(ids & {task.id for task in capped}) == 3
    assert len(ids & {task.id for task in free}) == 10
    assert await admitted(system) == []
    await drain(system, next(task for task in capped if task.id in ids))
    assert len(await admitted(system)) == 1


async def test_the_cap_of_a_key(system: System) -> None:
    await system.define(concurrency={"max_running_per_key": 2})
    await system.worker("w1", 100)
    tasks = [await system.submit(concurrency_key=key) for key in "aaaabbbb" for _ in range(2)]
    ids = await admitted(system)
    keys = Counter(task.concurrency_key for task in tasks if task.id in ids)
    assert keys == {"a": 2, "b": 2}


async def test_both_caps_hold(system: System) -> None:
    await system.define(concurrency={"max_running": 3, "max_running_per_key": 2})
    await system.worker("w1", 100)
    for key in "abcd":
        for _ in range(5):
            await system.submit(concurrency_key=key)
    for _ in range(20):
        ids = await admitted(system)
        assert ids or system.store._tables.totals[("echo", Status.COMPLETED)] == 20
        in_flight = [task for task in system.store._tables.tasks.values() if task.holds_slot]
        assert len(in_flight) <= 3
        assert max(Counter(task.lane for task in in_flight).values(), default=0) <= 2
        for task_id in ids:
            await drain(system, system.store._tables.tasks[task_id])
    assert system.store._tables.totals[("echo", Status.COMPLETED)] == 20


async def test_keys_that_look_alike_do_not_share_a_cap(system: System) -> None:
    await system.define(concurrency={"max_running_per_key": 1})
    await system.worker("w1", 100)
    for key in ("abc", "ABC", "àbc", "abc ", None):
        for _ in range(3):
            await system.submit(concurrency_key=key)
    ids = await admitted(system)
    keys = Counter([system.store._tables.tasks[id_].concurrency_key for id_ in ids])
    assert keys == {"abc": 1, "ABC": 1, "àbc": 1, "abc ": 1, None: 3}


async def test_tasks_without_a_key_share_only_the_cap_of_their_type(system: System) -> None:
    await system.define(concurrency={"max_running": 4, "max_running_per_key": 1})
    await system.worker("w1", 100)
    for _ in range(6):
        await system.submit()
    await system.submit(concurrency_key="")
    await system.submit(concurrency_key="")
    ids = await admitted(system)
    keys = Counter([system.store._tables.tasks[id_].concurrency_key for id_ in ids])
    assert keys == {None: 3, "": 1}, "an empty key is a key"


async def test_caps_may_change_while_running(system: System) -> None:
    await system.define(concurrency={"max_running": 2})
    await system.worker("w1", 100)
    tasks = [await system.submit(concurrency_key=str(n)) for n in range(10)]
    first = await admitted(system)
    assert len(first) == 2
    await system.define(concurrency={"max_running": 5})
    assert len(await admitted(system)) == 3
    await system.define(concurrency={"max_running": 1})
    assert await admitted(system) == []
    kept = [task for task in tasks if await system.status(task) is Status.QUEUED]
    assert [task.id for task in kept] == [tasks[0].id], "what has not begun goes back in line, the last first"
    await drain(system, kept[0])
    assert len(await admitted(system)) == 1
    await system.define()
    assert len(await admitted(system)) == 8


async def test_a_type_that_is_gone_while_its_lane_is_parked_stops_nobody(system: System) -> None:
    await system.define("gone", concurrency={"max_running": 1})
    await system.define("stays")
    await system.worker()
    running, waiting = await system.submit("gone"), await system.submit("gone")
    assert await admitted(system) == [running.id]
    await system.control.cancel(waiting.id)
    await drain(system, running)
    await system.store.delete_task_type("gone")
    system.catalog.forget()
    task = await system.submit("stays")
    assert await admitted(system) == [task.id]


async def test_tasks_of_an_undefined_type_wait_until_it_is_defined(system: System) -> None:
    await system.define()
    await system.worker()
    task = await system.submit()
    del system.store._tables.task_types["echo"]
    system.store._tables.config_version += 1
    system.catalog.forget()
    assert await admitted(system) == []
    await system.define()
    assert await admitted(system) == [task.id]


# ── order and fairness ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_inside_a_lane_by_priority_and_age(system: System) -> None:
    await system.define()
    await system.worker("w1", 1)
    tasks = {}
    for name, priority in (("old", 0), ("low", -5), ("high", 5)):
        tasks[name] = await system.submit(priority=priority)
    system.clock.advance(31)
    await system.beat("w1")
    tasks["late but higher"] = await system.submit(priority=4)
    tasks["late"] = await system.submit(priority=0)
    order = []
    while ids := await admitted(system):
        (name,) = [name for name, task in tasks.items() if task.id == ids[0]]
        order.append(name)
        await drain(system, tasks[name])
    assert order == ["high", "late but higher", "old", "late", "low"]


async def test_lanes_take_turns_whatever_their_length(system: System) -> None:
    await system.define()
    await system.worker("w1", 4)
    for _ in range(50):
        await system.submit(concurrency_key="long")
    for key in ("b", "c", "d"):
        for _ in range(3):
            await system.submit(concurrency_key=key)
    for _ in range(3):
        ids = await admitted(system)
        keys = Counter(system.store._tables.tasks[id_].concurrency_key for id_ in ids)
        assert keys == {"long": 1, "b": 1, "c": 1, "d": 1}
        for task_id in ids:
            await drain(system, system.store._tables.tasks[task_id])


async def test_places_that_short_lanes_leave_go_to_the_long_in_the_same_round(system: System) -> None:
    await system.define()
    await system.worker("w1", 10)
    for _ in range(20):
        await system.submit(concurrency_key="long")
    await system.submit(concurrency_key="short")
    ids = await admitted(system)
    assert len(ids) == len(set(ids)) == 10


async def test_a_lane_with_a_task_now_and_then_is_not_behind(system: System) -> None:
    """Whatever else waits, it gets one of the next places, and it is not charged for turns it did not use."""
    await system.define()
    await system.worker("w1", 10)
    for _ in range(300):
        await system.submit(concurrency_key="long")
    for _ in range(10):
        rare = await system.submit(concurrency_key="rare")
        ids = await admitted(system)
        assert rare.id in ids
        for task_id in ids:
            await drain(system, system.store._tables.tasks[task_id])


async def test_many_lanes_one_place_nobody_starves(system: System) -> None:
    await system.define()
    await system.worker("w1", 1)
    for n in range(60):
        await system.submit(concurrency_key=str(n % 20))
    seen: list[str | None] = []
    for _ in range(60):
        (task_id,) = await admitted(system)
        task = system.store._tables.tasks[task_id]
        seen.append(task.concurrency_key)
        await drain(system, task)
    for start in range(0, 60, 20):
        assert len(set(seen[start : start + 20])) == 20


async def test_a_lane_heard_of_while_it_is_found_empty_is_not_forgotten(system: System) -> None:
    """A submit may be committed after the heads were read and before they were looked at."""
    await system.define()
    await system.worker()
    lane = "echo/"
    admission = Admission()
    admission.configure(await system.catalog.book())
    admission.hear([lane])
    epoch = await system.store.lead("x", 3.0)
    assert epoch is not None

    class Late(MemoryRound):
        async def heads(self, wanted: Mapping[str, int]) -> dict[str, list[Head]]:
            found = await super().heads(wanted)
            admission.hear([lane])
            return found

    await admission.run(Late(system.store._tables), system.clock.now())
    task = await system.submit()
    async with system.store.round("x", epoch, 3.0) as round_:
        result = await admission.run(round_, system.clock.now())
    assert result.by_worker == {"w1": [task.id]}


async def test_a_round_is_bounded_and_asks_for_another(system: System) -> None:
    await system.define()
    await system.worker("w1", 10_000)
    for n in range(3):
        await system.submit_many(MOST // 2, concurrency_key=str(n))
    result = await system.round()
    assert sum(len(ids) for ids in result.by_worker.values()) == MOST
    assert result.more
    assert len(await admitted(system)) == MOST // 2
    assert not (await system.round()).more


async def test_a_quiet_round_asks_for_nothing(system: System) -> None:
    await system.define()
    await system.worker()
    result = await system.round()
    assert (result.by_worker, result.overdue, result.next_due, result.more) == ({}, [], None, False)


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_due_tasks_are_woken_and_admitted_in_one_round(system: System) -> None:
    await system.define()
    await system.worker()
    task = await system.submit(delay=60.0)
    result = await system.round()
    assert result.next_due == task.run_at
    system.clock.advance(60)
    await system.beat("w1")
    assert await system.rounds() == [task.id]


async def test_what_has_expired_is_not_started_although_there_is_room(system: System) -> None:
    """A service that was down for an hour must not begin with what nobody wants any more."""
    await system.define()
    expiring, other = await system.submit(expires_in=60.0), await system.submit()
    behind = await system.submit(expires_in=61.0, concurrency_key="k")
    system.clock.advance(3600)
    await system.worker()
    assert await system.rounds() == [other.id]
    for task in (expiring, behind):
        seen = await system.see(task)
        assert (seen.status, seen.error_code) == (Status.FAILED, "expired")


async def test_many_expired_at_once(system: System) -> None:
    await system.define()
    tasks = await system.submit_many(MOST + 5, expires_in=60.0)
    good = await system.submit()
    system.clock.advance(61)
    await system.worker("w1", 10_000)
    assert await system.rounds() == [good.id]
    assert {await system.status(task) for task in tasks} == {Status.FAILED}


async def test_expiry_alone_wakes_the_dispatcher(system: System) -> None:
    await system.define()
    task = await system.submit(expires_in=5.0)
    result = await system.round()
    assert result.next_due == task.expires_at
    system.clock.advance(5)
    assert (await system.round()).overdue == [task.id]
    assert await system.status(task) is Status.FAILED
    assert (await system.round()).next_due is None


async def test_a_task_admitted_in_time_does_not_expire(system: System) -> None:
    await system.define()
    await system.worker()
    task = await system.submit(expires_in=5.0)
    await system.round()
    system.clock.advance(10)
    await system.round()
    assert await system.store.decide([task.id], lambda t: expire(t, system.clock.now())) == []
    assert await system.status(task) is Status.QUEUED


# ── suspects ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_suspect_runs_alone(system: System) -> None:
    await system.define()
    await system.worker("w1", 5)
    suspect = await crashed(system, await system.submit(), 2)
    others = [await system.submit() for _ in range(5)]
    assert await admitted(system) == [suspect.id]
    assert await admitted(system) == []
    await drain(system, suspect)
    assert sorted(await admitted(system)) == [task.id for task in others]


async def test_one_crash_is_no_suspicion(system: System) -> None:
    await system.define()
    await system.worker("w1", 5)
    tasks = [await crashed(system, await system.submit(), 1) for _ in range(3)]
    assert sorted(await admitted(system)) == [task.id for task in tasks]


@pytest.mark.parametrize("key", ["long", "other"], ids=["same lane", "own lane"])
async def test_a_suspect_is_not_starved_by_a_stream_of_others(system: System, key: str) -> None:
    """No worker is ever empty by itself under load: one is kept free until it is."""
    await system.define()
    await system.worker("w1", 3)
    await system.worker("w2", 3)
    running: list[str] = []
    suspect: Task | None = None
    for _ in range(10):
        await system.submit(concurrency_key="long")
    for turn in range(40):
        await system.submit(concurrency_key="long")
        if turn == 5:
            suspect = await crashed(system, await system.submit(concurrency_key=key, priority=100), 2)
        running += await system.rounds()
        if suspect is not None and suspect.id in running:
            worker = (await system.see(suspect)).worker_id
            assert [t for t in system.store._tables.tasks.values() if t.worker_id == worker] == [
                await system.see(suspect)
            ]
            return
        await drain(system, await system.see(system.store._tables.tasks[running.pop(0)]))
    pytest.fail("the suspect never ran")


async def test_others_go_on_where_they_can_while_a_suspect_waits(system: System) -> None:
    await system.define()
    await system.worker("w1", 3)
    await system.worker("w2", 3)
    busy = [await system.submit() for _ in range(2)]
    assert len(await admitted(system)) == 2
    suspect = await crashed(system, await system.submit(concurrency_key="s"), 2)
    others = [await system.submit(concurrency_key="o") for _ in range(6)]
    ids = await system.rounds()
    assert len(ids) == 2
    assert suspect.id not in ids
    workers = {(await system.see(task)).worker_id for task in busy[:1] + [t for t in others if t.id in ids]}
    assert len(workers) <= 2


# ── runs nobody could account for ───────────────────────────────────────────────────────────────────────────────────


async def orphan(system: System, type_: str = "agent", **values: Any) -> Task:
    """A task whose worker died while its run may go on."""
    task = await system.running(type_, **values)
    await save_state(system.store, task.id, 1, "w1", {"run": "r"})
    await system.store.bury("w1", at_once=True)
    await system.recovery.rescue([task.id])
    return await system.see(task)


async def test_a_run_nobody_accounted_for_counts_in_every_limit(system: System) -> None:
    await system.define("agent", runner="resumable", concurrency={"max_running": 1})
    await system.worker("w1")
    lost = await orphan(system)
    other = await system.submit("agent", priority=100)
    assert await admitted(system) == []
    await system.worker("w2")
    assert await admitted(system) == [lost.id]
    assert await system.status(other) is Status.PENDING
    (claimed,) = await system.claim(lost, by="w2")
    assert claimed.runner_state == {"run": "r"}
    await system.finish(claimed, Completed({}))
    assert await admitted(system) == [other.id]


async def test_it_goes_before_all_others_and_needs_no_new_room(system: System) -> None:
    await system.define("agent", runner="resumable", concurrency={"max_running": 1})
    await system.define()
    await system.worker("w1")
    lost = await orphan(system)
    urgent = [await system.submit(priority=100) for _ in range(5)]
    await system.worker("w2", 1)
    assert await admitted(system) == [lost.id]
    assert {await system.status(task) for task in urgent} == {Status.PENDING}


async def test_a_run_that_failed_unresolved_holds_its_place_while_it_waits(system: System) -> None:
    await system.define("agent", runner="resumable", concurrency={"max_running": 1})
    await system.worker()
    task = await system.running("agent")
    await system.finish(task, DidNotWork("lost", "Lost.", retryable=True, unresolved=True))
    other = await system.submit("agent")
    assert await admitted(system) == []
    system.clock.advance(10)
    await system.beat("w1")
    assert await admitted(system) == [task.id]
    assert await system.status(other) is Status.PENDING
