"""What a page hears: tasks that moved, numbers, beats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.clock import SystemClock
from tradefree.errors import Unauthorized
from tradefree.service import watch as watching
from tradefree.service.callers import Caller
from tradefree.service.live import LiveStream, Numbers, Pace
from tradefree.service.watch import Watch
from tradefree.tasks.ports import Moved
from tradefree.tasks.states import Status
from tradefree.testing.memory import MemoryStore

QUICK = Pace(beat=30, tick=0.001, stats=0, recount=30)
EVERYTHING = Caller("k", "ann", payloads=True)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


class Page:
    """Reads a stream, event by event, with a deadline."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def next(self, name: str | None = None) -> Any:
        """The data of the next event, of this name if one is given."""
        while True:
            chunk = (await asyncio.wait_for(anext(self._chunks), 10)).decode()
            fields = dict(line.split(": ", 1) for line in chunk.strip().split("\n") if line)
            if name is None or fields["event"] == name:
                return json.loads(fields["data"])


@asynccontextmanager
async def page(
    world: World,
    caller: Caller = EVERYTHING,
    *,
    topics: frozenset[str] = frozenset({"tasks", "stats"}),
    pace: Pace = QUICK,
    watch: Watch | None = None,
    closing: asyncio.Event | None = None,
    still_good: Any = None,
) -> AsyncIterator[Page]:
    async def good() -> None: ...

    stream = LiveStream(
        world.system,
        watch or Watch(world.system.store, look=0.001),
        Numbers(world.system),
        caller,
        closing or asyncio.Event(),
        still_good or good,
        topics=topics,
        pace=pace,
    )
    async with aclosing(stream.events()) as chunks:  # type: ignore[type-var]
        opened = Page(chunks)
        assert "now" in await opened.next("hello")
        yield opened


async def submit(world: World, **fields: Any) -> str:
    return str((await world.api.post(f"{API}/tasks", json={"type": "echo", **fields})).json()["id"])


async def ids_until(opened: Page, wanted: set[str]) -> set[str]:
    """What a page is told until all of these were named."""
    found: set[str] = set()
    while not wanted <= found:
        told = await opened.next("tasks")
        assert told["more"] is False
        found |= set(told["ids"])
    return found


async def test_a_page_is_told_which_tasks_move(world: World) -> None:
    old = await submit(world)
    async with page(world, topics=frozenset({"tasks"})) as opened:
        await opened_at(world, opened)
        tasks = {await submit(world), await submit(world)}
        assert await ids_until(opened, tasks) == tasks
        await world.move(old, Status.PROCESSING)
        assert await ids_until(opened, {old}) == {old}


async def opened_at(world: World, opened: Page) -> None:
    """Return once the page has heard of something: what was before is passed."""

    async def tell() -> None:
        while True:
            await submit(world)
            await asyncio.sleep(0.01)

    telling = asyncio.create_task(tell())
    await opened.next("tasks")
    telling.cancel()
    await asyncio.wait([telling])
    last = await submit(world)
    await ids_until(opened, {last})


async def test_numbers_come_at_once_and_when_they_change(world: World) -> None:
    async with page(world, topics=frozenset({"stats"})) as opened:
        assert (await opened.next("stats"))["total"] == 0
        watched = asyncio.create_task(opened.next("stats"))
        while not watched.done():
            await submit(world)
            await asyncio.sleep(0.01)
        told = await watched
        assert told["total"] == told["by_status"]["pending"] > 0


async def test_workers_come_although_no_task_moves(world: World) -> None:
    pace = Pace(beat=30, tick=0.001, stats=30, recount=0.001)
    async with page(world, topics=frozenset({"stats"}), pace=pace) as opened:
        assert (await opened.next("stats"))["workers"]["live"] == 0
        await world.enlist("w", 10)
        assert (await opened.next("stats"))["workers"]["live"] == 1


@pytest.mark.parametrize("rules", [{"own_only": True}, {"task_types": ("strict",)}], ids=["own", "type"])
async def test_a_page_hears_only_of_what_it_may_see(world: World, rules: dict[str, Any]) -> None:
    key, secret = await world.system.keys.create("narrow", frozenset({Scope.TASKS_WRITE}), **rules)
    mine = world.client(secret)
    async with page(world, Caller.of(key), topics=frozenset({"tasks"})) as opened:
        watched = asyncio.create_task(opened.next("tasks"))
        own = set()
        while not watched.done():
            await submit(world)
            body = {"type": "strict", "input_data": {"customer_id": "7"}}
            own.add((await mine.post(f"{API}/tasks", json=body)).json()["id"])
            await asyncio.sleep(0.01)
        told = (await watched)["ids"]
        assert told
        assert set(told) <= own


