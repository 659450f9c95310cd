"""Hold: what held the tasks of a type, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tradefree.database.console_tables import hold_stretches
from tradefree.database.engine import Database
from tradefree.tasks.waits import Cause, Stretch

_STRETCH = hold_stretches.c


class HoldingStore:
    """Stretches of time in which one thing held all tasks of a type."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_stretches(self, stretches: Sequence[Stretch]) -> None:
        """See ``ports.HoldStore``."""
        rows = [
            {
                "type": stretch.type,
                "began_at": stretch.began_at,
                "ended_at": stretch.ended_at,
                "kind": stretch.cause.kind,
                "scope": stretch.cause.scope,
            }
            for stretch in stretches
        ]
        if rows:
            await self._database.write(lambda connection: self._database.upsert(connection, hold_stretches, rows))

    async def open_stretches(self, since: datetime) -> list[Stretch]:
        """See ``ports.HoldStore``."""
        recent = sa.select(hold_stretches).where(_STRETCH.ended_at >= since).order_by(_STRETCH.ended_at)
        return list({stretch.type: stretch for stretch in await self._stretches(recent)}.values())

    async def stretches(self, name: str, begin: datetime, end: datetime, limit: int) -> list[Stretch]:
        """See ``ports.HoldStore``. As those of a type do not overlap, the first is the last that began before."""
        first = sa.select(sa.func.max(_STRETCH.began_at)).where(_STRETCH.type == name, _STRETCH.began_at <= begin)
        some = sa.select(hold_stretches).where(
            _STRETCH.type == name,
            _STRETCH.began_at >= sa.func.coalesce(first.scalar_subquery(), begin),
            _STRETCH.began_at < end,
            _STRETCH.ended_at > begin,
        )
        return await self._stretches(some.order_by(_STRETCH.began_at).limit(limit))

    async def forget_stretches(self, before: datetime) -> int:
        """See ``ports.HoldStore``."""
        old = sa.delete(hold_stretches).where(_STRETCH.ended_at < before)
        return (await self._database.write(lambda connection: connection.execute(old))).rowcount

    async def _stretches(self, query: sa.Select[Any]) -> list[Stretch]:
        rows = await self._database.read(lambda connection: connection.execute(query))
        return [Stretch(row.type, row.began_at, row.ended_at, Cause(row.kind, row.scope)) for row in rows]
