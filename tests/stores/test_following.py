"""The log of all tasks as one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from stores.acts import Acts
from stores.engines import AnyStore
from tradefree.database.stores import following
from tradefree.tasks.ports import LineFilter, Moved
from tradefree.tasks.task import LogLine
from tradefree.testing.clock import FrozenClock


async def test_every_move_is_found_in_order_and_once(acts: Acts, store: AnyStore) -> None:
    assert await store.newest_line() == 0
    assert await store.moved(0, 10) == []
    first = await acts.submitted(submitted_by="ann")
    second = await acts.completed()
    found = await store.moved(0, 100)
    assert [move.line_id for move in found] == sorted({move.line_id for move in found})
    assert found[0] == Moved(found[0].line_id, first.id, first.type, "ann")
    assert {move.task_id for move in found} == {first.id, second.id}
    assert await store.newest_line() == found[-1].line_id
    assert await store.moved(found[0].line_id, 1) == [found[1]]
    assert await store.moved(found[-1].line_id, 10) == []


async def test_a_task_that_is_gone_has_no_type(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    await store.append_logs([LogLine("gone", clock.now(), "info", "x")])
    task = await acts.submitted()
    assert [(move.task_id, move.type) for move in await store.moved(0, 10)] == [("gone", ""), (task.id, task.type)]


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def messages(store: AnyStore, *, newest_first: bool = False, limit: int = 100, **wanted: Any) -> list[str]:
    """What lines say that match, page by page."""
    found: list[str] = []
    behind: int | None = None
    while True:
        page = await store.lines(
            LineFilter(**wanted),
            limit=limit,
            behind=behind,
            newest_first=newest_first,
        )
        found += [line.message for line, _ in page.lines]
        assert (page.next_id is None) == (page.reached is None)
        if page.next_id is None:
            return found
        behind = page.next_id


async def some_lines(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    """Of two tasks, ten seconds apart: 0 to 5."""
    ann, bob = await acts.submitted("a", submitted_by="ann"), await acts.submitted("b", submitted_by="bob")
    levels = ("debug", "info", "warning", "error", "info", "info")
    for number, level in enumerate(levels):
        clock.advance(10)
        task = bob if number % 2 else ann
        await store.append_logs([LogLine(task.id, clock.now(), level, f"Line {number}.", data={"n": number})])


@pytest.fixture(params=[50_000, 3, 1])
def stretch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little of the log is read at a time."""
    monkeypatch.setattr(following, "MANY", request.param)
    monkeypatch.setattr(following, "SOME", request.param)


@pytest.mark.parametrize("limit", [100, 2, 1])
async def test_lines_of_all_tasks_in_both_orders(
    acts: Acts, store: AnyStore, clock: FrozenClock, stretch: None, limit: int
) -> None:
    assert await messages(store, limit=limit) == []
    await some_lines(acts, store, clock)
    everything = ["Accepted.", "Accepted.", *(f"Line {n}." for n in range(6))]
    written = [line for line in everything if line != "Accepted."]
    assert (await messages(store, limit=limit))[-6:] == written
    assert (await messages(store, limit=limit, newest_first=True))[:6] == written[::-1]


async def test_which_lines(acts: Acts, store: AnyStore, clock: FrozenClock, stretch: None) -> None:
    began = clock.now()
    await some_lines(acts, store, clock)

    def at(seconds: float) -> datetime:
        return began + timedelta(seconds=seconds)

    lines = [f"Line {n}." for n in range(6)]
    for newest_first in (False, True):

        async def found(newest_first: bool = newest_first, **wanted: Any) -> list[str]:
            said = await messages(store, newest_first=newest_first, **wanted)
            return [line for line in (said[::-1] if newest_first else said) if line in lines]

        assert await found(since=at(30)) == lines[2:]
        assert await found(until=at(30)) == lines[:2]
        assert await found(since=at(10.5), until=at(40.5)) == lines[1:4]
        assert await found(since=at(1000)) == await found(until=at(-1000)) == []
        assert await found(level="warning") == lines[2:4]
        assert await found(text="LINE 4") == [lines[4]]
        assert await found(text="%") == await found(text="_ine") == []
        assert await found(types=("a",)) == lines[::2]
        assert await found(types=("a", "b")) == lines
        assert await found(types=()) == []
        assert await found(submitted_by="bob") == lines[1::2]
        assert await found(submitted_by="bob", types=("a",)) == []


async def test_a_line_comes_whole_with_the_type_of_its_task(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    task = await acts.submitted("a")
    line = LogLine(task.id, clock.now(), "warning", "é 安", "x.y", 3, {"payload": {"a": 1}})
    await store.append_logs([line, LogLine("gone", clock.now(), "info", "x")])
    page = await store.lines(LineFilter(), limit=10, newest_first=True)
    (gone, no_type), (found, type_) = page.lines[:2]
    assert (gone.task_id, no_type) == ("gone", "")
    assert type_ == "a"
    assert (found.task_id, found.level, found.message, found.event, found.attempt, found.data, found.created_at) == (
        line.task_id,
        line.level,
        line.message,
        line.event,
        line.attempt,
        line.data,
        line.created_at,
    )


async def test_one_tasks_lines_by_text_and_time(acts: Acts, store: AnyStore, clock: FrozenClock) -> None:
    began = clock.now()
    await some_lines(acts, store, clock)
    ((line, _),) = (await store.lines(LineFilter(text="Line 0"), limit=1, newest_first=False)).lines
    said = [found.message for found in await store.logs(line.task_id, limit=9, text="lINE")]
    assert said == ["Line 0.", "Line 2.", "Line 4."]
    later = await store.logs(line.task_id, limit=9, since=began + timedelta(seconds=30))
    assert [found.message for found in later] == ["Line 2.", "Line 4."]
