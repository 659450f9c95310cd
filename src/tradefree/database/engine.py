"""The engine: connections, transactions, and every quirk of a dialect or driver, so that the stores have none."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.expression import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from tradefree.clock import Clock
from tradefree.database import bulk
from tradefree.database.columns import Moment
from tradefree.database.mysql import SEARCH_SECONDS, MysqlEngines
from tradefree.database.mysql_errors import (
    AWAY,
    NO_SERVER,
    NO_TABLE,
    REFUSED,
    REPEATABLE,
    TOO_LONG,
    error_number,
    place,
    reason,
    refusal,
    too_large,
)
from tradefree.database.sqlite import SqliteEngines
from tradefree.errors import StorageRefused, StorageUnavailable, TooLarge

T = TypeVar("T")
Statement = TypeVar("Statement", bound=sa.Select[Any] | sa.Update)
Unit = Callable[[AsyncConnection], Awaitable[T]]

REPEATS = 5
"""How often a unit is repeated after a deadlock or a lock wait that took too long."""

_FORCE = "FORCE INDEX ({})"
_SERVER_TIME: sa.ColumnElement[datetime] = sa.literal_column("UTC_TIMESTAMP(6)", Moment)
_REPEATABLE = ("database is locked", "database table is locked")
_AWAY = ("unable to open", "disk i/o error", "disk is full", "readonly", "read-only", "not a database", "malformed")


def by_index(statement: Statement, table: sa.Table, index: str = "PRIMARY") -> Statement:
    """The statement, made to find the table's rows by this index. MariaDB and MySQL may else prefer another that reads
    and locks more than it must (the status index for rows whose ids are given), or read a small table whole. SQLite is
    led by ``aside``."""
    hinted: Any = statement
    for dialect in ("mysql", "mariadb"):
        words = [table, _FORCE.format(index)]
        hinted = hinted.with_hint(*(words if isinstance(statement, sa.Select) else reversed(words)), dialect)
    return cast(Statement, hinted)


def aside(column: sa.ColumnElement[T]) -> sa.ColumnElement[T]:
    """The column, to be compared without an index on it. SQLite's planner knows nothing of how many rows have a value:
    an equality looks better to it than a range, be it that nearly all rows are equal. MariaDB and MySQL ignore it."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


