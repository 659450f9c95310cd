"""The log of all tasks as one, in memory."""

from __future__ import annotations

from dataclasses import replace

from tradefree.tasks.ports import LineFilter, Lines, Moved
from tradefree.tasks.task import LEVELS, LogLine
from tradefree.testing.memory.tables import Tables, through_json


class Following:
    """Implements ``ports.FollowStore``."""

    _tables: Tables

    async def newest_line(self) -> int:
        await self._tables.read()
        return max((line.id for line in self._all()), default=0)

    async def moved(self, after: int, limit: int) -> list[Moved]:
        await self._tables.read()
        lines = [line for line in self._all() if line.id > after][:limit]
        return [self._told_by(line) for line in lines]

    def _told_by(self, line: LogLine) -> Moved:
        task = self._tables.tasks.get(line.task_id)
        return Moved(line.id, line.task_id, task.type if task else "", task.submitted_by if task else None)

    async def lines(self, wanted: LineFilter, *, limit: int, behind: int | None = None, newest_first: bool) -> Lines:
        await self._tables.read()
        found = [line for line in self._all() if self._fits(line, wanted)]
        if newest_first:
            found.reverse()
        if behind is not None:
            found = [line for line in found if (line.id < behind if newest_first else line.id > behind)]
        page = found[:limit]
        types = [task.type if (task := self._tables.tasks.get(line.task_id)) else "" for line in page]
        more = len(page) == limit and bool(page)
        return Lines(
            [(replace(line, data=through_json(line.data)), type_) for line, type_ in zip(page, types, strict=True)],
            page[-1].id if more else None,
            page[-1].created_at if more else None,
        )

    def _fits(self, line: LogLine, wanted: LineFilter) -> bool:
        task = self._tables.tasks.get(line.task_id)
        levels = LEVELS if wanted.level is None else LEVELS[LEVELS.index(wanted.level) :]
        return all(
            (
                wanted.since is None or line.created_at >= wanted.since,
                wanted.until is None or line.created_at < wanted.until,
                line.level in levels,
                wanted.text is None or wanted.text.lower() in line.message.lower(),
                wanted.types is None or (task is not None and task.type in wanted.types),
                wanted.submitted_by is None or (task is not None and task.submitted_by == wanted.submitted_by),
            )
        )

    def _all(self) -> list[LogLine]:
        """Every line, in the order of their ids."""
        return sorted((line for lines in self._tables.logs.values() for line in lines), key=lambda line: line.id)
