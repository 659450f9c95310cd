"""Restore: what a backup holds goes into an empty database, row by row; then what is no longer true is put right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.backups.archive import ArchiveReader, Manifest, Rows, Sum
from tradefree.backups.layout import Layout
from tradefree.backups.snapshot import Snapshot, reading, snapshot
from tradefree.clock import Clock
from tradefree.database.engine import Database
from tradefree.database.migrate import known, upgrade
from tradefree.database.stores.auditing import note
from tradefree.database.tables import leaders, workers
from tradefree.errors import BackupDamaged, InvalidInput, SettingsError
from tradefree.tasks.ports import Entry
from tradefree.tasks.task import GONE, WorkerStatus


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put into a database, and found there again."""

    manifest: Manifest
    schema: str
    """That of the backup. The database has this version's."""

    @property
    def rows(self) -> int:
        return sum(table["rows"] for table in self.manifest.values())


def require_known(reader: ArchiveReader) -> None:
    """Raise InvalidInput if the backup is of a schema that this version does not know."""
    if reader.schema not in known():
        raise InvalidInput(
            f"the backup is of schema {reader.schema}, made by tradefree {reader.facts.get('version')}: newer than "
            "this version; upgrade tradefree, then restore"
        )


async def restore(reader: ArchiveReader, url: sa.URL, clock: Clock) -> Restored:
    """Fill an empty database, compare every row with what the backup says, and bring it to this version's schema. If
    that fails, the database is as empty as it was."""
    require_known(reader)
    if url.get_backend_name() == "sqlite":
        async with _new_file(Path(url.database or "")) as part:
            await _restore(reader, Database(url.set(database=str(part)), clock))
    else:
        await _restore(reader, Database(url, clock))
    return Restored(reader.manifest, reader.schema)


async def _restore(reader: ArchiveReader, database: Database) -> None:
    async with closing(database):
        await _require_empty(database)
        try:
            await fill(reader, database)
            await upgrade(database)
            await database.write(lambda connection: _tell(connection, reader, database.clock.now()))
        except BaseException:
            await asyncio.shield(_empty(database))
            raise


@asynccontextmanager
async def _new_file(file: Path) -> AsyncIterator[Path]:
    """A file to fill. It gets its name at the end, and does not stay if the body raises."""
    for there in (file, *_beside(file)):
        if there.exists() and there.stat().st_size:
            raise SettingsError(
                f"TRADEFREE_DATABASE_URL: {there} is there already; nothing was changed. Move it away with all files "
                f"whose names begin with {file.name}, except for {file.name}.key, or name another file"
            )
    part = file.with_name(f"{file.name}.restoring")
    _remove(part)
    try:
        yield part
        for there in (file, *_beside(file)):
            there.unlink(missing_ok=True)
        part.rename(file)
    finally:
        _remove(part)


def _beside(file: Path) -> tuple[Path, ...]:
    return tuple(file.with_name(file.name + end) for end in ("-wal", "-shm"))


def _remove(file: Path) -> None:
    for there in (file, *_beside(file)):
        there.unlink(missing_ok=True)


async def _require_empty(database: Database) -> None:
    """Raise SettingsError, saying what to do, if the database has tables."""
    names = await database.read(lambda c: c.run_sync(lambda sync: sa.inspect(sync).get_table_names()))
    if names:
        raise SettingsError(
            f"TRADEFREE_DATABASE_URL: the database is not empty, it has the table {sorted(names)[0]}; nothing was "
            "changed. Make an empty one and name that"
        )


async def fill(reader: ArchiveReader, database: Database) -> None:
    """Put the rows into an empty database of the backup's schema, read them again, put right what is no longer true.

    Nobody can work on the database meanwhile: the leader's row, without which everybody refuses it, comes last."""
    await upgrade(database, reader.schema)
    seen: list[Layout] = []
    for rows in reader.rows():
        if not rows.lines:
            seen.append(rows.layout)
            await _begin(database, rows.layout)
        else:
            await _insert(database, rows)
    async with _again(database) as taken:
        await _compare(reader.manifest, seen, taken)
    await database.write(_settle)


@asynccontextmanager
async def _again(database: Database) -> AsyncIterator[Snapshot]:
    """What is in the database now. Nobody else uses it, so an SQLite file needs no copy."""
    if database.sqlite:
        with reading(Path(database.url.database or "")) as rows:
            yield rows
    else:
        async with snapshot(database) as taken:
            yield taken


async def _begin(database: Database, layout: Layout) -> None:
    """What a migration has put there goes: the backup has its own."""
    quoted = _dialect(database).identifier_preparer.quote(layout.table)
    await database.write(lambda connection: connection.exec_driver_sql(f"DELETE FROM {quoted}"))  # noqa: S608


async def _insert(database: Database, rows: Rows) -> None:
    try:
        values = [tuple(orjson.loads(line)) for line in rows.lines]
    except orjson.JSONDecodeError:
        raise BackupDamaged("it is damaged: a row is no JSON") from None
    statement = rows.layout.insert(_dialect(database))
    await database.write(lambda connection: connection.exec_driver_sql(statement, values))


async def _compare(manifest: Manifest, seen: list[Layout], taken: Snapshot) -> None:
    for layout in seen:
        total = Sum()
        async for lines in taken.lines(layout):
            total.add(lines)
        found, wanted = total.document(), manifest[layout.table]
        if found != wanted:
            raise BackupDamaged(
                f"the table {layout.table} was not restored as it was: {wanted['rows']} rows were written, "
                f"{found['rows']} were read, or some of them are not the same"
            )


async def _settle(connection: AsyncConnection) -> None:
    """What was true when the backup was made and is not now: who leads, who works. The ordinary recovery finds their
    tasks; nobody is said to have died, so no task is held to be the cause."""
    await connection.execute(
        sa.update(workers).where(workers.c.status.not_in(sorted(GONE))).values(status=WorkerStatus.LEFT)
    )
    await connection.execute(sa.update(leaders).values(holder=None, lease_until=None, epoch=leaders.c.epoch + 1))


async def _tell(connection: AsyncConnection, reader: ArchiveReader, now: datetime) -> None:
    """A line of the audit trail: from here on, history has a seam."""
    detail = {"made_at": reader.facts["made_at"], "schema": reader.schema}
    entry = Entry.new(now, "command line", "database.restored", f"backup:{reader.facts['id']}", detail)
    await note(connection, entry)


async def _empty(database: Database) -> None:
    """Drop all tables: there were none before."""

    def drop(connection: sa.Connection) -> None:
        found = sa.MetaData()
        found.reflect(connection)
        found.drop_all(connection)

    await database.migrate(lambda connection: connection.run_sync(drop))


def _dialect(database: Database) -> sa.Dialect:
    return database.url.get_dialect()()


@asynccontextmanager
async def closing(database: Database) -> AsyncIterator[Database]:
    """The database, whose connections are closed at the end."""
    try:
        yield database
    finally:
        await database.close()
