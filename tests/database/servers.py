"""What tests do to a database server besides what the system does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from private_servers import database_on
from tradefree.clock import SystemClock
from tradefree.database.engine import Database
from tradefree.testing.servers import Mariadb, Mysql

_MYSQL = os.environ.get("TRADEFREE_TEST_MYSQL_SERVER")
OWN = ("mariadb", "mysql") if _MYSQL else ("mariadb",)
"""Servers that a test may have for itself, to change their settings."""


def own_server(kind: str) -> Mariadb:
    """A server of this kind with a binary log, not started."""
    return Mysql(_MYSQL or "") if kind == "mysql" else Mariadb(options=["--log-bin=log"])


async def on_server(url: str | sa.URL, *statements: str) -> list[Any]:
    """Run statements as they are; the rows of the last one."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            rows: list[Any] = []
            for statement in statements:
                result = await connection.execute(sa.text(statement))
                rows = list(result.all()) if result.returns_rows else []
            return rows
    finally:
        await engine.dispose()


async def empty_database(kind: str, *, charset: str = "utf8mb4") -> sa.URL:
    """A database with nothing in it, of this process alone."""
    name = f"empty_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = sa.make_url(database_on(kind, name))
    server = url.set(database=None)
    await on_server(server, f"DROP DATABASE {name}", f"CREATE DATABASE {name} CHARACTER SET {charset}")
    return url


async def user_of(url: sa.URL, *rights: str, name: str = "tester") -> sa.URL:
    """The URL for another user, who has a password and these rights (``SELECT ON x.*``)."""
    name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    grants: Iterable[str] = (f"GRANT {right} TO '{name}'@'%'" for right in rights)
    made = (f"DROP USER IF EXISTS '{name}'@'%'", f"CREATE USER '{name}'@'%' IDENTIFIED BY 'swordfish'")
    await on_server(url.set(database=None), *made, *grants)
    return url.set(username=name, password="swordfish")


def opened(url: str | sa.URL) -> Database:
    """The system's own access to it."""
    return Database(sa.make_url(url), SystemClock())
