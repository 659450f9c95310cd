"""What the database is, and how it stands with it, for whoever runs the system."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.migrate import current
from tradefree.database.protocol import PROTOCOL
from tradefree.database.server import read_server
from tradefree.database.stores.backing import BackingStore, BackupRecord
from tradefree.database.tables import leaders


async def about(database: Database) -> dict[str, Any]:
    """Kind and version, schema, protocol, who leads, the latest backup and the latest that was proved."""
    standing = await BackingStore(database).backup_standing()
    return {
        "database": f"SQLite {sqlite3.sqlite_version}" if database.sqlite else str(await read_server(database)),
        "schema_version": await current(database),
        "protocol": PROTOCOL,
        "leader": await database.read(_leader),
        "last_backup": _backup(standing.tried),
        "last_proved_backup": _backup(standing.proved),
    }


async def _leader(connection: AsyncConnection) -> str | None:
    holder: str | None = await connection.scalar(sa.select(leaders.c.holder))
    return holder


def _backup(record: BackupRecord | None) -> dict[str, Any] | None:
    names = ("made_at", "file", "host", "size", "encrypted", "error", "proved_at", "proved_on", "proof_error")
    return None if record is None else {name: getattr(record, name) for name in names}
