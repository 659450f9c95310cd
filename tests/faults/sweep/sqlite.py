"""SQLite disturbed: a connection on which, from one statement on, everything fails."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from faults.sweep.fault import Commands, When


def disturb(engine: sa.Engine, commands: Commands) -> None:
    """Let the commands' fault meet this engine's statements and commits. (No answer is on the way, to be torn.)"""
    dead: dict[int, object] = {}
    """Connections that have died, by their id: none comes back."""

    def run(connection: object, command: str, execute: Callable[[], object]) -> None:
        if id(connection) in dead:
            raise sqlite3.OperationalError("disk I/O error, still")
        fault = commands.heard(command)
        if fault is None:
            execute()
            return
        if fault.when is not When.BEFORE:
            with contextlib.suppress(sqlite3.Error):  # that answer is lost, too
                execute()
        fault.met.set()
        if fault.instead is not None:
            fault.instead()
        dead[id(connection)] = connection
        if isinstance(connection, sqlite3.Connection):
            connection.rollback()  # as SQLite does by itself when it cannot go on
        raise sqlite3.OperationalError("disk I/O error")

    @event.listens_for(engine, "do_execute")
    def do_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        run(_connection_of(cursor), statement, lambda: cursor.execute(statement, parameters))
        return True

    @event.listens_for(engine, "do_executemany")
    def do_executemany(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        run(_connection_of(cursor), statement, lambda: cursor.executemany(statement, parameters))
        return True

    commit, rollback = engine.dialect.do_commit, engine.dialect.do_rollback

    def do_commit(fairy: Any) -> None:
        run(fairy.dbapi_connection, "COMMIT", lambda: commit(fairy))

    def do_rollback(fairy: Any) -> None:
        if id(fairy.dbapi_connection) in dead:
            raise sqlite3.OperationalError("disk I/O error, still")
        rollback(fairy)

    engine.dialect.do_commit, engine.dialect.do_rollback = do_commit, do_rollback  # type: ignore[method-assign]


def _connection_of(cursor: Any) -> object:
    """SQLite's own, or aiosqlite's as SQLAlchemy knows it."""
    return getattr(cursor, "_adapt_connection", None) or cursor.connection
