"""Watch the statements that the stores really send: the plan of each, and how much it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import await_only

_READS = re.compile("handler_read_", re.IGNORECASE)
_PLANNED = re.compile(r"[\s(]*(SELECT|UPDATE|DELETE|WITH)", re.IGNORECASE)
_SQLITE_STEP = re.compile(r"(SEARCH|SCAN) (\w+)(?: USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY)))?")
_SQLITE_TICK = 100
"""Instructions of SQLite's machine between two counts."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan: how a table is read."""

    table: str
    access: str
    """The server's word: ``ALL`` and ``index`` read everything; so does ``SCAN``."""
    key: str | None
    extra: str = ""


@dataclass(slots=True)
class Seen:
    """One statement."""

    text: str
    plan: list[Step] = field(default_factory=list)
    reads: int = 0
    """Rows and index entries read, those of temporary tables included. On SQLite instructions, by the hundred."""


class Watch:
    """While it is open, each statement of each engine is explained, executed and counted, under the name given."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Seen]] = {}
        self._name: str | None = None
        self._busy = False
        self._before = 0
        self._ticks = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        hooks = (("before_cursor_execute", self._starts), ("after_cursor_execute", self._ended))
        for name, hook in hooks:
            sa.event.listen(sa.Engine, name, hook)
        try:
            yield
        finally:
            for name, hook in hooks:
                sa.event.remove(sa.Engine, name, hook)

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        """Keep what is executed inside under this name."""
        self._name = name
        self.seen.setdefault(name, [])
        try:
            yield
        finally:
            self._name = None

    def _starts(self, connection: sa.Connection, _: Any, text: str, parameters: Any, __: Any, many: bool) -> None:
        if self._name is None or self._busy:
            return
        self._busy = True
        try:
            seen = Seen(text)
            if _PLANNED.match(text) and not many:
                seen.plan = _explain(connection, text, parameters)
            self.seen[self._name].append(seen)
            self._before = self._count(connection)
        finally:
            self._busy = False

    def _ended(self, connection: sa.Connection, *_: Any) -> None:
        if self._name is None or self._busy:
            return
        self._busy = True
        try:
            self.seen[self._name][-1].reads = self._count(connection) - self._before
        finally:
            self._busy = False

    def _count(self, connection: sa.Connection) -> int:
        if connection.dialect.name == "sqlite":
            _on_progress(connection, self._tick)
            return self._ticks
        if not connection.info.get("counts all"):
            # MySQL does not count what InnoDB leaves out by a condition pushed down to it
            connection.exec_driver_sql("SET SESSION optimizer_switch = 'index_condition_pushdown=off'")
            connection.info["counts all"] = True
        rows = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler%%'", ()).all()
        return sum(int(value) for name, value in rows if _READS.match(name))

    def _tick(self) -> int:
        self._ticks += 1
        return 0  # go on


def _explain(connection: sa.Connection, text: str, parameters: Any) -> list[Step]:
    if connection.dialect.name == "sqlite":
        details = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).scalars(3)
        found = [_SQLITE_STEP.match(detail) for detail in details]
        return [Step(m[2], m[1], _sqlite_key(m[3] or m[4])) for m in found if m]
    rows = connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {text}", parameters).mappings()
    return [Step(row["table"] or "", row["type"] or "", row["key"], row["Extra"] or "") for row in rows]


def _sqlite_key(index: str | None) -> str | None:
    own = index is not None and (index.startswith("sqlite_autoindex") or index == "INTEGER PRIMARY KEY")
    return "PRIMARY" if own else index


def _on_progress(connection: sa.Connection, tick: Any) -> None:
    """Have ``tick`` called while SQLite works, in whatever thread it does."""
    driver: Any = connection.connection.driver_connection
    done = driver.set_progress_handler(tick, _SQLITE_TICK)
    if done is not None:
        await_only(done)
