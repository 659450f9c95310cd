"""Tables as a backup holds them: by name, so that a backup of an older schema can be read by a newer version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from tradefree.database.tables import metadata
from tradefree.errors import BackupDamaged

LAST = "leaders"
"""The table that is restored last: a database without its row is refused by every service and worker."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Layout:
    """A table, its columns, and those by which its rows are in order."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @staticmethod
    def parsed(document: dict[str, Any]) -> Layout:
        """From the line that begins a table."""
        try:
            layout = Layout(document["table"], tuple(document["columns"]), tuple(document["key"]))
            names = (layout.table, *layout.columns, *layout.key)
            if layout.columns and set(layout.key) <= set(layout.columns) and all(map(_NAME.fullmatch, names)):
                return layout
        except (KeyError, TypeError):
            pass
        raise BackupDamaged("it is damaged: a line does not describe a table")

    def document(self) -> dict[str, Any]:
        return {"table": self.table, "columns": self.columns, "key": self.key}

    def select(self, dialect: sa.Dialect) -> str:
        """All rows in order, with values as the database has them."""
        quote = dialect.identifier_preparer.quote
        columns, key = (", ".join(map(quote, names)) for names in (self.columns, self.key))
        return f"SELECT {columns} FROM {quote(self.table)} ORDER BY {key}"  # noqa: S608

    def insert(self, dialect: sa.Dialect) -> str:
        """One row of such values."""
        quote = dialect.identifier_preparer.quote
        marks = ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * len(self.columns))
        return f"INSERT INTO {quote(self.table)} ({', '.join(map(quote, self.columns))}) VALUES ({marks})"  # noqa: S608


def layouts() -> list[Layout]:
    """Every table of this version."""
    tables = sorted(metadata.tables.values(), key=lambda table: (table.name == LAST, table.name))
    return [
        Layout(str(t.name), tuple(map(str, t.c.keys())), tuple(str(column.name) for column in t.primary_key))
        for t in tables
    ]


def line_of(row: tuple[Any, ...]) -> bytes:
    """A row as a line: the same on SQLite, MariaDB and MySQL if the values are the same."""
    return orjson.dumps(row, default=_text, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _text(value: Any) -> str:
    """A moment as SQLite keeps it, and as the servers read it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    raise TypeError(f"{type(value).__name__} is in no column of ours")
