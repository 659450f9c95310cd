"""When old tasks go: by status and age, put aside before, at leisure, and only in the service that leads."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from stores.acts import Acts
from tradefree.errors import StorageUnavailable
from tradefree.tasks.leisure import SHARE, Leisure
from tradefree.tasks.outcome import Completed
from tradefree.tasks.retention import BATCH, Kept, Old, TaskRetention
from tradefree.tasks.states import Status
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

DAY = timedelta(days=1)
KEPT = Kept({Status.COMPLETED: 10 * DAY, Status.FAILED: 20 * DAY})


class Shelf:
    """Remembers what was put aside, or has no room."""

    def __init__(self, error: OSError | None = None) -> None:
        self.documents: list[Mapping[str, Any]] = []
        self._error = error

    def put(self, documents: Sequence[Mapping[str, Any]]) -> None:
        if self._error is not None:
            raise self._error
        self.documents += documents


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def store(clock: FrozenClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def acts(store: MemoryStore, clock: FrozenClock) -> Acts:
    return Acts(store, clock)


def of(store: MemoryStore, clock: FrozenClock, **more: Any) -> TaskRetention:
    leisure = Leisure(clock, more.pop("leads", lambda: True), pause=more.pop("pause", 0))
    return TaskRetention(store, leisure, more.pop("kept", KEPT), **more)


async def test_each_status_has_its_age(store: MemoryStore, acts: Acts, clock: FrozenClock) -> None:
    completed, failed = await acts.completed(), await acts.failed()
    waiting = await acts.submitted()
    clock.advance(11 * 86400)
    assert await of(store, clock).sweep() == {Status.COMPLETED: 1, Status.FAILED: 0}
    assert await store.task(completed.id) is None
    clock.advance(10 * 86400)
    assert await of(store, clock).sweep() == {Status.COMPLETED: 0, Status.FAILED: 1}
    assert await store.task(failed.id) is None
    assert await store.task(waiting.id) is not None


async def test_the_age_counts_from_the_end(store: MemoryStore, acts: Acts, clock: FrozenClock) -> None:
    running = await acts.running()
    clock.advance(30 * 86400)
    await acts.finish(running, Completed(None))
    assert await of(store, clock).sweep() == {Status.COMPLETED: 0, Status.FAILED: 0}


async def test_what_is_deleted_was_put_aside(store: MemoryStore, acts: Acts, clock: FrozenClock) -> None:
    tasks = [await acts.completed(output={"n": n}) for n in range(45)]
    clock.advance(11 * 86400)
    shelf = Shelf()
    await of(store, clock, shelf=shelf).sweep()
    assert [document["id"] for document in shelf.documents] == [task.id for task in tasks]
    assert shelf.documents[7]["output_data"] == {"n": 7}
    assert len(shelf.documents[7]["attempts"]) == 1


async def test_a_full_disk_keeps_the_tasks(store: MemoryStore, acts: Acts, clock: FrozenClock) -> None:
    task = await acts.completed()
    clock.advance(11 * 86400)
    with structlog.testing.capture_logs() as logs:
        await of(store, clock, shelf=Shelf(OSError(errno.ENOSPC, "No space left on device", "a.gz"))).sweep()
    assert await store.task(task.id) is not None
    assert (logs[0]["error"], logs[0]["file"]) == ("No space left on device", "a.gz")


async def test_a_leader_that_is_replaced_stops(store: MemoryStore, acts: Acts, clock: FrozenClock) -> None:
    for _ in range(45):
        await acts.completed()
    clock.advance(11 * 86400)
    turns = iter([True, True, False])
    await of(store, clock, leads=lambda: next(turns, False), shelf=Shelf()).sweep()
    assert (await store.counts())["echo"][Status.COMPLETED] == 5, "two parts of twenty went"


async def test_lines_of_the_audit_trail_go_by_age(store: MemoryStore, clock: FrozenClock) -> None:
    kept = Kept(audit=DAY)
    numbers = iter([BATCH, 3])
    asked: list[datetime] = []

    async def prune_audit(before: datetime, limit: int) -> int:
        asked.append(before)
        return next(numbers)

    store.prune_audit = prune_audit  # type: ignore[method-assign]
    assert await of(store, clock, kept=kept).sweep() == {"audit": BATCH + 3}
    assert asked == [clock.now() - DAY] * 2


async def test_a_slow_database_is_left_in_peace(
    store: MemoryStore, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def old_tasks(*_: Any, **__: Any) -> Old:
        clock.advance(2.0)
        return Old([])

    monkeypatch.setattr("tradefree.tasks.leisure.asyncio.sleep", sleep)
    store.old_tasks = old_tasks  # type: ignore[method-assign]
    await of(store, clock, pause=0.1).sweep()
    assert pauses == [2.0 * SHARE] * 2


async def test_nothing_to_do_is_no_work_and_trouble_is_no_end(store: MemoryStore, clock: FrozenClock) -> None:
    await of(store, clock, kept=Kept()).run()

    async def away(*_: Any, **__: Any) -> Old:
        raise StorageUnavailable("it is away")

    store.old_tasks = away  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(of(store, clock).run())
        await asyncio.sleep(0.1)
        assert not running.done()
        running.cancel()
    assert [line["error"] for line in logs] == ["it is away"]
