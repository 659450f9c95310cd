"""Summing up what happened, for charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tradefree.tasks.series import Cell, Happening, Place, Scale


class TallyStore(Protocol):
    async def newest_line(self) -> int:
        """The greatest id of a log line; 0 if there is none."""
        ...

    async def line_at(self, moment: datetime) -> int:
        """The greatest id of a log line from before this moment; 0 if there is none. Lines are stored nearly in the
        order of their times, and so near is the answer."""
        ...

    async def tallied(self) -> int | None:
        """The id of the last line that is summed up; None if none ever was."""
        ...

    async def happened(self, after: int, up_to: int) -> list[Happening]:
        """What the lines between these ids tell, deliveries of callbacks left out."""
        ...

    async def tally(self, after: int | None, up_to: int, cells: Mapping[Place, Cell]) -> bool:
        """Add to the cells, and move the mark from ``after``; False, and nothing is done, if it stands elsewhere."""
        ...

    async def series(self, scale: Scale, types: Sequence[str] | None) -> dict[Place, Cell]:
        """The cells of a chart, of these types or of all."""
        ...

    async def forget_cells(self, span: int, before: datetime) -> int:
        """Delete the cells of stretches of this length that began before; how many."""
        ...
