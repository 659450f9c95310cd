"""Verify: a backup is good if it can be restored, and nothing less shows that it is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from tradefree.access.secrets import SecretBox
from tradefree.backups.archive import ArchiveReader, Manifest
from tradefree.backups.invariants import require_sound
from tradefree.backups.restore import closing, fill, require_known
from tradefree.clock import Clock
from tradefree.database.engine import Database
from tradefree.database.migrate import upgrade
from tradefree.database.mysql_errors import NO_RIGHT_TO_DATABASE, error_number, grant
from tradefree.database.server import read_server
from tradefree.database.tables import metadata
from tradefree.errors import SettingsError, StorageRefused
from tradefree.ids import new_id

SCRATCH = "tradefree_verify_"
"""How the names of scratch databases on a server begin."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a restore has shown."""

    id: str
    """The backup's."""
    made_at: datetime
    schema: str
    manifest: Manifest
    on: str
    """Where it was restored: ``sqlite``, ``mariadb``, ``mysql``."""
    questions: int
    """Invariants that hold."""
    closed: int
    """Stored secrets that the secret key of this installation does not open, if that was looked at."""
    took: float
    """Seconds."""

    @property
    def rows(self) -> int:
        return sum(table["rows"] for table in self.manifest.values())


async def verify(
    reader: ArchiveReader,
    clock: Clock,
    box: SecretBox | None,
    *,
    server: sa.URL | None = None,
    folder: Path | None = None,
) -> Proof:
    """Restore into a scratch database: on the ``server`` or, without one, an SQLite file in ``folder`` (by default the
    system's for such things). Every row is compared, this version's migrations are applied, all invariants are asked.
    """
    require_known(reader)
    began = time.monotonic()
    async with _scratch(clock, server, folder) as database:
        await fill(reader, database)
        await upgrade(database)
        questions = await require_sound(database)
        closed = await _closed(database, box) if box is not None else 0
        on = "sqlite" if database.sqlite else (await read_server(database)).kind.lower()
    return Proof(
        id=str(reader.facts["id"]),
        made_at=datetime.fromisoformat(reader.facts["made_at"]),
        schema=reader.schema,
        manifest=reader.manifest,
        on=on,
        questions=questions,
        closed=closed,
        took=time.monotonic() - began,
    )


@asynccontextmanager
async def _scratch(clock: Clock, server: sa.URL | None, folder: Path | None) -> AsyncIterator[Database]:
    if server is None:
        with TemporaryDirectory(prefix=".tradefree-verify-", dir=folder) as place:
            async with closing(Database(sa.make_url(f"sqlite+aiosqlite:///{place}/restored.db"), clock)) as database:
                yield database
        return
    name = SCRATCH + new_id().replace("-", "")
    await _on_server(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        async with closing(Database(server.set(database=name), clock)) as database:
            yield database
    finally:
        await _on_server(server, f"DROP DATABASE {name}")


async def _on_server(server: sa.URL, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 5})
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        if error_number(error.orig) == NO_RIGHT_TO_DATABASE:
            right = grant(server, on=f"`{SCRATCH.replace('_', chr(92) + '_')}%`.*")
            raise StorageRefused(
                f"TRADEFREE_DATABASE_URL: the user {server.username!r} may not make a scratch database: {right}; or "
                "leave out --on-server, then the backup is restored into an SQLite file"
            ) from None
        raise StorageRefused(f"TRADEFREE_DATABASE_URL: the scratch database: {error.orig}") from error
    finally:
        await engine.dispose()


async def _closed(database: Database, box: SecretBox) -> int:
    """How many sealed texts the key does not open. That is no fault of the backup: the key is kept apart."""
    closed = 0
    for table in metadata.tables.values():
        for column in table.c:
            if column.name.startswith("sealed"):
                query = sa.select(column).where(column.is_not(None))
                closed += sum(not _opens(box, text) for text in await database.read(partial(_texts, query)))
    return closed


async def _texts(query: sa.Select[str], connection: AsyncConnection) -> list[str]:
    return list((await connection.execute(query)).scalars())


def _opens(box: SecretBox, text: str) -> bool:
    try:
        box.open(text)
    except SettingsError:
        return False
    return True
