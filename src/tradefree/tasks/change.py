"""What a move of a task is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.states import MOVES, ON_WORKER, Status
from tradefree.tasks.task import Attempt, LogLine, Task


@dataclass(frozen=True, slots=True)
class Change:
    """One guarded move: written only if the task still is as it was when the move was decided."""

    before: Task
    values: Mapping[str, Any]
    """Columns to set; ``status`` always among them."""
    line: LogLine
    attempt: Attempt | None = None
    """The attempt that this move ends."""
    lines: tuple[LogLine, ...] = field(default=())
    """Lines the attempt wrote before."""
    deliveries: tuple[Task, ...] = field(default=())
    """Tasks that tell of the move, stored with it."""

    @property
    def status(self) -> Status:
        return Status(self.values["status"])

    @property
    def never_began(self) -> bool:
        """True if a start that was counted comes to nothing: the task was admitted anew and nobody claimed it."""
        return self.before.status is Status.QUEUED and self.status not in ON_WORKER and self.before.runner_state is None


@dataclass(frozen=True, slots=True)
class Rules:
    """What finishing needs to know of the task's type."""

    retry: RetryPolicy = RetryPolicy()
    max_deferral: float = 86400.0
    resumable: bool = False
    answer_within: float | None = None
    """Seconds that people have for an answer."""
    hold: bool = False
    """Where nobody knows what became of a run, a person decides; else it is started again."""


NO_RUN: dict[str, Any] = {"runner_state": None, "question": None, "answer_by": None}
"""No run is under way, and nobody is asked about one."""


def move(
    task: Task,
    to: Status,
    now: datetime,
    level: str,
    message: str,
    event: str,
    *,
    data: Mapping[str, Any] | None = None,
    **values: Any,
) -> Change:
    """A move of the task with its log line, whose ``data`` are what other languages say it from; see LogLine.

    Off a worker it holds no place, unless ``values`` say so.
    """
    stays = to is task.status and task.live
    if to not in MOVES[task.status] and not stays:
        raise AssertionError(f"no move from {task.status} to {to}")
    values = {"status": to, "updated_at": now, **values}
    if to not in ON_WORKER:
        values.setdefault("worker_id", None)
        values.setdefault("holds_slot", False)
    facts = {name: fact for name, fact in (data or {}).items() if fact is not None}
    line = LogLine(task.id, now, level, message, event, task.attempt_count, facts or None)
    return Change(task, values, line)


def ended(task: Task, to: Status, now: datetime, level: str, message: str, event: str, **values: Any) -> Change:
    """A move to an end."""
    return move(task, to, now, level, message, event, finished_at=now, **NO_RUN, **values)
