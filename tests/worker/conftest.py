"""A runtime on an in-memory store, with beats every few milliseconds and a clock that stands still."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tradefree.errors import Outdated, StorageUnavailable
from tradefree.tasks.admit import Admission
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.ports import Runner
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask, Submitter
from tradefree.tasks.task import Task
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.doubles import RecordingSignals, ScriptedRunner
from tradefree.testing.memory import MemoryStore
from tradefree.worker import flusher as flusher_module
from tradefree.worker import runtime as runtime_module
from tradefree.worker import writer as writer_module
from tradefree.worker.runtime import Runtime

PATIENCE = 20.0


class FlakyStore(MemoryStore):
    """A store that can be away, and that refuses to write some results."""

    away = False
    outdated = False
    poisoned: str | None = None
    lost_answers = 0
    """How many answers to ``append_logs`` get lost: the lines are stored, and nobody knows."""
    turned_away = 0
    """How often a worker tried in vain to enlist."""
    beats = 0
    stumbles = 0
    """How often claiming and enlisting fail in a way that nobody has thought of."""

    def _stumble(self) -> None:
        if self.stumbles:
            self.stumbles -= 1
            raise RuntimeError("nobody has thought of this")

    async def claim(self, *args: Any, **kwargs: Any) -> Any:
        self._stumble()
        return await super().claim(*args, **kwargs)

    async def enlist(self, *args: Any, **kwargs: Any) -> None:
        self._stumble()
        if self.outdated:
            raise Outdated("the database speaks protocol 2")
        if self.away:
            self.turned_away += 1
            raise StorageUnavailable("away")
        await super().enlist(*args, **kwargs)

    async def decide(self, ids: Any, decide: Any, **options: Any) -> Any:
        if self.away:
            raise StorageUnavailable("away")
        if self.poisoned in ids:
            raise RuntimeError("value too weird for this column")
        return await super().decide(ids, decide, **options)

    async def beat(self, *args: Any, **kwargs: Any) -> Any:
        if self.outdated:
            raise Outdated("the database speaks protocol 2")
        if self.away:
            raise StorageUnavailable("away")
        self.beats += 1
        return await super().beat(*args, **kwargs)

    async def append_logs(self, lines: Any, *, again: bool = False) -> None:
        await super().append_logs(lines, again=again)
        if self.lost_answers:
            self.lost_answers -= 1
            raise StorageUnavailable("the answer was lost")


class World:
    """Everything around one runtime; ``admit`` stands for the dispatcher."""

    working: asyncio.Task[None]
    """The runtime's life."""

    def __init__(self, runners: Mapping[str, Runner], capacity: int) -> None:
        self.clock = FrozenClock()
        self.store = FlakyStore(self.clock)
        self.signals = RecordingSignals()
        self.catalog = Catalog(self.store, self.clock)
        self.submitter = Submitter(self.store, self.catalog, self.signals, self.clock)
        self.control = Control(self.store, self.store, self.catalog, self.signals, self.clock)
        self.admission = Admission()
        self.drained: list[int] = []
        """What was running whenever the runtime said that it was drained."""
        self.runtime = Runtime(
            store=self.store,
            catalog=self.catalog,
            runners=runners,
            signals=self.signals,
            clock=self.clock,
            name="test",
            address="test.queue",
            queues=("default",),
            capacity=capacity,
            max_output_bytes=10_000,
            version="0",
            on_drained=lambda: self.drained.append(self.runtime.running),
        )

    async def submit(self, task_type: str = "work", input_data: Any = None, **more: Any) -> str:
        return (await self.submitter.submit(NewTask(task_type, input_data or {}, **more))).task.id

    async def admit(self) -> list[str]:
        """One round; the ids are not rung for, so that they are found by the beat."""
        epoch = await self.store.lead("leader", 3)
        assert epoch is not None
        lanes = await self.store.waiting_lanes()
        async with self.store.round("leader", epoch, 3) as round_:
            self.admission.configure(await self.catalog.book(version=round_.config_version))
            self.admission.hear(lanes)
            admitted = await self.admission.run(round_, self.clock.now())
        return [task_id for ids in admitted.by_worker.values() for task_id in ids]

    async def task(self, task_id: str) -> Task:
        task = await self.store.task(task_id)
        assert task is not None
        return task

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                result = condition()
                if await result if asyncio.iscoroutine(result) else result:
                    return
                await asyncio.sleep(0.002)

    async def reaches(self, task_id: str, *statuses: Status) -> Task:
        async def there() -> bool:
            return (await self.task(task_id)).status in statuses

        await self.until(there)
        return await self.task(task_id)


Start = Callable[..., contextlib.AbstractAsyncContextManager[World]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """``async with start(runner, capacity=…) as world``: a runtime at work."""
    monkeypatch.setattr(runtime_module, "BEAT_EVERY", 0.01)
    monkeypatch.setattr(flusher_module, "FLUSH_EVERY", 0.01)
    monkeypatch.setattr(writer_module, "RETRY_EVERY", 0.01)

    @contextlib.asynccontextmanager
    async def start_(*runners: Runner, capacity: int = 10, **types: Any) -> AsyncIterator[World]:
        world = World({runner.name: runner for runner in runners}, capacity)
        for name, document in ({"work": {"runner": runners[0].name}} | types).items():
            await world.store.put_task_type(TaskType(name=name, **document))
        await world.runtime.start()
        world.working = asyncio.create_task(world.runtime.run())
        try:
            yield world
        finally:
            world.working.cancel()
            with contextlib.suppress(asyncio.CancelledError, Outdated):
                await world.working

    return start_


class Gate:
    """A step for ``ScriptedRunner`` that waits until it is opened."""

    def __init__(self, result: Any = None) -> None:
        self.opened = asyncio.Event()
        self.inside = 0
        self.most = 0
        self.result = result

    async def __call__(self, run: Any) -> Any:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.opened.wait()
        finally:
            self.inside -= 1
        return self.result


def scripted(step: Any, **options: Any) -> ScriptedRunner:
    return ScriptedRunner({"*": [step]}, **options)
