"""Who draws what happens as spans of a trace. Like those who count: nothing here blocks, and nothing raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tradefree.tasks.outcome import Outcome
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.types import Connection, TaskType


class AttemptTrace(Protocol):
    """One attempt, drawn."""

    @property
    def traceparent(self) -> str | None:
        """What goes on to the upstream."""
        ...

    def said(self, event: str, data: Mapping[str, Any]) -> None:
        """The attempt wrote a line of this kind to its log."""
        ...

    def ended(self, outcome: Outcome | None) -> None:
        """It ended; no outcome: it was dropped."""
        ...


class Tracer(Protocol):
    """Draws the work of one worker."""

    def attempt(self, task: Task, task_type: TaskType, connection: Connection | None) -> AttemptTrace:
        """An attempt begins."""
        ...

    def settled(self, task: Task, status: Status) -> None:
        """The end of an attempt of the task was written, and the task is now in this status."""
        ...


class _Passed:
    """Nothing is drawn; the trace that the task came in goes on."""

    def __init__(self, task: Task) -> None:
        self.traceparent = task.traceparent

    def said(self, event: str, data: Mapping[str, Any]) -> None: ...
    def ended(self, outcome: Outcome | None) -> None: ...


class Untraced:
    """Nobody draws."""

    def attempt(self, task: Task, task_type: TaskType, connection: Connection | None) -> AttemptTrace:  # noqa: ARG002
        return _Passed(task)

    def settled(self, task: Task, status: Status) -> None: ...


UNTRACED = Untraced()
