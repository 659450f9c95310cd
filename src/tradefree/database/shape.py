"""Are the tables on the server what the migrations made? Somebody may have converted, imported or altered them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateColumn

from tradefree.database.engine import Database
from tradefree.database.tables import metadata
from tradefree.errors import SettingsError

ENGINE = "InnoDB"
_DIALECT = mysql.dialect()


@dataclass(slots=True)
class Fault:
    """What is wrong with one table."""

    table: str
    missing: bool = False
    engine: str | None = None
    """Its engine, if that is not InnoDB: such a table has no transactions."""
    lost: list[str] = field(default_factory=list)
    """Columns that are not there."""
    columns: dict[str, str] = field(default_factory=dict)
    """Collations by column, where ids would be compared wrongly or text would be refused."""

    def __str__(self) -> str:
        if self.missing:
            return f"the table {self.table} is missing"
        if self.lost:
            return f"the table {self.table} has no column {self.lost[0]}"
        if self.engine:
            return f"the table {self.table} is {self.engine}; it must be {ENGINE}"
        name, found = next(iter(self.columns.items()))
        more = f" (and {len(self.columns) - 1} more columns)" if len(self.columns) > 1 else ""
        return f"{self.table}.{name}{more} has the collation {found}; it must be {_collation(self.table, name)}"

    @property
    def mend(self) -> str:
        """What to do about it."""
        if self.missing or self.lost:
            return "Restore the database from a backup, or make an empty one and run `tradefree migrate`."
        columns = metadata.tables[self.table].c
        parts = [f"ENGINE={ENGINE}"] if self.engine else []
        parts += [f"MODIFY {CreateColumn(columns[name]).compile(dialect=_DIALECT)}" for name in self.columns]
        return f"ALTER TABLE {self.table} {', '.join(parts)};"


async def find_faults(database: Database) -> list[Fault]:
    """What is wrong with our tables, worst first; nothing on SQLite, which has neither engines nor character sets."""
    if database.sqlite:
        return []

    async def unit(connection: AsyncConnection) -> list[Fault]:
        engines = await connection.execute(_about_ours("tables", "engine"))
        columns = await connection.execute(_about_ours("columns", "column_name", "collation_name"))
        found: dict[str, dict[str, str]] = {}
        for table, column, collation in columns:
            found.setdefault(table, {})[column] = collation or ""
        return _compare({table: str(engine) for table, engine in engines}, found)

    return await database.read(unit)


def _about_ours(view: str, *names: str) -> sa.Select[Any]:
    """What a view of information_schema says of our tables, each row beginning with the table's name."""
    source = sa.table(view, *map(sa.column, ("table_schema", "table_name", *names)), schema="information_schema")
    ours = (source.c.table_schema == sa.func.database(), source.c.table_name.in_(list(metadata.tables)))
    return sa.select(source.c.table_name, *(source.c[name] for name in names)).where(*ours)


def _compare(engines: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]) -> list[Fault]:
    faults = []
    for name, table in metadata.tables.items():
        if name not in engines:
            faults.append(Fault(name, missing=True))
            continue
        found = columns.get(name, {})
        fault = Fault(name, engine=engines[name] if engines[name] != ENGINE else None)
        fault.lost = [column.name for column in table.c if column.name not in found]
        fault.columns = {c.name: found[c.name] for c in table.c if c.name in found and not _fits(c, found[c.name])}
        if fault.engine or fault.lost or fault.columns:
            faults.append(fault)
    return sorted(faults, key=lambda fault: (not fault.missing, not fault.lost, fault.engine is None))


def _fits(column: sa.Column[Any], found: str) -> bool:
    """Ids, names and states are compared, so their collation counts; of other text only that it takes every letter."""
    wanted = _collation(column.table.name, column.name)
    if wanted.startswith("utf8mb4"):
        return found.startswith("utf8mb4")
    return found == wanted


def _collation(table: str, column: str) -> str:
    """The collation a column was made with; empty if it holds no text."""
    made = metadata.tables[table]
    kind = made.c[column].type.compile(_DIALECT)
    if named := re.search(r"COLLATE (\w+)", kind):
        return named[1]
    return str(made.dialect_options["mysql"]["collate"]) if kind.startswith("VARCHAR") else ""


async def require_shape(database: Database) -> None:
    """Raise SettingsError, saying what to do, if a table is not as it must be."""
    if faults := await find_faults(database):
        more = f", and {len(faults) - 1} more tables are not right either" if len(faults) > 1 else ""
        raise SettingsError(
            f"TRADEFREE_DATABASE_URL: {faults[0]}{more}; `tradefree doctor` says what mends each of them"
        )
