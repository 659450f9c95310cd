"""The log of all tasks as one: what moves, and what was written when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradefree.tasks.task import LogLine


@dataclass(frozen=True, slots=True)
class Moved:
    """A task of which something was written. Every move that people care for writes a line."""

    line_id: int
    task_id: str
    type: str
    """Empty if the task is gone."""
    submitted_by: str | None


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines; everything given must hold."""

    since: datetime | None = None
    until: datetime | None = None
    level: str | None = None
    """The least severe one wanted."""
    text: str | None = None
    """In the message, whatever the case."""
    types: tuple[str, ...] | None = None
    """Of tasks of these types; None: of any."""
    submitted_by: str | None = None

    @property
    def of_some(self) -> bool:
        """True if it depends on the task whether a line is wanted."""
        return self.types is not None or self.submitted_by is not None


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of many tasks, as many as were found in the stretch of the log that was read."""

    lines: list[tuple[LogLine, str]]
    """Each with the type of its task; empty if that is gone."""
    next_id: int | None
    """Where to go on: behind this line. None at the end."""
    reached: datetime | None
    """When the line at that place was written."""


class FollowStore(Protocol):
    async def lines(self, wanted: LineFilter, *, limit: int, behind: int | None = None, newest_first: bool) -> Lines:
        """Lines of all tasks in the order of their ids, or in the other one. However few fit, only so much of the log
        is read at a time, so a page may have few lines, or none, and yet not be the last."""
        ...

    async def newest_line(self) -> int:
        """The greatest id of a log line; 0 if there is none."""
        ...

    async def moved(self, after: int, limit: int) -> list[Moved]:
        """The tasks of the lines with ids above ``after``, in the order of the lines, so many at most."""
        ...
