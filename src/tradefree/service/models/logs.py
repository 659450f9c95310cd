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
    def of(cls, line: LogLine) -> LogDocument:
        return cls.model_validate(line, from_attributes=True)


class LogPage(BaseModel):
    """Some log lines, in the order of their ids."""

    items: list[LogDocument]
    next_after: int = Field(description="Pass it as `after` to read on. To follow a log live, use the stream.")
