"""Sums for charts, in memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime

from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.series import EVENTS, Cell, Happening, Place, Scale
from tradefree.tasks.task import LogLine
from tradefree.testing.memory.following import Following


class Tallying(Following):
    """Implements ``ports.TallyStore``."""

    async def line_at(self, moment: datetime) -> int:
        await self._tables.read()
        return max((line.id for line in self._all() if line.created_at < moment), default=0)

    async def tallied(self) -> int | None:
        await self._tables.read()
        return self._tables.tallied

    async def happened(self, after: int, up_to: int) -> list[Happening]:
        await self._tables.read()
        lines = (line for line in self._all() if after < line.id <= up_to and line.event in EVENTS)
        return [happening for line in lines if (happening := self._happening(line)) is not None]

    def _happening(self, line: LogLine) -> Happening | None:
        task = self._tables.tasks.get(line.task_id)
        if task is None or task.type == CALLBACK:
            return None
        attempt = self._tables.attempts.get((line.task_id, line.attempt))
        if attempt is None or attempt.finished_at != line.created_at or attempt.started_at is None:
            return Happening(line.created_at, line.event, task.type)
        return Happening(
            line.created_at,
            line.event,
            task.type,
            (attempt.started_at - task.run_at).total_seconds() if attempt.started_at == task.started_at else None,
            (line.created_at - attempt.started_at).total_seconds(),
            attempt.usage.total_tokens or 0,
            attempt.usage.price,
            attempt.usage.currency,
        )

    async def tally(self, after: int | None, up_to: int, cells: Mapping[Place, Cell]) -> bool:
        async with self._tables.write():
            if self._tables.tallied != after:
                return False
            self._tables.tallied = up_to
            for place, cell in cells.items():
                self._tables.series.setdefault(place, Cell()).add(cell)
            return True

    async def series(self, scale: Scale, types: Sequence[str] | None) -> dict[Place, Cell]:
        await self._tables.read()
        return {
            place: copy.deepcopy(cell)
            for place, cell in self._tables.series.items()
            if place.span == scale.span
            and scale.begin <= place.at < scale.end
            and (types is None or place.type in types)
        }

    async def forget_cells(self, span: int, before: datetime) -> int:
        async with self._tables.write():
            old = [place for place in self._tables.series if place.span == span and place.at < before]
            for place in old:
                del self._tables.series[place]
            return len(old)
