"""SQLite disturbed: a connection on which, from one statement on, everything fails."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from faults.sweep.fault import Commands, Fault, When


def disturb(engine: sa.Engine, commands: Commands) -> None:
    """Let the commands' fault meet this engine's statements and commits. (No answer is on the way, to be torn.)"""
    trouble = _Trouble(commands)
    commit, rollback = engine.dialect.do_commit, engine.dialect.do_rollback

    @event.listens_for(engine, "do_execute")
    def do_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        trouble.run(_connection_of(cursor), statement, lambda: cursor.execute(statement, parameters))
        return True

    @event.listens_for(engine, "do_executemany")
    def do_executemany(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        trouble.run(_connection_of(cursor), statement, lambda: cursor.executemany(statement, parameters))
        return True

    def do_commit(fairy: Any) -> None:
        trouble.run(fairy.dbapi_connection, "COMMIT", lambda: commit(fairy))

    def do_rollback(fairy: Any) -> None:
        trouble.raise_if_dead(fairy.dbapi_connection)
        rollback(fairy)

    for name, function in {"do_commit": do_commit, "do_rollback": do_rollback}.items():
        setattr(engine.dialect, name, function)


class _Trouble:
    """Strikes one command, and all that come after it on the same connection."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._dead: dict[int, object] = {}
        """Connections that have died, by their id: none comes back."""

    def raise_if_dead(self, connection: object) -> None:
        if id(connection) in self._dead:
            raise sqlite3.OperationalError("disk I/O error, still")

    def run(self, connection: object, command: str, execute: Callable[[], object]) -> None:
        """Execute the command, unless its time has come."""
        self.raise_if_dead(connection)
        fault = self._commands.heard(command)
        if fault is None:
            execute()
        else:
            self._strike(connection, fault, execute)

    def _strike(self, connection: object, fault: Fault, execute: Callable[[], object]) -> None:
        if fault.when is not When.BEFORE:
            with contextlib.suppress(sqlite3.Error):  # that answer is lost, too
                execute()
        fault.met.set()
        if fault.instead is not None:
            fault.instead()
        self._dead[id(connection)] = connection
        if isinstance(connection, sqlite3.Connection):
            connection.rollback()  # as SQLite does by itself when it cannot go on
        raise sqlite3.OperationalError("disk I/O error")


def _connection_of(cursor: Any) -> object:
    """SQLite's own, or aiosqlite's as SQLAlchemy knows it."""
    return getattr(cursor, "_adapt_connection", None) or cursor.connection
