"""MariaDB and MySQL through asyncmy: pools, sessions, time-outs."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from asyncmy.connection import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry as PoolRecord

from tradefree.database.mysql_driver import connect
from tradefree.database.mysql_errors import NO_SERVER, PACKET_TOO_LARGE, error_number
from tradefree.errors import SettingsError
from tradefree.ids import digest

CONNECT_SECONDS = 5
FREE_SECONDS = 5
"""How long a unit waits for one of our connections to become free."""
SILENT_SECONDS = 10
"""No unit of ours takes longer; a server that went silent is given up. (Not by the driver's ``read_timeout``: before
Python 3.12 that loses a cancellation which comes together with an answer, and it makes a task for every read.)"""
IDLE_SECONDS = 1.0
"""A connection that lay idle for longer is asked whether it lives before it is used: a round trip saved else."""
SESSION = (
    "SET SESSION wait_timeout = 8, "  # about half a lease: a frozen process must not hold row locks for hours
    "innodb_lock_wait_timeout = 3, "
    "time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
    "NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO', "  # MySQL warns at each connection if one is missing
    "SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
)
SEARCH_SECONDS = 8
"""A search of people may take this long; the server itself ends it, else it would go on when nobody waits any more."""
SEARCH = (
    "SET SESSION wait_timeout = 8 "
    f"/*M!100100 , max_statement_time = {SEARCH_SECONDS} */ "  # MariaDB's name, which it alone reads
    f"/*!80000 , max_execution_time = {SEARCH_SECONDS}000 */"  # MySQL's
)
WRITERS, READERS = 8, 4
"""Connections of one process. Claims, finishes, beats and submits are coalesced, so a few are enough."""
MOST_CONNECTIONS = WRITERS + 2 * READERS
"""Connections that one process opens at most."""
MIGRATION_WAITS = 600
"""Seconds to wait for another migration to end."""


class MysqlEngines:
    """Three pools: one whose connections hold transactions, and two that only read, the second what may take long."""

    def __init__(self, url: sa.URL) -> None:
        _check(url)
        self._url = url
        self.packet = 0
        """The server's max_allowed_packet, in bytes; 0 until a connection was made."""
        self._writer = self._engine(WRITERS)
        self._reader = self._engine(READERS, isolation_level="AUTOCOMMIT")
        self._searcher = self._engine(READERS, isolation_level="AUTOCOMMIT")

        @sa.event.listens_for(self._searcher.sync_engine, "connect")
        def bound(dbapi_connection: Any, _: Any) -> None:
            cursor = dbapi_connection.cursor()
            cursor.execute(SEARCH)
            cursor.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Committed at the end, rolled back if the body raises. Raises TimeoutError."""
        async with asyncio.timeout(SILENT_SECONDS) as limit, self._writer.begin() as connection:
            _anew(limit)
            yield connection

    @asynccontextmanager
    async def reading(self, *, slow: bool) -> AsyncIterator[AsyncConnection]:
        """A connection to read with. Raises TimeoutError."""
        reader = self._searcher if slow else self._reader
        async with asyncio.timeout(SILENT_SECONDS) as limit, reader.connect() as connection:
            _anew(limit)
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may take as long as it takes, while no other migration of this database runs."""
        engine = self._engine(1)
        lock = {"name": f"tradefree.{digest(self._url.database or '')[:32]}", "seconds": MIGRATION_WAITS}
        try:
            async with engine.begin() as connection:
                if not await connection.scalar(sa.text("SELECT GET_LOCK(:name, :seconds)"), lock):
                    raise SettingsError(f"another migration of this database has been running for {MIGRATION_WAITS} s")
                yield connection
        finally:
            await engine.dispose()  # ends the session, and with it the lock

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[AsyncConnection]:
        """A connection of its own, without a transaction unless its user begins one; closed at the end."""
        engine = self._engine(1, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()
        await self._searcher.dispose()

    def _engine(self, size: int, **options: Any) -> AsyncEngine:
        engine = create_async_engine(
            self._url.set(query={"charset": "utf8mb4", **self._url.query}),
            pool_size=size,
            max_overflow=0,
            pool_timeout=FREE_SECONDS,
            pool_use_lifo=True,
            pool_reset_on_return=None,  # every transaction has been ended by then: a ROLLBACK is a wasted round trip
            skip_autocommit_rollback=True,  # and so is one after reading
            connect_args={"connect_timeout": CONNECT_SECONDS, "async_creator_fn": connect},
            **options,
        )

        @sa.event.listens_for(engine.sync_engine, "connect")
        def prepare(dbapi_connection: Any, _: Any) -> None:
            cursor = dbapi_connection.cursor()
            for statement in SESSION.split(", SESSION TRANSACTION"):
                cursor.execute(statement if statement.startswith("SET") else f"SET SESSION TRANSACTION{statement}")
            cursor.execute("SELECT @@max_allowed_packet")
            self.packet = int(cursor.fetchone()[0])
            cursor.close()

        @sa.event.listens_for(engine.sync_engine, "handle_error")
        def give_up(context: sa.engine.ExceptionContext) -> None:
            """After this error the server hangs up, so no rollback is tried, which would hide the error."""
            if error_number(context.original_exception) == PACKET_TOO_LARGE:
                context.is_disconnect = True

        _steady_connecting(engine)
        _ask_the_idle(engine)
        return engine


def _steady_connecting(engine: AsyncEngine) -> None:
    """Let whatever asyncmy stumbles over, when a connection breaks while it is being set up, mean just that."""

    @sa.event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Any, _: Any, arguments: Any, options: Any) -> Any:
        try:
            return dialect.connect(*arguments, **options)
        except (dialect.loaded_dbapi.Error, OSError):
            raise
        except Exception as error:
            raise dialect.loaded_dbapi.OperationalError(NO_SERVER, f"cannot connect: {error}") from error


