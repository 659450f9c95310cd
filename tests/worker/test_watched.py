"""What a worker tells whoever watches: attempts, beats and lost leases."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import structlog

from tradefree.errors import Failed
from tradefree.tasks.outcome import Outcome
from tradefree.tasks.ports.observing import Unseen
from tradefree.tasks.recover import LEASE
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.testing.doubles import ScriptedRunner
from worker.conftest import Gate, Start, World, scripted


class Watcher(Unseen):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ends: list[tuple[str, str]] = []
        self.beats: Counter[bool] = Counter()
        self.late: list[float] = []
        self.lost = 0

    def began(self, task: Task) -> None:
        self.begun.append(task.id)

    def ended(self, task: Task, connection: str | None, outcome: Outcome | None, seconds: float) -> None:
        self.ends.append((task.id, type(outcome).__name__))

    def beat(self, late: float, *, good: bool) -> None:
        self.beats[good] += 1
        self.late.append(late)

    def lease_lost(self) -> None:
        self.lost += 1


def watch(world: World) -> Watcher:
    world.runtime._observer = watcher = Watcher()
    return watcher


async def test_each_attempt_begins_and_ends_once(start: Start) -> None:
    runner = ScriptedRunner()
    async with start(runner, homeless={"runner": "nowhere"}) as world:
        watcher = watch(world)
        ids = [await world.submit(name) for name in ("work", "work", "homeless")]
        runner.script[ids[1]] = [Failed("No.", retryable=False)]
        await world.admit()
        await world.reaches(ids[0], Status.COMPLETED)
        await world.reaches(ids[1], Status.FAILED)
        await world.reaches(ids[2], Status.SCHEDULED)
        assert sorted(watcher.begun) == sorted(ids)
        assert dict(watcher.ends) == dict(zip(ids, ("Completed", "DidNotWork", "NothingStarted"), strict=True))
        assert len(watcher.ends) == 3
        await world.until(lambda: watcher.beats[True] > 2)
        assert watcher.beats[False] == 0


async def test_a_lost_lease_and_what_it_dropped(start: Start) -> None:
    gate = Gate()
    async with start(scripted(gate)) as world:
        watcher = watch(world)
        task_id = await world.submit()
        await world.admit()
        await world.until(lambda: gate.inside == 1)
        world.store.away = True
        world.clock.advance(LEASE)
        await world.until(lambda: watcher.lost == 1)
        await world.until(lambda: watcher.ends)
        assert watcher.ends == [(task_id, "NoneType")]
        assert watcher.beats[False] > 0
        assert max(watcher.late) > LEASE - 3
        world.store.away = False


async def test_log_lines_carry_the_trace(start: Start) -> None:
    seen: list[dict[str, Any]] = []

    async def look(_: Any) -> dict[str, Any]:
        seen.append(structlog.contextvars.get_contextvars())
        return {}

    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with start(scripted(look)) as world:
        for trace in (f"00-{trace_id}-b7ad6b7169203331-01", None):
            task_id = await world.submit(traceparent=trace)
            await world.admit()
            await world.reaches(task_id, Status.COMPLETED)
            await asyncio.sleep(0)
    assert seen[0]["trace_id"] == trace_id
    assert "trace_id" not in seen[1]
