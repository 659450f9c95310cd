"""Sums for charts: what happened, where in the log that stands, and what is kept of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.outcome import Completed, DidNotWork
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.series import DAY, MINUTE, Cell, Happening, Place, Scale, begin_of
from tradefree.tasks.task import LogLine, Usage
from tradefree.tasks.transitions import cancel
from tradefree.testing.clock import FrozenClock

COST = Usage(total_tokens=12, price=Decimal("0.0030"), currency="USD")


async def test_what_the_log_tells(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    began = clock.now()
    task = await acts.submitted("a")
    await acts.enlist()
    clock.advance(4.25)
    await acts.admit(task)
    (claimed,) = await acts.claim(task)
    clock.advance(2.5)
    failed_at = clock.now()
    no = DidNotWork("nope", "No.", retryable=True, usage=COST)
    await acts.finish(claimed, no, retry=RetryPolicy(initial=1.0))
    waits = await acts.submitted("a")
    await store.decide([waits.id], lambda t: cancel(t, clock.now()))
    await store.append_logs([LogLine(task.id, clock.now(), "info", "working")])
    clock.advance(0.5)
    await store.decide([task.id], lambda t: cancel(t, clock.now()))
    found = sorted(await store.happened(0, await store.newest_line()), key=lambda one: (one.at, one.event))
    assert found == [
        Happening(began, "task.accepted", "a"),
        Happening(failed_at, "attempt.failed", "a", found[1].waited, 2.5, 12, Decimal("0.0030"), "USD"),
        Happening(failed_at, "task.accepted", "a"),
        Happening(failed_at, "task.cancelled", "a"),
        Happening(clock.now(), "task.cancelled", "a"),
    ], "what an attempt cost counts when it ends, and only then"


async def test_how_long_a_task_waited_and_ran(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.submitted("a")
    await acts.enlist()
    clock.advance(4.25)
    await acts.admit(task)
    (claimed,) = await acts.claim(task)
    clock.advance(2.5)
    await acts.finish(claimed, Completed("x", COST))
    _, ended = sorted(await store.happened(0, await store.newest_line()), key=lambda one: one.at)
    assert (ended.waited, ended.ran, ended.tokens) == (4.25, 2.5, 12)


async def test_only_between_the_marks_and_no_deliveries(acts: Acts, store: AnyStore) -> None:
    await acts.completed("a")
    first = await store.newest_line()
    await acts.completed("b")
    await acts.completed(CALLBACK)
    last = await store.newest_line()
    assert {happening.type for happening in await store.happened(first, last)} == {"b"}
    assert {happening.type for happening in await store.happened(0, first)} == {"a"}
    assert await store.happened(last, last) == []


async def test_the_mark_moves_with_the_sums_and_from_where_it_stands(store: AnyStore, clock: FrozenClock) -> None:
    at = begin_of(clock.now(), DAY)
    place, other = Place(DAY, at, "a"), Place(DAY, at, "b")
    one = Cell(1, 2, 3, 4, 5, {"USD": Decimal("0.10")}, Counter({7: 2}), Counter({-1: 1, 8: 3}))
    assert await store.tallied() is None
    assert not await store.tally(0, 10, {place: one})
    assert await store.tally(None, 5, {})
    assert not await store.tally(None, 6, {place: one})
    assert await store.tally(5, 10, {place: one})
    assert not await store.tally(5, 10, {place: one}), "a repeat adds nothing"
    assert await store.tallied() == 10
    assert await store.tally(10, 11, {place: one, other: one})
    scale = Scale(DAY, DAY, at, at + timedelta(days=1))
    twice = Cell(2, 4, 6, 8, 10, {"USD": Decimal("0.20")}, Counter({7: 4}), Counter({-1: 2, 8: 6}))
    assert await store.series(scale, None) == {place: twice, other: one}
    assert await store.series(scale, ["b", "c"]) == {other: one}
    assert await store.series(scale, []) == {}


async def test_a_chart_has_its_own_stretches_only(store: AnyStore, clock: FrozenClock) -> None:
    at = begin_of(clock.now(), DAY)
    minutes = [at + timedelta(minutes=n) for n in range(4)]
    cells = {Place(MINUTE, minute, "a"): Cell(accepted=n) for n, minute in enumerate(minutes)}
    await store.tally(None, 1, {**cells, Place(DAY, at, "a"): Cell(accepted=9)})
    found = await store.series(Scale(MINUTE, MINUTE, minutes[1], minutes[3]), None)
    assert {place.at: cell.accepted for place, cell in found.items()} == {minutes[1]: 1, minutes[2]: 2}
    assert await store.forget_cells(MINUTE, minutes[2]) == 2
    found = await store.series(Scale(MINUTE, MINUTE, at, at + timedelta(days=1)), None)
    assert [place.at for place in found] == minutes[2:]
    assert len(await store.series(Scale(DAY, DAY, at, at + timedelta(days=1)), None)) == 1


async def test_the_line_of_a_moment(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    assert await store.line_at(clock.now()) == 0
    moments, newest = [], []
    for _ in range(9):
        moments.append(clock.now())
        await acts.submitted()
        newest.append(await store.newest_line())
        clock.advance(10)
    for number, moment in enumerate(moments):
        assert await store.line_at(moment) == ([0, *newest])[number]
    assert await store.line_at(clock.now()) == newest[-1]