def _ask_the_idle(engine: AsyncEngine) -> None:
    """Let idle connections be asked whether they live before they are used."""

    @sa.event.listens_for(engine.sync_engine, "checkin")
    def remember(_: Any, record: PoolRecord) -> None:
        record.info["used_at"] = time.monotonic()

    @sa.event.listens_for(engine.sync_engine, "checkout")
    def look(dbapi_connection: Any, record: PoolRecord, _: Any) -> None:
        """The server closes idle connections after ``wait_timeout``; one that was just used is not asked."""
        if time.monotonic() - record.info.get("used_at", math.inf) < IDLE_SECONDS:
            return
        try:
            engine.sync_engine.dialect.do_ping(dbapi_connection)
        except Exception as error:  # whatever it is, the pool must try another one
            raise sa.exc.DisconnectionError(str(error)) from error


def _anew(limit: asyncio.Timeout) -> None:
    """``SILENT_SECONDS`` from now, unless the time has just run out."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time() + SILENT_SECONDS)


def _check(url: sa.URL) -> None:
    """Raise SettingsError for a URL that cannot work."""
    if not url.database:
        raise SettingsError("TRADEFREE_DATABASE_URL: names no database: mysql+asyncmy://USER:PASSWORD@HOST/DATABASE")
    if url.query.get("charset", "utf8mb4") != "utf8mb4":
        raise SettingsError("TRADEFREE_DATABASE_URL: charset must be utf8mb4, or some text could not be stored")
    try:
        _, options = url.get_dialect()().create_connect_args(url)
    except ValueError as error:
        raise SettingsError(f"TRADEFREE_DATABASE_URL: an option has a wrong value: {error}") from None
    if unknown := sorted(set(options) - set(inspect.signature(Connection.__init__).parameters)):
        raise SettingsError(f"TRADEFREE_DATABASE_URL: has an option that the driver does not know: {unknown[0]}")
