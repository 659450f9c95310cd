"""SQLite: one connection writes, in the event loop's own thread; others read, in threads of their own.

Handing each statement to a thread and back, as aiosqlite does, takes longer than the statement itself (measured: the
four transactions of one task took 26-29 ms that way and 7-11 ms this way). Units that write are short, so the loop may
wait for them; reading, which may take long, stays in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tradefree.errors import SettingsError

T = TypeVar("T")

READERS = 4
LOCKED_SECONDS = 10.0
"""How long a writer waits for another process's transaction, or another loop's."""
FIRST_WAIT, LONGEST_WAIT = 0.0005, 0.02
"""Seconds between tries to begin, growing."""


class SqliteEngines:
    """The writer of one file, its readers, and readers for what may take long."""

    def __init__(self, url: sa.URL) -> None:
        _check_folder(url)
        self._writer = InlineWriter(url.database or "")
        self._reader = _reader(url)
        self._searcher = _reader(url)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Committed at the end, rolled back if the body raises."""
        async with self._writer.transaction() as connection:
            yield cast(AsyncConnection, connection)

    @asynccontextmanager
    async def reading(self, *, slow: bool) -> AsyncIterator[AsyncConnection]:
        """A connection to read with."""
        async with (self._searcher if slow else self._reader).connect() as connection:
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """A transaction as any other: it holds the whole file."""
        async with self.transaction() as connection:
            yield connection

    async def close(self) -> None:
        self._writer.close()
        await self._reader.dispose()
        await self._searcher.dispose()


class InlineConnection:
    """The part of SQLAlchemy's ``AsyncConnection`` that the stores use."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> sa.Dialect:
        return self._connection.dialect

    async def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> sa.CursorResult[Any]:
        return self._connection.exec_driver_sql(statement, parameters)

    async def scalar(self, statement: sa.Executable, parameters: Any = None) -> Any:
        return self._connection.scalar(statement, parameters)

    async def run_sync(self, function: Callable[[sa.Connection], T]) -> T:
        return function(self._connection)


class InlineWriter:
    """One connection, one transaction at a time, each beginning with the write lock."""

    def __init__(self, file: str) -> None:
        _make_private(file)
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=file),
            pool_size=1,
            max_overflow=0,
            connect_args={"timeout": 0, "check_same_thread": False},
        )
        self._turn = asyncio.Lock()

        @sa.event.listens_for(self._engine, "connect")
        def prepare(dbapi_connection: Any, _: Any) -> None:
            dbapi_connection.isolation_level = None  # we say BEGIN ourselves
            dbapi_connection.execute("PRAGMA busy_timeout = 10000")  # the first to come changes the journal's mode
            dbapi_connection.execute("PRAGMA journal_mode = WAL")
            dbapi_connection.execute("PRAGMA busy_timeout = 0")  # afterwards we wait without stopping the loop
            dbapi_connection.execute("PRAGMA synchronous = FULL")  # an accepted task survives a power cut
            dbapi_connection.execute("PRAGMA cache_size = -32000")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[InlineConnection]:
        """Committed at the end, rolled back if the body raises."""
        async with self._turn:
            with self._engine.connect() as connection, connection.begin():
                await _take_write_lock(connection)
                yield InlineConnection(connection)

    def close(self) -> None:
        self._engine.dispose()


def _make_private(file: str) -> None:
    """A new file is its owner's alone: it holds the payloads. The files SQLite puts beside it are like it."""
    with contextlib.suppress(OSError):  # what is wrong with the place is said when the file is opened
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))


async def _take_write_lock(connection: sa.Connection) -> None:
    loop = asyncio.get_running_loop()
    deadline, wait = loop.time() + LOCKED_SECONDS, FIRST_WAIT
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        except OperationalError as error:
            if "locked" not in str(error.orig) or loop.time() > deadline:
                raise
        await asyncio.sleep(wait)
        wait = min(LONGEST_WAIT, wait * 1.5)


def _reader(url: sa.URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=60,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": 10},
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(dbapi_connection: Any, _: Any) -> None:
        dbapi_connection.isolation_level = None
        dbapi_connection.execute("PRAGMA cache_size = -32000").close()
        dbapi_connection.create_function("lower", 1, _lower, deterministic=True)

    return engine


def _lower(text: str | None) -> str | None:
    """SQLite's own knows the letters of English only."""
    return None if text is None else text.lower()


def _check_folder(url: sa.URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SettingsError("TRADEFREE_DATABASE_URL: SQLite needs a file, as in sqlite+aiosqlite:///tradefree.db")
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise SettingsError(f"TRADEFREE_DATABASE_URL: the folder {folder} does not exist")
