"""The whole content of a database, by the back door: read, put back, compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import asyncmy
import sqlalchemy as sa
from asyncmy.constants import CLIENT

from faults.sweep.system import BOX
from tradefree.database.tables import metadata

Content = dict[str, list[tuple[Any, ...]]]
"""The rows of every table, as the driver gives them, in the order of the primary key."""

TABLES = metadata.sorted_tables
_SELECTS = [
    f"SELECT {', '.join(c.name for c in table.c)} FROM {table.name} "
    f"ORDER BY {', '.join(c.name for c in table.primary_key)}"
    for table in TABLES
]

_BEGINNING = {"holder": None, "epoch": 0, "lease_until": None, "config_version": 0}
"""Of the leader's row, which is never deleted."""
_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT"


class BackDoor(Protocol):
    """Reads and replaces everything at once."""

    async def read(self) -> Content: ...

    async def replace(self, content: Content) -> None:
        """Fails if somebody still holds a lock."""
        ...

    async def close(self) -> None: ...


class ServerDoor:
    """A connection of its own to MariaDB or MySQL."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: sa.URL) -> ServerDoor:
        connection = await asyncmy.connect(
            host=url.host,
            port=url.port,
            user=url.username,
            password=url.password or "",
            db=url.database,
            charset="utf8mb4",
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        door = cls(connection)
        await door.run("SET SESSION innodb_lock_wait_timeout = 2")
        return door

    async def run(self, statements: str) -> list[list[tuple[Any, ...]]]:
        """Several statements in one go; the rows of each."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(statements)
            found = [list(await cursor.fetchall() or ())]
            while await cursor.nextset():
                found.append(list(await cursor.fetchall() or ()))
            return found

    async def read(self) -> Content:
        """At one moment: a transaction may be ending just now."""
        _, *found, _ = await self.run("; ".join([_SNAPSHOT, *_SELECTS, "COMMIT"]))
        return dict(zip((table.name for table in TABLES), found, strict=True))

    async def replace(self, content: Content) -> None:
        inserts = [f"{_insert(name)} {', '.join(map(self._row, rows))}" for name, rows in content.items() if rows]
        deletes = [f"DELETE FROM {table.name}" for table in TABLES]
        await self.run("; ".join(["START TRANSACTION", *deletes, *inserts, "COMMIT"]))

    def _row(self, row: tuple[Any, ...]) -> str:
        return f"({', '.join(map(self._connection.literal, row))})"

    async def close(self) -> None:
        await self._connection.ensure_closed()


class FileDoor:
    """SQLite's own connection to the file."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=2)
        self._connection.execute("PRAGMA synchronous = OFF")

    async def read(self) -> Content:
        return {
            table.name: self._connection.execute(select).fetchall()
            for table, select in zip(TABLES, _SELECTS, strict=True)
        }

    async def replace(self, content: Content) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        for table in TABLES:
            run(f"DELETE FROM {table.name}")
        for name, rows in content.items():
            if rows:
                places = ", ".join("?" * len(rows[0]))
                self._connection.executemany(f"{_insert(name)} ({places})", rows)
        run("COMMIT")

    async def close(self) -> None:
        self._connection.close()


def emptied(content: Content) -> Content:
    """What is there before anything has happened."""
    names = metadata.tables["leaders"].c.keys()
    rows = [tuple(_BEGINNING.get(n, value) for n, value in zip(names, row, strict=True)) for row in content["leaders"]]
    return {"leaders": rows}


def _insert(name: str) -> str:
    return f"INSERT INTO {name} ({', '.join(metadata.tables[name].c.keys())}) VALUES"


def difference(content: Content, wanted: Content, but: Sequence[str] = ()) -> str | None:
    """The first table in which two contents differ in more than what is another each time: the numbers of log lines
    (not their order), which UUIDs were drawn, how secrets are sealed. ``but`` names more such columns, as
    ``table.column``."""
    if all(_rows(content, table.name) == _rows(wanted, table.name) for table in TABLES):
        return None
    found, expected = _comparable(content, but), _comparable(wanted, but)
    return next((name for name, rows in expected.items() if rows != found[name]), None)


def _rows(content: Content, name: str) -> list[tuple[Any, ...]]:
    rows = content[name]
    return [row[1:] for row in rows] if name == "task_logs" else rows


def _comparable(content: Content, but: Sequence[str]) -> Content:
    drawn: dict[str, str] = {}
    found: Content = {}
    for table in TABLES:
        columns = [(i, c.name) for i, c in enumerate(table.c) if f"{table.name}.{c.name}" not in {"task_logs.id", *but}]
        found[table.name] = [
            tuple(_opened(row[i]) if name.startswith("sealed_") else _plain(row[i], drawn) for i, name in columns)
            for row in content[table.name]
        ]
    return found


def _opened(sealed: str) -> str:
    return BOX.open(sealed)


def _plain(value: Any, drawn: dict[str, str]) -> Any:
    """A UUID becomes the number of UUIDs seen before it."""
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        return drawn.setdefault(value, f"uuid {len(drawn)}")
    return value
