"""Audit: the trail of who changed what. Lines are added, in the transaction of the change, and never changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.tables import audit
from tradefree.tasks.ports import Entry


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
    ) -> list[Entry]:
        """See ``ports.CatalogStore``."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(audit.c.id < before_id)
        if target is not None:
            query = query.where(audit.c.target == target)
        if actor is not None:
            query = query.where(audit.c.actor == actor)
        if action is not None:
            begins = audit.c.action.startswith(action[:-1], autoescape=True)
            query = query.where(begins if action.endswith("*") else audit.c.action == action)

        async def unit(connection: AsyncConnection) -> list[Entry]:
            return [Entry(**row._mapping) for row in await connection.execute(query)]

        return await self._database.read(unit)


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
