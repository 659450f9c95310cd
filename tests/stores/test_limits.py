"""Limits in the store: what is defined, what is changed, what rates and ceilings remember, who waits."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.errors import BacklogFull, Conflict
from tradefree.ids import new_id
from tradefree.limits.caps import Caps, Mode, Override
from tradefree.limits.scopes import EVERYTHING, Scope
from tradefree.tasks.ports import Accepted, Backlog, Entry, Submission
from tradefree.tasks.states import Status
from tradefree.tasks.task import Pressure, Task, lane_of
from tradefree.tasks.transitions import cancel, unqueue
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.clock import FrozenClock

SHARED = Scope("limit", "shared")
LANE = Scope("lane", lane_of("echo", "customer 1"))


def entry(clock: FrozenClock, target: str = "limit:shared", action: str = "limit.pause") -> Entry:
    return Entry(new_id(), clock.now(), "ann", action, target, {"after": {"mode": "paused"}})


# ── definitions and changes ─────────────────────────────────────────────────────────────────────────────────────────


async def test_baselines_are_kept_and_raise_the_version(store: AnyStore) -> None:
    before = await store.config_version()
    assert await store.put_baseline(SHARED, Caps(max_running=3, rate="5/s"))
    assert not await store.put_baseline(SHARED, Caps(max_running=3, rate="5/s")), "nothing changed"
    assert await store.put_baseline(EVERYTHING, Caps(max_pending=100))
    assert await store.config_version() == before + 2
    found = await store.limits()
    assert found.baselines == {SHARED: Caps(max_running=3, rate="5/s"), EVERYTHING: Caps(max_pending=100)}
    assert await store.put_baseline(EVERYTHING, None)
    assert set((await store.limits()).baselines) == {SHARED}


async def test_a_shared_limit_that_a_type_points_to_stays(store: AnyStore) -> None:
    await store.put_baseline(SHARED, Caps(max_running=3))
    await store.put_task_type(TaskType(name="echo", runner="echo", limits=("shared",)))
    with pytest.raises(Conflict, match="echo"):
        await store.put_baseline(SHARED, None)
    await store.delete_task_type("echo")
    assert await store.put_baseline(SHARED, None)


async def test_an_override_stands_beside_the_baseline_and_is_written_down(store: AnyStore, clock: FrozenClock) -> None:
    await store.put_baseline(SHARED, Caps(max_running=3))
    override = Override(
        values={"max_running": None, "rate": "1/s"},
        until=clock.now() + timedelta(hours=1),
        mode=Mode.PAUSED,
        by="ann",
        at=clock.now(),
        reason="ünicode 原因",
        label="limit:shared",
    )
    first = entry(clock)
    assert await store.put_override(SHARED, override, first)
    assert not await store.put_override(SHARED, override, entry(clock)), "nothing changed, so nothing is written down"
    found = await store.limits()
    assert found.overrides == {SHARED: override}
    assert found.baselines == {SHARED: Caps(max_running=3)}
    assert await store.put_override(SHARED, None, entry(clock, action="limit.reset"))
    assert (await store.limits()).overrides == {}
    assert [line.action for line in await store.audit(limit=10)] == ["limit.reset", "limit.pause"]
    assert (await store.audit(limit=10))[-1] == first


async def test_the_trail_is_read_page_by_page_and_by_target(store: AnyStore, clock: FrozenClock) -> None:
    lines = [entry(clock, target) for target in ("a", "b", "a", "a")]
    for number, line in enumerate(lines):
        await store.put_override(SHARED, Override(values={"max_running": number + 1}), line)
    newest = await store.audit(limit=2)
    assert [line.id for line in newest] == [lines[3].id, lines[2].id]
    assert [line.id for line in await store.audit(limit=2, before_id=newest[-1].id)] == [lines[1].id, lines[0].id]
    assert [line.id for line in await store.audit(limit=9, target="a")] == [lines[n].id for n in (3, 2, 0)]


async def test_a_connection_keeps_its_caps(store: AnyStore) -> None:
    connection = Connection(
        name="bot", base_url="http://dify/v1", api_key="k", max_running=5, rate="1/s", burst=3, adaptive=False
    )
    await store.put_connection(connection)
    assert (await store.connections())["bot"] == connection


# ── what rounds remember ────────────────────────────────────────────────────────────────────────────────────────────


async def test_windows_and_ceilings_are_kept_with_the_round(acts: Acts) -> None:
    now = int(acts.clock.now().timestamp() * 1_000_000)
    async with acts.round() as round_:
        assert await round_.windows() == {}
        assert await round_.ceilings() == {}
        await round_.keep_windows({SHARED: now, LANE: now + 5})
        await round_.keep_ceilings({"bot": {"level": 7}})
    async with acts.round() as round_:
        await round_.keep_windows({LANE: now + 9})
        await round_.keep_ceilings({"bot": {"level": 3}})
    with suppress(RuntimeError):
        async with acts.round() as round_:
            await round_.keep_windows({LANE: now + 99})
            raise RuntimeError
    async with acts.round() as round_:
        assert await round_.windows() == {SHARED: now, LANE: now + 9}
        assert await round_.ceilings() == {"bot": {"level": 3}}


async def test_a_start_that_came_to_nothing_is_told_once(acts: Acts) -> None:
    await acts.enlist()
    first, second, begun = [await acts.submitted(concurrency_key="customer 1") for _ in range(3)]
    async with acts.round() as round_:
        await round_.admit([(task.id, "w1") for task in (first, second, begun)])
    await acts.store.claim("w1", [begun.id], "token")
    now = acts.clock.now()
    await acts.store.decide([first.id], lambda task: unqueue(task, now, "because."))
    await acts.store.decide([second.id], lambda task: cancel(task, now))
    await acts.store.decide([begun.id], lambda task: cancel(task, now))
    async with acts.round() as round_:
        assert await round_.refunds() == {first.lane: 2}
    async with acts.round() as round_:
        assert await round_.refunds() == {}


async def test_what_was_admitted_and_not_begun_the_last_first(acts: Acts) -> None:
    await acts.enlist()
    tasks = [await acts.submitted(concurrency_key="customer 1") for _ in range(4)]
    other = await acts.submitted("other")
    async with acts.round() as round_:
        await round_.admit([(task.id, "w1") for task in (*tasks, other)])
    await acts.store.claim("w1", [tasks[0].id], "token")
    async with acts.round() as round_:
        found = await round_.queued([tasks[0].lane], 2)
        assert found == [(tasks[3].id, tasks[0].lane), (tasks[2].id, tasks[0].lane)]
        assert len(await round_.queued([tasks[0].lane, other.lane], 9)) == 4


async def test_a_beat_tells_how_connections_do(acts: Acts) -> None:
    await acts.enlist()
    seen = {"bot": Pressure(heard=5, refused=2, down=1, silent=3)}
    await acts.store.beat("w1", 15, pressure=seen)
    await acts.store.beat("w1", 15)
    async with acts.round() as round_:
        (worker,) = await round_.workers()
    assert worker.pressure == seen


# ── backlogs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def outcome(result: Accepted | Exception) -> str:
    return result.scope if isinstance(result, BacklogFull) else type(result).__name__


async def test_no_more_wait_than_may(acts: Acts) -> None:
    backlog = Backlog(Scope("type", "echo"), 3, types=("echo",))

    async def submit(*tasks: Task) -> list[str]:
        return [outcome(o) for o in await acts.store.submit([Submission(t, backlogs=(backlog,)) for t in tasks])]

    assert await submit(*(acts.task() for _ in range(5))) == ["Accepted"] * 3 + ["type:echo"] * 2
    assert await submit(acts.task(run_in=60)) == ["type:echo"], "what is not yet due waits, too"
    await acts.submitted("echo2")
    await acts.enlist()
    async with acts.round() as round_:
        heads = await round_.heads({"echo/": 1})
        await round_.admit([(heads["echo/"][0].id, "w1")])
    assert await submit(acts.task(), acts.task()) == ["Accepted", "type:echo"]


async def test_each_scope_has_its_own_backlog(acts: Acts) -> None:
    lane = Backlog(LANE, 1, lane=LANE.name)
    all_ = Backlog(EVERYTHING, 3)
    mine = [acts.task(concurrency_key="customer 1") for _ in range(2)]
    others = [acts.task(concurrency_key="customer 2") for _ in range(3)]
    submissions = [Submission(task, backlogs=(all_, lane)) for task in mine]
    submissions += [Submission(task, backlogs=(all_,)) for task in others]
    found = [outcome(o) for o in await acts.store.submit(submissions)]
    assert found == ["Accepted", str(LANE), "Accepted", "Accepted", "everything"]


async def test_a_repeat_needs_no_room(acts: Acts) -> None:
    backlog = Backlog(Scope("type", "echo"), 1, types=("echo",))
    first = Submission(acts.task(), "key", "hash", (backlog,))
    again = Submission(acts.task(), "key", "hash", (backlog,))
    await acts.store.submit([first])
    (repeated,) = await acts.store.submit([again])
    assert isinstance(repeated, Accepted)
    assert repeated.replayed


# ── how things stand ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_how_things_stand(acts: Acts) -> None:
    await acts.enlist()
    await acts.running()
    await acts.submitted(concurrency_key="customer 1")
    await acts.submitted("other")
    async with acts.round() as round_:
        await round_.keep_ceilings({"bot": {"level": 7}})
    standing = await acts.store.standing()
    assert sum(held.count for held in standing.held) == 1
    assert dict(standing.waiting) == {"echo": 1, "other": 1}
    assert [worker.id for worker in standing.workers] == ["w1"]
    assert dict(standing.ceilings) == {"bot": {"level": 7}}


async def test_the_place_in_the_lane(acts: Acts, clock: FrozenClock) -> None:
    tasks = [await acts.submitted(concurrency_key="customer 1") for _ in range(4)]
    await acts.submitted(concurrency_key="customer 2")
    clock.advance(1)
    urgent = await acts.submitted(concurrency_key="customer 1", priority=1)
    assert [await acts.store.ahead_of(task, 1000) for task in tasks] == [1, 2, 3, 4]
    assert await acts.store.ahead_of(urgent, 1000) == 0
    assert await acts.store.ahead_of(tasks[3], 2) == 2
    assert await acts.status(tasks[0]) is Status.PENDING
