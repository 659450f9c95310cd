"""The moves to an end, whoever makes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tradefree.tasks.change import Change, ended
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task


def complete(task: Task, output: Any, now: datetime, note: str | None = None, **data: Any) -> Change:
    """processing → completed."""
    took = seconds(task.started_at, now) if task.started_at else None
    return ended(
        task,
        Status.COMPLETED,
        now,
        "info",
        (f"Completed after {took} s." if took else "Completed.") + (f" {note}" if note else ""),
        "task.completed",
        data={"seconds": took, "note": note, **data},
        output_data=output,
        error_code=None,
        error_message=None,
    )


def fail(task: Task, code: str, message: str, now: datetime) -> Change:
    """scheduled, pending, processing or awaiting_input → failed: nothing more will be tried by itself."""
    return ended(
        task,
        Status.FAILED,
        now,
        "error",
        f"Failed: {message}",
        "task.failed",
        data={"code": code, "error": message},
        error_code=code,
        error_message=message,
    )


def cancel_now(task: Task, now: datetime, *, by: str | None = None, note: str | None = None, **data: Any) -> Change:
    """scheduled, pending, queued or (once the runner has let go) processing → cancelled."""
    words = "Cancelled" + (f" by {by}" if by else "") + "."
    return ended(
        task,
        Status.CANCELLED,
        now,
        "warning",
        f"{words} {note}" if note else words,
        "task.cancelled",
        data={"by": by, "note": note, **data},
        cancel_requested_at=task.cancel_requested_at or now,
    )


def seconds(start: datetime, end: datetime) -> str:
    """``1.50``."""
    return f"{(end - start).total_seconds():.2f}"
