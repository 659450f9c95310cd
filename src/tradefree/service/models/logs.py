"""Task logs over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from tradefree.tasks.task import LogLine

Level = Literal["debug", "info", "warning", "error"]


class LogDocument(BaseModel):
    """One line of a task's log."""

    id: int
    created_at: datetime
    level: Level
    event: str = Field(description="The kind of line, for programs.", examples=["attempt.started"])
    message: str = Field(description="For people.")
    attempt: int = Field(description="Number of the attempt; 0 before the first.")
    data: dict[str, Any] | None

    @classmethod
    def of(cls, line: LogLine, *, payloads: bool) -> LogDocument:
        """Without ``payloads``, what a line shows of a task's contents is left out: ``data.payload``."""
        document = cls.model_validate(line, from_attributes=True)
        document.data = _data(line, payloads=payloads)
        return document


class TaskLogDocument(LogDocument):
    """One line of some task's log."""

    task_id: str
    type: str = Field(description="Of the task; empty if that was deleted.")

    @classmethod
    def of_task(cls, line: LogLine, task_type: str, *, payloads: bool) -> TaskLogDocument:
        """The line of a task of this type; see ``of``."""
        values = {name: getattr(line, name) for name in cls.model_fields if name not in ("type", "data")}
        return cls(type=task_type, data=_data(line, payloads=payloads), **values)


class TaskLogPage(BaseModel):
    """Some log lines of many tasks."""

    items: list[TaskLogDocument]
    next_cursor: str | None = Field(
        description="Pass it as `cursor` to read on; null at the end. A page may have few lines, or none, and not be "
        "the last: only so much of the log is looked through at a time."
    )
    reached: datetime | None = Field(description="How far the log was looked through; null: to the end.")


class LogPage(BaseModel):
    """Some log lines, in the order of their ids."""

    items: list[LogDocument]
    next_after: int = Field(description="Pass it as `after` to read on. To follow a log live, use the stream.")


def _data(line: LogLine, *, payloads: bool) -> dict[str, Any] | None:
    if payloads or not line.data or "payload" not in line.data:
        return line.data
    return {name: value for name, value in line.data.items() if name != "payload"}
