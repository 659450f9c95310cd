"""MariaDB and MySQL through asyncmy: sessions, time-outs, and what their errors mean."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry as PoolRecord

CONNECT_SECONDS = 5
READ_SECONDS = 10
"""No statement of ours takes longer; a server that went silent is given up."""
IDLE_SECONDS = 1.0
"""A connection that lay idle for longer is asked whether it lives before it is used: a round trip saved else."""
SESSION = (
    "SET SESSION wait_timeout = 8, "  # about half a lease: a frozen process must not hold row locks for hours
    "innodb_lock_wait_timeout = 3, "
    "time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', "
    "SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
)
WRITERS, READERS = 8, 4
"""Connections of one process. Claims, finishes, beats and submits are coalesced, so a few are enough."""

REPEATABLE = (1213, 1205, 1020)
"""Deadlock, lock wait time-out, record changed since last read."""
NO_TABLE = 1146
CANNOT_CONNECT = 2003
AWAY = (1040, 1042, 1043, 1053, 1077, 1078, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1290, 1836, 1927,
        2000, 2002, 2003, 2006, 2012, 2013, 2014, 2055, 3159, 4031)  # fmt: skip
"""Too many connections, shutdown, read-only, gone away, lost: try again later."""


class MysqlEngines:
    """Three pools: one whose connections hold transactions, and two that only read, the second what may take long."""

    def __init__(self, url: sa.URL) -> None:
        self._writer = _engine(url, WRITERS)
        self._reader = _engine(url, READERS, isolation_level="AUTOCOMMIT")
        self._searcher = _engine(url, READERS, isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Committed at the end, rolled back if the body raises."""
        async with self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self, *, slow: bool) -> AsyncIterator[AsyncConnection]:
        """A connection to read with."""
        async with (self._searcher if slow else self._reader).connect() as connection:
            yield connection

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()
        await self._searcher.dispose()


def _engine(url: sa.URL, size: int, **options: Any) -> AsyncEngine:
    query = {"charset": "utf8mb4", **url.query}
    engine = create_async_engine(
        url.set(query=query),
        pool_size=size,
        max_overflow=0,
        pool_timeout=10,
        pool_use_lifo=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS},
        **options,
    )

    @sa.event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Any, _: Any, arguments: Any, options: Any) -> Any:
        try:
            return dialect.connect(*arguments, **options)
        except (dialect.loaded_dbapi.Error, OSError):
            raise
        except Exception as error:  # asyncmy stumbles over a connection that breaks while it is being set up
            raise dialect.loaded_dbapi.OperationalError(CANNOT_CONNECT, f"cannot connect: {error}") from error

    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(dbapi_connection: Any, _: Any) -> None:
        cursor = dbapi_connection.cursor()
        for statement in SESSION.split(", SESSION TRANSACTION"):
            cursor.execute(statement if statement.startswith("SET") else f"SET SESSION TRANSACTION{statement}")
        cursor.close()

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

    return engine


def error_number(error: BaseException | None) -> int:
    """The server's or client's number of an error, 0 if it has none."""
    number = error.args[0] if error is not None and error.args else 0
    return number if isinstance(number, int) else 0
