"""Statements for many rows at once, as text for the driver: SQLAlchemy's own cost three times as much (measured)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tradefree.database.columns import dump_json

Row = Mapping[str, Any]


class _Columns:
    """Values of some columns, as the driver wants them. ``was_`` before a name stands for the value before."""

    def __init__(self, table: sa.Table, names: Sequence[str], dialect: sa.Dialect) -> None:
        types = [table.c[_plain(name)].type.dialect_impl(dialect) for name in names]
        self._codes = [(name, type_.bind_processor(dialect)) for name, type_ in zip(names, types, strict=True)]

    def values(self, row: Row) -> list[Any]:
        return [code(row[name]) if code is not None else row[name] for name, code in self._codes]


class Insert:
    """An INSERT of rows that all have these columns."""

    def __init__(self, table: sa.Table, names: Sequence[str], dialect: sa.Dialect) -> None:
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        marks = ", ".join([mark] * len(names))
        self._columns = _Columns(table, names, dialect)
        self._text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608

    def statement(self, rows: Sequence[Row]) -> tuple[str, Any]:
        """Text and parameters for ``exec_driver_sql``."""
        return self._text, [tuple(self._columns.values(row)) for row in rows]


class ServerUpdate:
    """An UPDATE of many rows to different values on MariaDB and MySQL: a join with the values.

    The values are a union of SELECTs. JSON_TABLE would have one text for any number of rows, but took twice as long
    for rows of 5 KB. Text is compared as what the columns are, ASCII, or the primary key would be of no use.
    """

    def __init__(self, table: sa.Table, names: Sequence[str], match: Sequence[str], dialect: sa.Dialect) -> None:
        self._columns = _Columns(table, names, dialect)
        marks = ", ".join(["%s"] * len(names))
        self._first = "SELECT " + ", ".join(f"%s AS c{index}" for index in range(len(names)))
        self._other = f" UNION ALL SELECT {marks}"
        now = {name: f"{table.name}.{_plain(name)}" for name in names}
        value = {name: f"v.c{index}" for index, name in enumerate(names)}
        for name in match:
            if isinstance(table.c[_plain(name)].type, sa.String):
                value[name] = f"CONVERT({value[name]} USING ascii) COLLATE ascii_bin"
        guards = " AND ".join(f"{now[name]} = {value[name]}" for name in match)
        sets = ", ".join(f"{now[name]} = {value[name]}" for name in names if name not in match)
        self._rest = f") AS v STRAIGHT_JOIN {table.name} FORCE INDEX (PRIMARY) ON {guards} SET {sets}"

    def statement(self, rows: Sequence[Row]) -> tuple[str, Any]:
        """Text and parameters for ``exec_driver_sql``."""
        values = [value for row in rows for value in self._columns.values(row)]
        return f"UPDATE ({self._first}{self._other * (len(rows) - 1)}{self._rest}", tuple(values)


class SqliteUpdate:
    """The same on SQLite: a join with one JSON text."""

    def __init__(self, table: sa.Table, names: Sequence[str], match: Sequence[str], dialect: sa.Dialect) -> None:
        self._columns = _Columns(table, names, dialect)
        value = {name: f"json_extract(v.value, '$[{index}]')" for index, name in enumerate(names)}
        # the unary plus keeps the planner off the status index: three times faster
        plus = {name: "" if name == "id" else "+" for name in match}
        guards = " AND ".join(f"{plus[name]}{table.name}.{_plain(name)} = {value[name]}" for name in match)
        sets = ", ".join(f"{name} = {value[name]}" for name in names if name not in match)
        self._text = f"UPDATE {table.name} SET {sets} FROM json_each(?) AS v WHERE {guards}"  # noqa: S608

    def statement(self, rows: Sequence[Row]) -> tuple[str, Any]:
        """Text and parameters for ``exec_driver_sql``."""
        return self._text, (dump_json([list(map(_as_stored, self._columns.values(row))) for row in rows]),)


@functools.lru_cache(maxsize=256)
def insert(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> Insert:
    """Made once for each table and columns."""
    return Insert(table, names, dialect)


@functools.lru_cache(maxsize=256)
def update(
    table: sa.Table, names: tuple[str, ...], match: tuple[str, ...], dialect: sa.Dialect
) -> ServerUpdate | SqliteUpdate:
    """Made once for each table and columns. Those in ``match`` are compared, the others are set."""
    make: Callable[..., ServerUpdate | SqliteUpdate] = SqliteUpdate if dialect.name == "sqlite" else ServerUpdate
    return make(table, names, match, dialect)


def _plain(name: str) -> str:
    return name.removeprefix("was_")


def _as_stored(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