async def test_one_look_serves_all_pages_and_none_is_made_for_nobody(world: World) -> None:
    watch = Watch(world.system.store, look=0.001)
    async with page(world, watch=watch, topics=frozenset({"tasks"})) as first:
        await opened_at(world, first)
        async with page(world, watch=watch, topics=frozenset({"tasks"})) as second:
            task = await submit(world)
            assert task in await ids_until(first, {task})
            assert task in await ids_until(second, {task})
        assert watch._looking is not None
    assert watch._looking is None


async def test_beats_come_and_the_stream_ends_with_the_session(world: World) -> None:
    good = [True, True, False]

    async def still_good() -> None:
        if not good.pop(0):
            raise Unauthorized("over")

    pace = Pace(beat=0, tick=0.001, stats=30, recount=30)
    async with page(world, topics=frozenset({"tasks"}), pace=pace, still_good=still_good) as opened:
        for _ in range(2):
            assert "now" in await opened.next("beat")
        with pytest.raises(StopAsyncIteration):
            await opened.next()


async def test_the_database_away_stops_the_news_and_no_beat(world: World) -> None:
    async def still_good() -> None:
        await world.system.store.keys()

    pace = Pace(beat=0, tick=0.001, stats=0, recount=0)
    async with page(world, pace=pace, still_good=still_good) as opened:
        await opened.next("stats")
        world.system.store.away = True
        for _ in range(3):
            await opened.next("beat")
        world.system.store.away = False
        watched = asyncio.create_task(opened.next("tasks"))
        while not watched.done():
            await submit(world)
            await asyncio.sleep(0.01)
        assert (await watched)["ids"]


async def test_a_fault_in_one_look_leaves_nobody_without_news(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [ValueError("a bug")]
    look = Watch._look

    async def stumbling(self: Watch) -> None:
        if faults:
            raise faults.pop()
        await look(self)

    monkeypatch.setattr(Watch, "_look", stumbling)
    async with page(world, topics=frozenset({"tasks"})) as opened:
        await opened_at(world, opened)
    assert faults == []


async def test_a_stop_of_the_service_ends_it(world: World) -> None:
    closing = asyncio.Event()
    async with page(world, closing=closing, topics=frozenset({"tasks"})) as opened:
        closing.set()
        with pytest.raises(StopAsyncIteration):
            await opened.next()


async def test_over_http_by_cookie(world: World) -> None:
    world.app.state.closing.set()
    secret = await world.key(Scope.TASKS_READ)
    answer = await world.client(secret).get(f"{API}/live", params={"topics": "tasks,stats"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.startswith("retry: 2000\n\nevent: hello\n")
    assert (await world.client(secret).get(f"{API}/live", params={"topics": "x"})).status_code == 422


# ── the look ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Lines(MemoryStore):
    """Log lines that become visible out of order."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.visible: list[int] = []

    async def newest_line(self) -> int:
        return max(self.visible, default=0)

    async def moved(self, after: int, limit: int) -> list[Moved]:
        return [Moved(n, f"t{n}", "echo", None) for n in sorted(self.visible) if n > after][:limit]


async def looks(watch: Watch, lines: Lines, *steps: list[int]) -> list[tuple[list[str], bool]]:
    """What a watcher is told, look by look, as lines become visible."""
    told = []
    watcher = watching.Watcher()
    watch._watchers.add(watcher)
    for step in steps:
        lines.visible += step
        await watch._look()
        moved, more = watcher.take()
        told.append(([move.task_id for move in moved], more))
    return told


async def test_a_line_that_becomes_visible_late_is_told_of_once() -> None:
    lines = Lines()
    told = await looks(Watch(lines), lines, [1], [2, 4], [3], [])
    assert told == [([], False), (["t2", "t4"], False), (["t3"], False), ([], False)]


async def test_much_at_once_is_told_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    lines = Lines()
    told = await looks(Watch(lines), lines, [1], [2, 3, 4, 5, 6], [7], [])
    assert told == [([], False), (["t2", "t3", "t4"], True), (["t7"], False), ([], False)]


async def test_a_page_that_reads_slowly_is_told_of_much_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    watcher = watching.Watcher()
    for number in range(3):
        watcher.tell([Moved(number, f"t{number}", "echo", None)], more=False)
    assert (len(watcher.tasks), watcher.more) == (3, False)
    watcher.tell([Moved(9, "t9", "echo", None)], more=False)
    assert watcher.take() == ([], True)
    assert watcher.take() == ([], False)


async def test_the_look_goes_back_no_further_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLE", 0.0)
    lines = Lines()
    watch = Watch(lines)
    await looks(watch, lines, [1], [2], [3])
    assert watch._newest[0][1] == 3
    assert watch._seen == set()
