"""Leadership: one dispatcher at a time, and never two inside a round."""

from __future__ import annotations

import asyncio

import pytest

from stores.acts import TTL, Acts
from stores.engines import AnyStore
from tradefree.database.stores import leading
from tradefree.errors import LeadershipLost
from tradefree.tasks.states import Status
from tradefree.testing.clock import FrozenClock


async def test_one_leads_and_the_other_does_not(store: AnyStore) -> None:
    assert await store.lead("a", TTL) is not None
    assert await store.lead("b", TTL) is None


async def test_the_leader_may_ask_again(store: AnyStore, clock: FrozenClock) -> None:
    await store.lead("a", TTL)
    clock.advance(TTL - 1)
    epoch = await store.lead("a", TTL)
    clock.advance(TTL - 1)
    assert await store.lead("b", TTL) is None
    assert epoch is not None
    async with store.round("a", epoch, TTL):
        pass


async def test_a_leader_that_is_silent_is_replaced(store: AnyStore, clock: FrozenClock) -> None:
    first = await store.lead("a", TTL)
    clock.advance(TTL + 0.001)
    second = await store.lead("b", TTL)
    assert first is not None
    assert second is not None
    assert second > first


async def test_rounds_keep_the_leader_leading(store: AnyStore, clock: FrozenClock) -> None:
    epoch = await store.lead("a", TTL)
    assert epoch is not None
    for _ in range(10):
        clock.advance(TTL * 0.4)
        async with store.round("a", epoch, TTL):
            pass
        assert await store.lead("b", TTL) is None


async def test_a_slow_leader_that_nobody_replaced_leads_on(store: AnyStore, clock: FrozenClock) -> None:
    epoch = await store.lead("a", TTL)
    assert epoch is not None
    clock.advance(TTL * 10)
    async with store.round("a", epoch, TTL):
        pass
    assert await store.lead("b", TTL) is None


async def test_the_former_leader_cannot_enter_a_round(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    epoch = await store.lead("a", TTL)
    assert epoch is not None
    clock.advance(TTL + 1)
    await store.lead("b", TTL)
    with pytest.raises(LeadershipLost):
        async with store.round("a", epoch, TTL):
            pytest.fail("entered")


async def test_an_old_epoch_of_the_same_holder_is_refused(store: AnyStore, clock: FrozenClock) -> None:
    old = await store.lead("a", TTL)
    assert old is not None
    clock.advance(TTL + 1)
    await store.lead("b", TTL)
    clock.advance(TTL + 1)
    new = await store.lead("a", TTL)
    assert new is not None
    assert new > old
    with pytest.raises(LeadershipLost):
        async with store.round("a", old, TTL):
            pytest.fail("entered")


async def test_nobody_leads_without_asking(store: AnyStore) -> None:
    with pytest.raises(LeadershipLost):
        async with store.round("a", 0, TTL):
            pytest.fail("entered")


async def test_who_resigns_is_replaced_at_once(store: AnyStore) -> None:
    epoch = await store.lead("a", TTL)
    assert epoch is not None
    await store.resign("a")
    assert await store.lead("b", TTL) is not None
    with pytest.raises(LeadershipLost):
        async with store.round("a", epoch, TTL):
            pytest.fail("entered")


async def test_only_the_leader_can_resign(store: AnyStore) -> None:
    await store.lead("a", TTL)
    await store.resign("b")
    assert await store.lead("b", TTL) is None
    await store.resign("a")
    await store.resign("a")


async def test_many_ask_and_one_leads(store: AnyStore) -> None:
    epochs = await asyncio.gather(*(store.lead(f"holder {n}", TTL) for n in range(20)))
    assert len([epoch for epoch in epochs if epoch is not None]) == 1


async def test_a_round_that_breaks_wrote_nothing(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await acts.enlist()
    task, later = await acts.submitted(), await acts.submitted(run_in=5)
    clock.advance(6)

    async def broken_round() -> None:
        async with acts.round() as round_:
            assert await round_.wake_due(10)
            assert await round_.admit([(task.id, "w1"), (later.id, "w1")]) == [task.id, later.id]
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await broken_round()
    assert await acts.status(task) is Status.PENDING
    assert await acts.status(later) is Status.SCHEDULED


async def test_no_two_are_inside_a_round_together(acts: Acts, store: AnyStore) -> None:
    """Both rounds admit up to a cap of one after they looked how many are in flight."""
    await acts.enlist()
    tasks = [await acts.submitted() for _ in range(10)]
    epoch = await store.lead("leader", TTL)
    assert epoch is not None

    async def round_for(task_id: str) -> int:
        async with store.round("leader", epoch, TTL) as round_:
            held = sum(h.count for h in await round_.held())
            await asyncio.sleep(0)
            return len(await round_.admit([(task_id, "w1")])) if held < 1 else 0

    admitted = await asyncio.gather(*(round_for(task.id) for task in tasks))
    assert sum(admitted) == 1


async def test_others_see_a_round_only_when_it_is_over(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    task = await acts.submitted()
    async with acts.round() as round_:
        await round_.admit([(task.id, "w1")])
        assert await acts.status(task) is Status.PENDING
    assert await acts.status(task) is Status.QUEUED


async def test_waiting_lanes(acts: Acts, store: AnyStore) -> None:
    await acts.enlist()
    await acts.submit(
        *(acts.task("a", concurrency_key=key) for key in ("1", "1", "2", "ABC", "abc", "àbc", "abc ")),
        acts.task("b"),
        acts.task("c", run_in=60),
    )
    busy = await acts.running("d")
    ended = await acts.completed("e")
    lanes = await store.waiting_lanes()
    wanted = {acts.task("a", concurrency_key=key).lane for key in ("1", "2", "ABC", "abc", "àbc", "abc ")}
    assert len(wanted) == 6
    assert set(lanes) == wanted | {acts.task("b").lane}
    assert len(lanes) == len(set(lanes))
    assert busy.lane not in lanes
    assert ended.lane not in lanes


async def test_waiting_lanes_over_many_pages(acts: Acts, store: AnyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One lane is longer than a page, others share one."""
    monkeypatch.setattr(leading, "LANES_PAGE", 3)
    tasks = [acts.task("a", concurrency_key=key) for key in "1111111222233456789"]
    await acts.submit(*tasks, acts.task("b"))
    assert sorted(await store.waiting_lanes()) == sorted({task.lane for task in tasks} | {"b/"})


async def test_no_waiting_lanes(store: AnyStore) -> None:
    assert await store.waiting_lanes() == []
