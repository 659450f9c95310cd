"""MariaDB and MySQL through asyncmy: sessions, time-outs, and what their errors mean."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from asyncmy.connection import Connection
from asyncmy.converters import escape_string
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tradefree.errors import SettingsError
from tradefree.ids import digest

CONNECT_SECONDS = 5
READ_SECONDS = 10
"""No statement of ours takes longer; a server that went silent is given up."""
SESSION = (
    "SET SESSION wait_timeout = 8, "  # about half a lease: a frozen process must not hold row locks for hours
    "innodb_lock_wait_timeout = 3, "
    "time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
    "NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO', "  # MySQL warns at each connection if one is missing
    "SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
)
WRITERS, READERS = 8, 4
"""Connections of one process. Claims, finishes, beats and submits are coalesced, so a few are enough."""
MOST_CONNECTIONS = WRITERS + 2 * READERS
"""Connections that one process opens at most."""
MIGRATION_WAITS = 600
"""Seconds to wait for another migration to end."""

REPEATABLE = (1213, 1205, 1020)
"""Deadlock, lock wait time-out, record changed since last read."""
NO_TABLE = 1146
AWAY = (1040, 1042, 1043, 1053, 1077, 1078, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1290, 1836, 1927,
        2000, 2002, 2003, 2006, 2012, 2013, 2014, 2055, 3159, 4031)  # fmt: skip
"""Too many connections, shutdown, read-only, gone away, lost: try again later."""
NO_SERVER = 2003
NO_LOGIN = (1045, 1698)
NO_DATABASE = 1049
NO_RIGHT_TO_DATABASE = 1044
NO_RIGHT = (1142, 1143, 1227, 1370)
"""To a table, a column, an operation, a routine."""
_NOT_LET_IN = (1130, 1862, 3118, 4151)
"""Host not allowed, password expired, account locked (MySQL, MariaDB)."""
REFUSED = (*NO_LOGIN, NO_DATABASE, NO_RIGHT_TO_DATABASE, *NO_RIGHT, *_NOT_LET_IN)
PACKET_TOO_LARGE = 1153
_CUT_OFF = (PACKET_TOO_LARGE, 2006, 2013)
"""What becomes of a connection that sent a packet larger than the server takes: that, gone away, lost."""


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

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may take as long as it takes, while no other migration of this database runs."""
        engine = self._engine(1, patient=True)
        lock = {"name": f"tradefree.{digest(self._url.database or '')[:32]}", "seconds": MIGRATION_WAITS}
        try:
            async with engine.begin() as connection:
                if not await connection.scalar(sa.text("SELECT GET_LOCK(:name, :seconds)"), lock):
                    raise SettingsError(f"another migration of this database has been running for {MIGRATION_WAITS} s")
                yield connection
        finally:
            await engine.dispose()  # ends the session, and with it the lock

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()
        await self._searcher.dispose()

    def _engine(self, size: int, *, patient: bool = False, **options: Any) -> AsyncEngine:
        engine = create_async_engine(
            self._url.set(query={"charset": "utf8mb4", **self._url.query}),
            pool_size=size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,  # the server closes idle connections after wait_timeout
            pool_use_lifo=True,
            connect_args={"connect_timeout": CONNECT_SECONDS} | ({} if patient else {"read_timeout": READ_SECONDS}),
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

        return engine


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


def error_number(error: BaseException | None) -> int:
    """The server's or client's number of an error, 0 if it has none."""
    number = error.args[0] if error is not None and error.args else 0
    return number if isinstance(number, int) else 0


def reason(error: BaseException | None) -> str:
    """Why there is no connection, from ``Can't connect to MySQL server on 'host' ([Errno 111] Connect call …)``."""
    found = re.search(r"\[Errno (-?\d+)\] ([^)]*)", str(error))
    if found is None:
        return str(error)
    return os.strerror(int(found[1])) if int(found[1]) > 0 else found[2]  # below 0 they are not the system's


def refusal(error: BaseException | None, url: sa.URL) -> str:
    """One sentence for an error of ``REFUSED``, with what to do and without the password."""
    number, where = error_number(error), place(url)
    if number in NO_LOGIN:
        said = f"{where} refuses the user {url.username!r}: the name or the password is wrong"
    elif number == NO_DATABASE:
        said = f"there is no database {url.database!r} on {where}: create it, or mend the name"
    elif number == NO_RIGHT_TO_DATABASE:
        said = f"the user {url.username!r} may not use the database {url.database!r} on {where}: {grant(url)}"
    else:
        said = f"{where} refuses: {error.args[1] if error is not None and len(error.args) > 1 else error}"
        said += f": {grant(url)}" if number in NO_RIGHT else ""
    return f"TRADEFREE_DATABASE_URL: {said}"


def grant(url: sa.URL, right: str = "ALL", on: str | None = None) -> str:
    """The statement that gives the configured user a right, on its database if nothing else is said."""
    return f"GRANT {right} ON {on or f'`{url.database}`.*'} TO '{url.username}'@'%'"


def place(url: sa.URL) -> str:
    """Where the server is."""
    return f"{url.host or 'localhost'}:{url.port or 3306}"


def too_large(error: DBAPIError, packet: int) -> bool:
    """True if the connection was lost because a value does not fit into a packet: no repeat can help then."""
    if error_number(error.orig) not in _CUT_OFF or not packet:
        return False
    rows = error.params if isinstance(error.params, list) else [error.params]
    return any(len(error.statement or "") + _weight(row) > packet for row in rows)


def _weight(row: Any) -> int:
    """Bytes that the text among a statement's values takes in it, escaped as the driver does it."""
    values = row.values() if isinstance(row, Mapping) else row or ()
    return sum(len(escape_string(value).encode()) for value in values if isinstance(value, str))