class Database:
    """One database: ``write`` and ``read`` run a unit of work in a transaction of its own."""

    def __init__(self, url: sa.URL, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.sqlite = url.get_backend_name() == "sqlite"
        self._by_our_clock = self.sqlite
        self._engines: SqliteEngines | MysqlEngines = SqliteEngines(url) if self.sqlite else MysqlEngines(url)

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit in a transaction and commit. Deadlocks are repeated here and nowhere else, so a unit must be
        safe to run again. Raises StorageUnavailable if the database does not answer."""
        for turn in range(REPEATS):
            try:
                async with self.transaction() as connection:
                    return await unit(connection)
            except _Repeat as repeat:
                if turn + 1 == REPEATS:
                    raise StorageUnavailable(f"the database is too busy: {repeat}") from repeat
                await asyncio.sleep(random.uniform(0.005, 0.05) * (turn + 1))  # noqa: S311
        raise AssertionError("unreachable")

    async def read(self, unit: Unit[T], *, slow: bool = False) -> T:
        """Run a unit that only reads. ``slow`` ones, which people ask for, have connections of their own, so that the
        system's own reading never waits for them."""

        async def reading() -> T:
            with _errors(self):
                async with self._engines.reading(slow=slow) as connection:
                    return await unit(connection)

        # a caller who goes away must not tear the connection down in the middle of a statement
        return await asyncio.shield(asyncio.ensure_future(reading()))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction whose body is the caller's: committed at the end, rolled back if it raises."""
        with _errors(self):
            async with self._engines.transaction() as connection:
                yield connection

    async def migrate(self, unit: Unit[T]) -> T:
        """Run a unit that changes the schema, as long as it takes. Others that want to wait until it has ended."""
        with _errors(self):
            async with self._engines.migrating() as connection:
                return await unit(connection)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one long piece of work, which no time-out ends and no pool waits for. Not on SQLite."""
        assert isinstance(self._engines, MysqlEngines)
        with _errors(self):
            async with self._engines.alone() as connection:
                yield connection

    @property
    def packet(self) -> int:
        """The most bytes that the server takes in one statement; 0 if that is not known or unlimited."""
        return self._engines.packet if isinstance(self._engines, MysqlEngines) else 0

    async def now(self, connection: AsyncConnection) -> datetime:
        """The database's clock, by which leases are measured. SQLite has this machine's."""
        if self._by_our_clock:
            return self.clock.now()
        now: datetime = await connection.scalar(sa.text("SELECT UTC_TIMESTAMP(6)"))
        return now.replace(tzinfo=UTC)

    def present(self) -> sa.ColumnElement[datetime]:
        """The same clock inside a statement, which saves a round trip."""
        if not self._by_our_clock:
            return _SERVER_TIME
        ours = sa.literal(self.clock.now(), Moment)
        return ours if self.sqlite else sa.type_coerce(sa.cast(ours, mysql.DATETIME(fsp=6)), Moment)

    def time_is_the_clocks(self) -> None:
        """Measure leases by the injected clock, whatever the database's says: for tests, which move it."""
        self._by_our_clock = True

    async def close(self) -> None:
        """Give all connections back."""
        await self._engines.close()

    def locked(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """The query, locking the rows it returns (an SQLite transaction holds the whole file already)."""
        return query if self.sqlite else query.with_for_update()

    def hint(self, index: str) -> str:
        """``by_index`` for a statement that is text: what to write behind the table's name."""
        return "" if self.sqlite else _FORCE.format(index)

    @property
    def limited(self) -> str:
        """What to put around each SELECT of a union that has an order and a limit of its own."""
        return "SELECT * FROM ({})" if self.sqlite else "({})"

    async def insert(self, connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many rows, which all have the same columns."""
        if rows:
            statement = bulk.insert(table, tuple(rows[0]), connection.dialect)
            await connection.exec_driver_sql(*statement.statement(rows))

    async def update_rows(
        self,
        connection: AsyncConnection,
        table: sa.Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        match: Sequence[str],
    ) -> int:
        """Update many rows to different values in one statement; the number of rows changed.

        Every row has the same columns. Those in ``match`` are compared (a ``was_`` in front of a column's name stands
        for its value before), the others are set.
        """
        if not rows:
            return 0
        statement = bulk.update(table, tuple(rows[0]), tuple(match), connection.dialect)
        result = await connection.exec_driver_sql(*statement.statement(rows))
        return result.rowcount

    async def upsert(
        self,
        connection: AsyncConnection,
        table: sa.Table,
        rows: Sequence[Mapping[str, Any]],
        *,
        add: str | None = None,
    ) -> None:
        """Insert rows or replace those with the same primary key; ``add`` names a column to be added to instead."""
        if not rows:
            return
        keys = {column.name for column in table.primary_key}
        names = [add] if add else [name for name in rows[0] if name not in keys] or sorted(keys)
        if self.sqlite:
            statement = sqlite.insert(table)
            changes = {n: table.c[n] + statement.excluded[n] if add else statement.excluded[n] for n in names}
            await connection.execute(statement.on_conflict_do_update(set_=changes), list(rows))
        else:
            on_mysql = mysql.insert(table)
            changes = {n: table.c[n] + on_mysql.inserted[n] if add else on_mysql.inserted[n] for n in names}
            await connection.execute(on_mysql.on_duplicate_key_update(changes), list(rows))


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Repeat(StorageUnavailable):
    """The transaction was rolled back for a reason that another try may not meet."""


class _errors:  # noqa: N801 (used as a with-statement's verb)
    """Turns driver errors into ours."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, PoolTimeout):
            raise StorageUnavailable("no database connection became free in time") from error
        if isinstance(error, DBAPIError) and (ours := _translated(error, self._database)) is not None:
            raise ours from error
        if isinstance(error, OSError):
            raise StorageUnavailable(f"the database does not answer: {str(error) or 'it stayed silent'}") from error


def _translated(error: DBAPIError, database: Database) -> Exception | None:
    said, number = str(error.orig), error_number(error.orig)
    if number in REPEATABLE or any(sign in said.lower() for sign in _REPEATABLE):
        return _Repeat(said)
    if number in TOO_LONG:
        return StorageUnavailable(
            f"the search was ended after {SEARCH_SECONDS} s: ask for less, for instance with created_after"
        )
    if too_large(error, database.packet):
        return TooLarge(f"is larger than what the database server takes (max_allowed_packet={database.packet})")
    if number in REFUSED:
        return StorageRefused(refusal(error.orig, database.url))
    if number == NO_SERVER:
        return StorageUnavailable(f"no database answers at {place(database.url)}: {reason(error.orig)}")
    if error.connection_invalidated or number in AWAY or any(sign in said.lower() for sign in _AWAY):
        return StorageUnavailable(f"the database does not answer: {said}")
    if number == NO_TABLE or "no such table" in said:
        return StorageUnavailable("the database has no tables yet: run `tradefree migrate`")
    return None
