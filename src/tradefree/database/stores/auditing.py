"""Audit: the trail of who changed what. Lines are added, in the transaction of the change, and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.stores.ways import TICK, Way, in_this_order, shortest
from tradefree.database.tables import audit
from tradefree.ids import first_id_at
from tradefree.tasks.ports import Entry

_LAST = "~"
"""Above every letter that an action goes on with."""


class AuditingStore:
    """The audit trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write_down(self, entry: Entry) -> None:
        """See ``ports.CatalogStore``. A repeat finds the line that is there."""

        await self._database.write(lambda connection: note_once(connection, entry))

    async def audit(
        self,
        *,
        limit: int,
        before_id: str | None = None,
        target: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Entry]:
        """See ``ports.CatalogStore``."""
        looking = _Looking(before_id, target, actor, action, after, before)

        async def unit(connection: AsyncConnection) -> list[Entry]:
            query = await looking.query(connection, limit)
            return [Entry(**row._mapping) for row in await connection.execute(query)] if query is not None else []

        return await self._database.read(unit, slow=True)


@dataclass(frozen=True, slots=True)
class _Looking:
    """One look at the trail: what it is for, and the shortest way to it."""

    before_id: str | None
    target: str | None
    actor: str | None
    action: str | None
    after: datetime | None
    before: datetime | None

    async def query(self, connection: AsyncConnection, limit: int) -> sa.Select[Any] | None:
        """The newest lines; None if there cannot be one."""
        ways = await self._ways(connection)
        if not all(way.starts for way in ways):
            return None
        way = await shortest(connection, ways, self._bounds)
        parts = [sa.select(self._part(way, start, limit).subquery()) for start in way.starts]
        ids = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
        lines = in_this_order(sa.select(audit).select_from(ids).join(audit, audit.c.id == ids.c[0]))
        return lines.order_by(audit.c.id.desc()).limit(limit)

    async def _ways(self, connection: AsyncConnection) -> list[Way]:
        found = []
        if self.target is not None:
            found.append(_way("target", audit.c.target == self.target))
        if self.actor is not None:
            found.append(_way("actor", audit.c.actor == self.actor))
        if self.action is not None and self.action != "*":
            found.append(_way("action", *[audit.c.action == name for name in await self._actions(connection)]))
        return found or [Way("PRIMARY", (sa.true(),), audit, audit.c.id)]

    async def _actions(self, connection: AsyncConnection) -> list[str]:
        """Those that are meant. There are few, so each is one hop in the index, however many lines there are."""
        assert self.action is not None
        if not self.action.endswith("*"):
            return [self.action]
        least, above = _begins(audit.c.action, self.action)
        names: list[str] = []
        while name := await connection.scalar(sa.select(sa.func.min(audit.c.action)).where(least, above)):
            names.append(name)
            least = audit.c.action > name  # instead of the first: SQLite would walk from there
        return names

    def _part(self, way: Way, start: sa.ColumnElement[bool], limit: int) -> sa.Select[Any]:
        ids = sa.select(audit.c.id).where(start, *self._bounds(audit.c.id), *self._conditions())
        return by_index(ids, audit, way.index).order_by(audit.c.id.desc()).limit(limit)

    def _bounds(self, id_: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """Ids carry the moment in which it was done."""
        bounds = [] if self.before_id is None else [id_ < self.before_id]
        if self.after is not None:
            bounds.append(id_ >= first_id_at(self.after))
        if self.before is not None:
            bounds.append(id_ < first_id_at(self.before + TICK))
        return bounds

    def _conditions(self) -> list[sa.ColumnElement[bool]]:
        wanted = ((audit.c.target, self.target), (audit.c.actor, self.actor))
        found = [aside(column) == value for column, value in wanted if value is not None]
        if self.action is not None:
            action = aside(audit.c.action)
            found += _begins(action, self.action) if self.action.endswith("*") else [action == self.action]
        if self.after is not None:
            found.append(audit.c.at > self.after)
        if self.before is not None:
            found.append(audit.c.at < self.before)
        return found


def _begins(column: sa.ColumnElement[str], pattern: str) -> list[sa.ColumnElement[bool]]:
    """That it begins as a pattern with ``*`` at its end does, in a way that every index can serve."""
    return [column >= pattern[:-1], column < pattern[:-1] + _LAST]


def _way(index: str, *starts: sa.ColumnElement[bool]) -> Way:
    return Way(f"ix_audit_{index}", starts, audit, audit.c.id)


async def note(connection: AsyncConnection, entry: Entry | None) -> None:
    """Add a line, inside somebody's transaction."""
    if entry is not None:
        await connection.execute(sa.insert(audit), entry_row(entry))


async def note_once(connection: AsyncConnection, entry: Entry) -> None:
    """Add a line whose transaction has nothing else by which a repeat would be known."""
    known = sa.select(audit.c.id).where(audit.c.id == entry.id)
    if await connection.scalar(known) is None:
        await note(connection, entry)


def entry_row(entry: Entry) -> dict[str, Any]:
    """A line of the audit trail as a row."""
    row = {column.name: getattr(entry, column.name) for column in audit.c}
    return row | {"detail": dict(entry.detail)}
