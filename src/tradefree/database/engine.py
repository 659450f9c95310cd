"""The engine: connections, transactions, and every quirk of a dialect or driver, so that the stores have none."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tradefree.clock import Clock
from tradefree.database.columns import dump_json
from tradefree.database.inline import InlineWriter
from tradefree.errors import SettingsError, StorageUnavailable

T = TypeVar("T")
Unit = Callable[[AsyncConnection], Awaitable[T]]

REPEATS = 5
"""How often a unit is repeated after a deadlock or a lock wait that took too long."""
READERS = 4

_REPEATABLE = ("database is locked", "database table is locked", "(1213,", "(1205,", "(1020,")
_AWAY = ("unable to open", "disk i/o error", "disk is full", "readonly", "read-only", "not a database", "malformed")


class Database:
    """One database: ``write`` and ``read`` run a unit of work in a transaction of its own.

    On SQLite one connection writes, beginning each transaction with the write lock, and others read.
    """

    def __init__(self, url: sa.URL, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.dialect = url.get_backend_name()
        self.sqlite = self.dialect == "sqlite"
        if self.sqlite:
            _check_folder(url)
            self._writer = InlineWriter(url.database or "")
            self._reader = _sqlite_reader(url)
        else:
            raise SettingsError(f"TRADEFREE_DATABASE_URL: {self.dialect} is not supported yet; use sqlite+aiosqlite://")

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

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads."""
        with _errors():
            async with self._reader.connect() as connection:
                return await unit(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction whose body is the caller's: committed at the end, rolled back if it raises."""
        with _errors():
            async with self._writer.transaction() as connection:
                yield cast(AsyncConnection, connection)

    async def now(self, connection: AsyncConnection) -> datetime:  # noqa: ARG002
        """The database's clock, by which leases are measured. SQLite has this machine's."""
        return self.clock.now()

    async def close(self) -> None:
        """Give all connections back."""
        self._writer.close()
        await self._reader.dispose()

    def locked(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """The query, locking the rows it returns (an SQLite transaction holds the whole file already)."""
        return query if self.sqlite else query.with_for_update()

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
        for its value before), the others are set. One constant text serves any number of rows.
        """
        if not rows:
            return 0
        columns = list(rows[0])
        encode = [_encoder(table.c[name.removeprefix("was_")], connection.dialect) for name in columns]
        values = [[code(row[name]) for name, code in zip(columns, encode, strict=True)] for row in rows]
        statement = _update_text(table, tuple(columns), tuple(match))
        result = await connection.execute(statement, {"rows": dump_json(values)})
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
        if self.sqlite:
            statement = sqlite.insert(table)
            new = statement.excluded
            changes = {add: table.c[add] + new[add]} if add else {n: new[n] for n in rows[0] if n not in keys}
            await connection.execute(statement.on_conflict_do_update(set_=changes), list(rows))


def _update_text(table: sa.Table, columns: tuple[str, ...], match: tuple[str, ...]) -> sa.TextClause:
    name = table.name
    value = {column: f"json_extract(v.value, '$[{index}]')" for index, column in enumerate(columns)}
    sets = ", ".join(f"{column} = {value[column]}" for column in columns if column not in match)
    # the unary plus keeps the planner off the status index: three times faster
    guards = " AND ".join(
        f"{'' if column == 'id' else '+'}{name}.{column.removeprefix('was_')} = {value[column]}" for column in match
    )
    return sa.text(f"UPDATE {name} SET {sets} FROM json_each(:rows) AS v WHERE {guards}")  # noqa: S608


def _encoder(column: sa.Column[Any], dialect: sa.Dialect) -> Callable[[Any], Any]:
    process = column.type.dialect_impl(dialect).bind_processor(dialect)

    def encode(value: Any) -> Any:
        bound = process(value) if process is not None else value
        return bound.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(bound, datetime) else bound

    return encode


# ── SQLite ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sqlite_reader(url: sa.URL) -> AsyncEngine:
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

    return engine


def _check_folder(url: sa.URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SettingsError("TRADEFREE_DATABASE_URL: SQLite needs a file, as in sqlite+aiosqlite:///tradefree.db")
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise SettingsError(f"TRADEFREE_DATABASE_URL: the folder {folder} does not exist")


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Repeat(StorageUnavailable):
    """The transaction was rolled back for a reason that another try may not meet."""


class _errors:  # noqa: N801 (used as a with-statement's verb)
    """Turns driver errors into ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, PoolTimeout):
            raise StorageUnavailable("no database connection became free in time") from error
        if isinstance(error, DBAPIError):
            said = str(error.orig)
            if any(sign in said.lower() for sign in _REPEATABLE):
                raise _Repeat(said) from error
            if error.connection_invalidated or any(sign in said.lower() for sign in _AWAY):
                raise StorageUnavailable(f"the database does not answer: {said}") from error
            if isinstance(error, OperationalError) and "no such table" in said:
                raise StorageUnavailable("the database has no tables yet: run `tradefree migrate`") from error
        elif isinstance(error, OSError):
            raise StorageUnavailable(f"the database does not answer: {error}") from error
