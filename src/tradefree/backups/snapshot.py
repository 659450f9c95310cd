"""A database as it was in one moment, while others go on writing.

* SQLite: a copy by SQLite's online backup API, read afterwards. The copy is made in one step under a read lock, which
  in WAL mode stops nobody; reading the original would keep SQLite from tidying its log for as long as that takes.
* MariaDB, MySQL: one REPEATABLE READ transaction, from whose first moment all rows are seen; none is locked.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.backups.layout import Layout, line_of
from tradefree.database.engine import Database
from tradefree.database.mysql_errors import error_number
from tradefree.errors import BackupDamaged, Conflict, StorageUnavailable

AT_ONCE = 200
"""Rows fetched together. A row may have some MB."""
SESSION = (
    "SET SESSION wait_timeout = 3600, net_write_timeout = 3600, net_read_timeout = 3600"
    " /*M!100100 , max_statement_time = 0 */ /*!80000 , max_execution_time = 0 */"
)
"""Whoever takes the backup away may be slow, and a large table takes its time."""
START = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_CHANGED = (1412, 1146, 1054)
"""The table's definition has changed, there is no such table, no such column."""


class Snapshot(Protocol):
    """All rows of one moment."""

    def lines(self, layout: Layout) -> AsyncIterator[list[bytes]]:
        """A table's rows in the order of its key, some at a time."""
        ...


@asynccontextmanager
async def snapshot(database: Database, scratch: Path | None = None) -> AsyncIterator[Snapshot]:
    """The database in this moment. ``scratch``: a folder for SQLite's copy; by default the system's for such things."""
    if not database.sqlite:
        async with _on_server(database) as taken:
            yield taken
        return
    with TemporaryDirectory(prefix=".tradefree-copy-", dir=scratch) as folder:
        copy = Path(folder) / "copy.db"
        with storage_errors("the copy of the database"):
            _copy(database.url.database or "", copy)
        with reading(copy) as taken_here:
            yield taken_here


def _copy(file: str, to: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(file, timeout=10)) as source,
        contextlib.closing(sqlite3.connect(to)) as target,
    ):
        target.execute("PRAGMA synchronous = OFF")  # it is gone after a crash, whatever was written
        source.backup(target)
        (found,) = target.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BackupDamaged(f"the database itself is damaged, so nothing was backed up: {found}")


class SqliteRows:
    """The rows of an SQLite file that nobody writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def lines(self, layout: Layout) -> AsyncIterator[list[bytes]]:
        """See ``Snapshot``."""
        with storage_errors(f"the table {layout.table}"):
            found = self._connection.execute(layout.select(sqlite_dialect()))
            while rows := found.fetchmany(AT_ONCE):
                yield [line_of(row) for row in rows]


@contextlib.contextmanager
def reading(file: Path) -> Iterator[SqliteRows]:
    """An SQLite file that nobody else uses."""
    with contextlib.closing(sqlite3.connect(file, timeout=10)) as connection:
        yield SqliteRows(connection)


class ServerRows:
    """The rows that a transaction on a server sees."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lines(self, layout: Layout) -> AsyncIterator[list[bytes]]:
        """See ``Snapshot``. The rows are not fetched before they are wanted."""
        query = sa.text(layout.select(self._connection.dialect))
        async with self._connection.stream(query, execution_options={"max_row_buffer": AT_ONCE}) as found:
            async for rows in found.partitions(AT_ONCE):
                yield [line_of(tuple(row)) for row in rows]


@asynccontextmanager
async def _on_server(database: Database) -> AsyncIterator[ServerRows]:
    async with database.alone() as connection:
        await connection.exec_driver_sql(SESSION)
        for statement in START:
            await connection.exec_driver_sql(statement)
        try:
            yield ServerRows(connection)
        except DBAPIError as error:
            if error_number(error.orig) in _CHANGED:
                raise Conflict("the schema was changed while the backup was made: make it again") from error
            raise


@contextlib.contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Say in a sentence what SQLite says."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageUnavailable(f"{what}: {error}") from error
