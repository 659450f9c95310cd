"""Performance: one task in the hands of this worker, and the ``Run`` its runner is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import structlog

from tradefree.clock import Clock
from tradefree.tasks.attempt import Attempt
from tradefree.tasks.outcome import CODE, word
from tradefree.tasks.ports import UNTRACED, Runner, Signals, Tracer, task_topic
from tradefree.tasks.questions import answer_of
from tradefree.tasks.task import Json, LogLine, Task
from tradefree.tasks.tracing import trace_id_of
from tradefree.tasks.transitions import SAVED_BY
from tradefree.tasks.types import Connection, TaskType

LEVELS = frozenset({"debug", "info", "warning", "error"})
MESSAGE_BYTES = 16_000
"""A longer message is clipped, and says so."""
LINES_AT_MOST = 10_000
"""Unwritten lines kept for one attempt while the database is away."""

log = structlog.get_logger(__name__)

Save = Callable[["Performance", dict[str, Any]], Awaitable[None]]


class Performance:
    """Implements ``ports.Run`` and keeps the log lines that are not yet written."""

    def __init__(
        self,
        task: Task,
        task_type: TaskType,
        connection: Connection | None,
        runner: Runner,
        *,
        save: Save,
        signals: Signals,
        clock: Clock,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self.task = task
        self.task_id = task.id
        self.type = task.type
        self.attempt = task.attempt_count
        self.input_data: Json = task.input_data
        self.options: Mapping[str, Any] = task_type.options
        self.connection = connection
        self.timeout = task.timeout or task_type.timeout
        self.state = task.runner_state
        self.answer = answer_of(task.question)
        self.holds_unknown = task_type.holds_unknown
        self.trace = tracer.attempt(task, task_type, connection)
        self.traceparent = self.trace.traceparent
        self.lines: list[LogLine] = []
        self.flushing: asyncio.Future[None] | None = None
        """Set while some of its lines are being written: the last lines must come after them."""
        self.unsure = False
        """True while nobody knows whether some of its lines are stored: the answer was lost."""
        self.heard = False
        """True once the upstream said anything in this attempt."""
        self.began = clock.monotonic()
        self.handing_back = False
        self.outcome_known = False
        """True once there is something to hand in: it must not be thrown away."""
        self.coroutine: asyncio.Task[None] | None = None
        self.doing = Attempt(self, runner, cancel_asked=task.cancel_requested_at is not None, on_error=self._unexpected)
        self._save = save
        self._signals = signals
        self._clock = clock

    @property
    def names(self) -> dict[str, object]:
        """What every line of the process's log about this attempt carries."""
        trace_id = trace_id_of(self.traceparent)
        return {"task_id": self.task_id, "attempt": self.attempt} | ({"trace_id": trace_id} if trace_id else {})

    @property
    def cancelled(self) -> bool:
        return self.doing.cancelled

    def log(self, level: str, message: str, *, event: str = "note", **data: Any) -> None:
        """See ``ports.Run``. May be called from a runner's thread."""
        if level not in LEVELS:
            raise ValueError(f"level {level!r}: must be one of {', '.join(sorted(LEVELS))}")
        self.trace.said(event, data)
        if len(self.lines) >= LINES_AT_MOST:
            return
        text = clip(str(message), MESSAGE_BYTES)
        kind = word(event, CODE)
        self.lines.append(LogLine(self.task_id, self._clock.now(), level, text, kind, self.attempt, storable(data)))

    def partial(self, text: str, *, replace: bool = False) -> None:
        """See ``ports.Run``."""
        told = {"kind": "partial", "text": text, "attempt": self.attempt}
        self._signals.publish(task_topic(self.task_id), {**told, "replace": True} if replace else told)

    async def save(self, state: dict[str, Any]) -> None:
        """See ``ports.Run``."""
        self.state = self.task.runner_state = {**state, SAVED_BY: self.attempt}
        await self._save(self, self.state)

    def take_lines(self) -> list[LogLine]:
        """The unwritten lines, which the caller must now write."""
        lines, self.lines = self.lines, []
        return lines

    def drop(self) -> None:
        """Stop performing without a word to the upstream: another worker has the task, or will have it."""
        if self.coroutine is not None:
            self.coroutine.cancel()

    def hand_back(self) -> None:
        """Stop performing and give the task back, unless its outcome is known already."""
        if not self.outcome_known:
            self.handing_back = True
            self.drop()

    def _unexpected(self, error: Exception) -> None:
        log.error("the runner failed unexpectedly", task_id=self.task_id, attempt=self.attempt, exc_info=error)


def storable(data: dict[str, Any]) -> dict[str, Any] | None:
    """The data of a log line as JSON can carry it: what it cannot is shown as text."""
    if not data:
        return None
    try:
        kept = orjson.loads(orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS))
    except (TypeError, ValueError):
        kept = {"data": clip(repr(data), MESSAGE_BYTES)}
    return dict(kept)


def clip(text: str, limit: int) -> str:
    """The text, or as much as fits ``limit`` bytes of UTF-8 and a word about the rest."""
    raw = text.encode(errors="replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[:limit].decode(errors="ignore") + f"… ({len(raw)} bytes in all)"
