"""Back up: what was backed up when, and whether it could be restored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.backup_tables import backups
from tradefree.database.engine import Database

REMEMBER = timedelta(days=400)
"""How long the table tells of a backup."""
_ERROR = 1000
"""Characters of an error that are kept."""


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """One backup, made or tried."""

    id: str
    made_at: datetime
    file: str
    host: str
    size: int | None = None
    """Bytes."""
    row_count: int | None = None
    encrypted: bool = False
    took: float | None = None
    """Seconds."""
    error: str | None = None
    """Why there is no such backup."""
    proved_at: datetime | None = None
    proved_on: str | None = None
    proof_error: str | None = None
    """Why the last try to restore it failed."""


@dataclass(frozen=True, slots=True)
class BackupStanding:
    """How it stands with backups."""

    tried: BackupRecord | None = None
    """The latest that was made or tried."""
    made: BackupRecord | None = None
    """The latest that was made."""
    proved: BackupRecord | None = None
    """The one that was last restored for a test, with success."""
    refuted: BackupRecord | None = None
    """The one whose test failed last."""


class BackingStore:
    """The table of backups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_backup(self, record: BackupRecord) -> None:
        """Remember a backup that was made, or tried, and forget very old ones."""
        row = asdict(record) | {"error": record.error[:_ERROR] if record.error else None}

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(sa.delete(backups).where(backups.c.made_at < record.made_at - REMEMBER))
            await connection.execute(sa.delete(backups).where(backups.c.id == record.id))
            await connection.execute(sa.insert(backups).values(row))

        await self._database.write(unit)

    async def record_proof(self, record: BackupRecord) -> None:
        """Remember that a backup was restored for a test, or could not be; one that is not known is added."""
        proof = {
            "proved_at": record.proved_at,
            "proved_on": record.proved_on,
            "proof_error": record.proof_error[:_ERROR] if record.proof_error else None,
        }

        async def unit(connection: AsyncConnection) -> None:
            this = backups.c.id == record.id
            if await connection.scalar(sa.select(backups.c.id).where(this)) is None:
                await connection.execute(sa.insert(backups).values(asdict(record) | proof))
            else:
                await connection.execute(sa.update(backups).where(this).values(proof))

        await self._database.write(unit)

    async def backups(self, limit: int) -> list[BackupRecord]:
        """The newest first."""
        query = sa.select(backups).order_by(backups.c.made_at.desc(), backups.c.id.desc()).limit(limit)
        return await self._database.read(lambda connection: _records(connection, query))

    async def backup_standing(self) -> BackupStanding:
        """The latest of each kind."""
        of = backups.c
        wanted: dict[str, tuple[sa.Column[Any], sa.ColumnElement[bool]]] = {
            "tried": (of.made_at, sa.true()),
            "made": (of.made_at, of.error.is_(None)),
            "proved": (of.proved_at, of.proved_at.is_not(None) & of.proof_error.is_(None)),
            "refuted": (of.proved_at, of.proof_error.is_not(None)),
        }

        async def unit(connection: AsyncConnection) -> BackupStanding:
            found: dict[str, BackupRecord | None] = {}
            for name, (order, which) in wanted.items():
                query = sa.select(backups).where(which).order_by(order.desc(), of.id.desc()).limit(1)
                found[name] = next(iter(await _records(connection, query)), None)
            return BackupStanding(**found)

        return await self._database.read(unit)


async def _records(connection: AsyncConnection, query: sa.Select[Any]) -> list[BackupRecord]:
    return [BackupRecord(**row) for row in (await connection.execute(query)).mappings()]
