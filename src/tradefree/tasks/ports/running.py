"""Runners, and what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tradefree.tasks.outcome import Asked, Completed
from tradefree.tasks.questions import Answer
from tradefree.tasks.task import Json
from tradefree.tasks.types import Connection, TaskType


class Run(Protocol):
    """What a runner is given for one attempt."""

    task_id: str
    type: str
    attempt: int
    input_data: Json
    options: Mapping[str, Any]
    connection: Connection | None
    timeout: float
    """Seconds this attempt may take; the runtime ends it then."""
    state: dict[str, Any] | None
    """What an earlier attempt saved of a run that nobody has accounted for. None: a fresh start.
    ``{"attempt": n}`` alone: attempt n of a resumable runner was cut off before it saved anything, so a run may or may
    not have been started."""
    answer: Answer | None
    """What a person answered to the question that an earlier attempt ended with; there until that run has ended."""
    holds_unknown: bool
    """True if RunLost lets a person decide; else another run may be started where it cannot be known."""

    traceparent: str | None
    """The W3C trace context of the task, to be handed on to the upstream."""

    @property
    def cancelled(self) -> bool:
        """True once somebody asked to cancel; long-running synchronous functions should look at it."""
        ...

    def log(self, level: str, message: str, *, event: str = "note", **data: Any) -> None:
        """Add a line to the task's log: level is debug, info, warning or error."""
        ...

    def partial(self, text: str, *, replace: bool = False) -> None:
        """Show a piece of the result as it arrives; live only, not stored. ``replace``: instead of all before it."""
        ...

    async def save(self, state: dict[str, Any]) -> None:
        """Store durably what another worker needs to find this run. Returns when it is stored.

        An object under ``upstream`` (ids, versions; no payloads, no secrets) is shown to all who may see the task.
        """
        ...


class Runner(Protocol):
    """Performs attempts. Raises ``Failed``, ``Busy``, ``OutcomeUnknown`` or ``RunLost``; other exceptions are retryable
    failures."""

    name: str
    resumable: bool
    """True if a run may go on without us: a task taken over then holds its place until the run is accounted for."""

    async def run(self, run: Run) -> Completed | Asked | Json:
        """Perform the task. With ``run.state`` set, first find out what became of that earlier run.

        The coroutine is cancelled without further ado when the worker is fenced or shuts down.
        """
        ...

    async def stop(self, run: Run) -> bool:
        """Ask the upstream to stop the run in ``run.state``; True if it was seen to have stopped.

        Called beside a running ``run`` (which should then end by itself),
        or alone for a run left behind.
        """
        ...

    def check(self, task_type: TaskType) -> None:
        """Raise InvalidInput if the type's options or connection do not fit this runner."""
        ...
