"""A Run that remembers what the runner did with it, and a runner whose patience is measured in milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from console.sentences import told
from dify.dify_replay import KEY, FakeDify, Reply, fake_dify
from tradefree.dify.runner import DifyRunner, WorkflowRunner
from tradefree.dify.seek import Pace
from tradefree.dify.verdict import RunFailed
from tradefree.dify.wire import Timeouts
from tradefree.tasks.outcome import Asked, Completed
from tradefree.tasks.questions import Answer
from tradefree.tasks.task import Json
from tradefree.tasks.types import Connection

QUICK = Timeouts(connect=5, answer=5, first_event=5, quiet=5, silence=5)
PACE = Pace(grace=0.05, lost_after=5, poll=0.01, slowest_poll=0.02, stopped_watch=0.05, stop_wait=5)
NOW = datetime(2026, 11, 23, 15, 0, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    level: str
    message: str
    event: str
    data: dict[str, Any]


@dataclass
class FakeRun:
    """One attempt of the task ``T``."""

    connection: Connection | None
    task_id: str = "T"
    type: str = "summarize"
    attempt: int = 1
    input_data: Json = field(default_factory=lambda: {"query": "x"})
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 60.0
    state: dict[str, Any] | None = None
    answer: Answer | None = None
    holds_unknown: bool = False
    traceparent: str | None = None
    cancelled: bool = False
    lines: list[Line] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    saved: list[dict[str, Any]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def log(self, level: str, message: str, *, event: str = "note", **data: Any) -> None:
        assert told(event, data), f"the console cannot say this in Chinese: {event} {data}"
        self.lines.append(Line(level, message, event, data))
        self._changed.set()

    def partial(self, text: str, *, replace: bool = False) -> None:
        self.texts = [text] if replace else [*self.texts, text]

    async def save(self, state: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        assert "dify.run.started" not in self.events or self.saved, "the run's id is stored before anything else"
        self.saved.append(state)
        self._changed.set()

    @property
    def events(self) -> list[str]:
        return [line.event for line in self.lines]

    @property
    def said(self) -> str:
        return "\n".join(line.message for line in self.lines)

    async def until(self, event: str) -> None:
        """Until a line of this kind is in the log."""
        async with asyncio.timeout(5):
            while event not in self.events:
                self._changed.clear()
                await self._changed.wait()


class StandingClock:
    """It is always three o'clock."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Stage:
    """A server, a runner, and runs made for them."""

    dify: FakeDify
    timeouts: Timeouts = QUICK
    pace: Pace = PACE
    runners: list[DifyRunner] = field(default_factory=list)

    def runner(self, kind: type[DifyRunner] = WorkflowRunner) -> DifyRunner:
        runner = kind(timeouts=self.timeouts, pace=self.pace, clock=StandingClock())
        self.runners.append(runner)
        return runner

    def a_run(self, **fields: Any) -> FakeRun:
        connection = Connection(name="bot", base_url=self.dify.url, api_key=KEY)
        return FakeRun(connection=connection, **fields)


async def completed(runner: DifyRunner, run: FakeRun) -> Completed:
    """The result of a run that asks nobody."""
    return a_result(await runner.run(run))


def a_result(done: Completed | Asked) -> Completed:
    """What came of a run that asked nobody."""
    assert isinstance(done, Completed)
    return done


@asynccontextmanager
async def a_stage() -> AsyncIterator[Stage]:
    """A stage of its own for each test."""
    async with fake_dify() as dify:
        stage = Stage(dify)
        try:
            yield stage
        finally:
            for runner in stage.runners:
                await runner.close()


async def performed(stage: Stage, *replies: Reply, **fields: Any) -> tuple[FakeRun, Completed]:
    """A workflow run that Dify answers so: the run, and what it came to."""
    stage.dify.on("POST", "/workflows/run", *replies)
    run = stage.a_run(**fields)
    return run, await completed(stage.runner(), run)


async def failed(stage: Stage, *replies: Reply, **fields: Any) -> tuple[FakeRun, RunFailed]:
    """A workflow run that Dify answers so, and that fails: the run, and how."""
    stage.dify.on("POST", "/workflows/run", *replies)
    run = stage.a_run(**fields)
    with pytest.raises(RunFailed) as caught:
        await stage.runner().run(run)
    return run, caught.value
