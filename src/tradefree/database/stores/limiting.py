"""Limit: caps that stand by themselves, and what was changed in any scope."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.stores.auditing import note
from tradefree.database.stores.defining import changed
from tradefree.database.tables import limits, task_types
from tradefree.errors import Conflict
from tradefree.limits.caps import Caps, Override
from tradefree.limits.scopes import Scope, parse_scope
from tradefree.tasks.ports import Entry, Limits


class LimitingStore:
    """Limits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def limits(self) -> Limits:
        """See ``ports.CatalogStore``."""

        async def unit(connection: AsyncConnection) -> Limits:
            rows = (await connection.execute(sa.select(limits))).all()
            return Limits(
                {parse_scope(row.scope): Caps(**row.baseline) for row in rows if row.baseline is not None},
                {parse_scope(row.scope): Override(**row.override) for row in rows if row.override is not None},
            )

        return await self._database.read(unit)

    async def put_baseline(self, scope: Scope, caps: Caps | None, entry: Entry | None = None) -> bool:
        """See ``ports.CatalogStore``."""
        document = caps.model_dump(mode="json", exclude_defaults=True) if caps is not None else None

        async def unit(connection: AsyncConnection) -> bool:
            if document is None:
                await _require_unused(connection, scope)
            stored = await self._put_limit(connection, scope, {"baseline": document})
            if stored:
                await note(connection, entry)
            return stored

        return await self._database.write(unit)

    async def put_override(self, scope: Scope, override: Override | None, entry: Entry) -> bool:
        """See ``ports.CatalogStore``."""
        document = override.model_dump(mode="json", exclude_unset=True) if override is not None else None

        async def unit(connection: AsyncConnection) -> bool:
            stored = await self._put_limit(connection, scope, {"override": document})
            if stored:
                await note(connection, entry)
            return stored

        return await self._database.write(unit)

    async def _put_limit(self, connection: AsyncConnection, scope: Scope, values: dict[str, Any]) -> bool:
        query = self._database.locked(sa.select(limits).where(limits.c.scope == str(scope)))
        before = (await connection.execute(query)).one_or_none()
        row = {"baseline": None, "override": None} if before is None else before._mapping
        after = {"baseline": row["baseline"], "override": row["override"]} | values
        if all(row[name] == after[name] for name in after):
            return False
        if not any(after.values()):
            await connection.execute(sa.delete(limits).where(limits.c.scope == str(scope)))
        else:
            now = await self._database.now(connection)
            await self._database.upsert(connection, limits, [{"scope": str(scope), **after, "updated_at": now}])
        await changed(connection)
        return True


async def _require_unused(connection: AsyncConnection, scope: Scope) -> None:
    """Raise Conflict if a task type points to this shared limit."""
    if scope.kind != "limit":
        return
    documents = (await connection.execute(sa.select(task_types.c.document))).scalars()
    users = [document["name"] for document in documents if scope.name in document.get("limits", ())]
    if users:
        raise Conflict(
            f"the limit {scope.name!r} is used by the task types {', '.join(users)}",
            code="used_by_types",
            facts={"names": ", ".join(users)},
        )
