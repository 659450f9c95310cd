"""What held tasks, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tradefree.tasks.waits import Stretch
from tradefree.testing.memory.tables import Tables


class Holding:
    """Implements ``ports.HoldStore``."""

    _tables: Tables

    async def keep_stretches(self, stretches: Sequence[Stretch]) -> None:
        async with self._tables.write():
            self._tables.stretches |= {(stretch.type, stretch.began_at): stretch for stretch in stretches}

    async def open_stretches(self, since: datetime) -> list[Stretch]:
        await self._tables.read()
        recent = (stretch for stretch in self._tables.stretches.values() if stretch.ended_at >= since)
        return list({stretch.type: stretch for stretch in sorted(recent, key=lambda one: one.ended_at)}.values())

    async def stretches(self, name: str, begin: datetime, end: datetime, limit: int) -> list[Stretch]:
        await self._tables.read()
        mine = (one for one in self._tables.stretches.values() if one.type == name)
        touching = (one for one in mine if one.began_at < end and one.ended_at > begin)
        return sorted(touching, key=lambda one: one.began_at)[:limit]

    async def forget_stretches(self, before: datetime) -> int:
        async with self._tables.write():
            old = [key for key, stretch in self._tables.stretches.items() if stretch.ended_at < before]
            for key in old:
                del self._tables.stretches[key]
            return len(old)
