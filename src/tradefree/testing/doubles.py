"""Doubles for what surrounds the store: a runner that does as told, a doorbell and signals that remember."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tradefree.tasks.outcome import Completed
from tradefree.tasks.ports import Run
from tradefree.tasks.task import Json
from tradefree.tasks.types import TaskType

Step = Json | Completed | Exception | Callable[[Run], Any]
"""What one attempt does: return a value, raise an exception, or call a function (which may be a coroutine function)."""


class ScriptedRunner:
    """A ``Runner`` that follows a script: the n-th call for a task does the n-th step, the last step stays.

    ``ScriptedRunner({task_id: [Busy("full"), {"answer": 42}]})``; the script under ``"*"`` serves tasks without one.
    Without any script it returns its input.
    """

    def __init__(
        self,
        script: Mapping[str, Sequence[Step]] | None = None,
        *,
        name: str = "scripted",
        resumable: bool = False,
        stops: bool = True,
    ) -> None:
        self.name = name
        self.resumable = resumable
        self.script: dict[str, Sequence[Step]] = dict(script or {})
        self.runs: list[Run] = []
        """Every call of ``run``, in order."""
        self.stopped: list[Run] = []
        """Every call of ``stop``, in order."""
        self.started = asyncio.Event()
        """Set by the first call of ``run``; clear it to wait for another."""
        self._stops = stops
        self._calls: dict[str, int] = defaultdict(int)

    async def run(self, run: Run) -> Completed | Json:
        self.runs.append(run)
        self.started.set()
        steps = self.script.get(run.task_id) or self.script.get("*")
        if not steps:
            return run.input_data
        step = steps[min(self._calls[run.task_id], len(steps) - 1)]
        self._calls[run.task_id] += 1
        if callable(step):
            result = step(run)
            return await result if asyncio.iscoroutine(result) else result
        if isinstance(step, Exception):
            raise step
        return step

    async def stop(self, run: Run) -> bool:
        self.stopped.append(run)
        return self._stops

    def check(self, task_type: TaskType) -> None:
        """Every type will do."""


class RecordingDoorbell:
    """A ``Doorbell`` that remembers its rings."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, list[str]]] = []
        """Address and ids, in order."""
        self.rung = asyncio.Event()
        """Set by the first ring; clear it to wait for another."""
        self.forgotten: list[str] = []
        """Addresses where nobody answers any more, in order."""

    async def ring(self, address: str, ids: Sequence[str]) -> None:
        self.rings.append((address, list(ids)))
        self.rung.set()

    def forget(self, address: str) -> None:
        self.forgotten.append(address)


class RecordingSignals:
    """``Signals`` that remember what was published and pass it on to subscribers of the same event loop."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any]]] = []
        """Topic and message, in order."""
        self._listeners: dict[str, list[asyncio.Queue[dict[str, Any]]]] = defaultdict(list)

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        self.published.append((topic, dict(message)))
        for queue in self._listeners.get(topic, ()):
            queue.put_nowait(dict(message))

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for topic in topics:
            self._listeners[topic].append(queue)

        async def messages() -> AsyncIterator[dict[str, Any]]:
            while True:
                yield await queue.get()

        try:
            yield messages()
        finally:
            for topic in topics:
                self._listeners[topic].remove(queue)

    def on(self, topic: str) -> list[dict[str, Any]]:
        """What was published to a topic, in order."""
        return [message for name, message in self.published if name == topic]
