"""Keep: API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.database.engine import Database
from tradefree.database.stores.auditing import note
from tradefree.database.tables import api_keys
from tradefree.tasks.ports import Entry

KEY = [column for column in api_keys.c if column.name != "secret_hash"]
"""What there is to know of a key."""


class KeepingStore:
    """API keys, by the hash of their secret."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_key(self, key: ApiKey, secret_hash: str, entry: Entry | None = None) -> None:
        """See ``access.keys.KeyStore``. A repeat finds the row that is there."""
        row = {column.name: getattr(key, column.name) for column in KEY}
        row |= {"scopes": sorted(key.scopes), "secret_hash": secret_hash}

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(sa.insert(api_keys), row)
            await note(connection, entry)

        try:
            await self._database.write(unit)
        except IntegrityError:
            stored = await self.key_by_hash(secret_hash)
            if stored is None or stored.id != key.id:
                raise

    async def key_by_hash(self, secret_hash: str) -> ApiKey | None:
        """See ``access.keys.KeyStore``."""
        found = await self._find(api_keys.c.secret_hash == secret_hash)
        return found[0] if found else None

    async def keys(self) -> list[ApiKey]:
        """See ``access.keys.KeyStore``."""
        return await self._find(sa.true())

    async def revoke_key(self, key_id: str, at: datetime, entry: Entry | None = None) -> ApiKey | None:
        """See ``access.keys.KeyStore``."""

        async def unit(connection: AsyncConnection) -> None:
            active = (api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            revoked = await connection.execute(sa.update(api_keys).where(*active).values(revoked_at=at))
            if revoked.rowcount:
                await note(connection, entry)

        await self._database.write(unit)
        found = await self._find(api_keys.c.id == key_id)
        return found[0] if found else None

    async def touch_key(self, key_id: str, at: datetime) -> None:
        """See ``access.keys.KeyStore``."""

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(sa.update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at))

        await self._database.write(unit)

    async def _find(self, which: sa.ColumnElement[bool]) -> list[ApiKey]:
        async def unit(connection: AsyncConnection) -> list[ApiKey]:
            rows = await connection.execute(sa.select(*KEY).where(which).order_by(api_keys.c.id))
            return [to_key(row._asdict()) for row in rows]

        return await self._database.read(unit)


def to_key(row: Mapping[str, Any]) -> ApiKey:
    """A key from its columns."""
    values: dict[str, Any] = dict(row)
    values["scopes"] = frozenset(Scope(scope) for scope in values["scopes"])
    values["task_types"] = tuple(values["task_types"]) if values["task_types"] is not None else None
    return ApiKey(**values)
