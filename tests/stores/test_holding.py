"""What held tasks, kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from stores.engines import AnyStore
from tradefree.tasks.waits import Cause, Stretch
from tradefree.testing.clock import START, FrozenClock

FULL = Cause("full", "connection:main")


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def stretch(began: float, ended: float, name: str = "a", cause: Cause = FULL) -> Stretch:
    return Stretch(name, at(began), at(ended), cause)


async def test_what_is_kept_comes_back_as_it_was(store: AnyStore) -> None:
    kept = [stretch(0.25, 10.5), stretch(20, 30, cause=Cause("no_worker", "queue:" + "q" * 63))]
    await store.keep_stretches(kept)
    await store.keep_stretches([stretch(0, 50, "b")])
    await store.keep_stretches([])
    assert await store.stretches("a", at(0), at(100), 10) == kept
    assert await store.stretches("A", at(0), at(100), 10) == []


async def test_a_stretch_that_goes_on_is_the_same(store: AnyStore) -> None:
    for ended in (5, 9, 9):
        await store.keep_stretches([stretch(0, ended), stretch(2, ended, "b")])
    assert await store.stretches("a", at(0), at(100), 10) == [stretch(0, 9)]


async def test_those_that_touch_a_time(store: AnyStore) -> None:
    kept = [stretch(10 * number, 10 * number + 8) for number in range(10)]
    await store.keep_stretches([*kept, stretch(0, 1000, "b")])
    assert await store.stretches("a", at(35), at(62), 10) == kept[3:7]
    assert await store.stretches("a", at(39), at(60), 10) == kept[4:6], "they end when they were last seen"
    assert await store.stretches("a", at(-50), at(5), 10) == kept[:1]
    assert await store.stretches("a", at(35), at(95), 3) == kept[3:6]
    assert await store.stretches("a", at(200), at(300), 10) == []


async def test_the_last_of_each_type_that_may_go_on(store: AnyStore) -> None:
    now = 100
    other = replace(stretch(90, 99), cause=Cause("paused", "everything"))
    await store.keep_stretches([stretch(70, 80), other, stretch(0, 97, "b"), stretch(0, 60, "c")])
    found = await store.open_stretches(at(now - 30))
    assert sorted(found, key=lambda one: one.type) == [other, stretch(0, 97, "b")]


async def test_old_ones_are_deleted(store: AnyStore, clock: FrozenClock) -> None:
    await store.keep_stretches([stretch(0, 10), stretch(20, 30), stretch(0, 30, "b")])
    assert await store.forget_stretches(at(30)) == 1
    assert await store.stretches("a", at(0), at(100), 10) == [stretch(20, 30)]
    assert await store.forget_stretches(at(31)) == 2
    assert await store.stretches("b", at(0), at(100), 10) == []
