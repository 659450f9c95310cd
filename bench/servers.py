"""The private servers of a run, started when first needed, stopped at its end."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tradefree.errors import TradefreeError
from tradefree.testing.servers import Mariadb, Mysql, Redis, Server

DATABASES = ("mariadb", "mysql", "sqlite")


class Servers:
    """Durable databases and a Redis. Use as a context manager."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}
        self._stack = ExitStack()
        self._databases = 0
        self.folder = Path()

    def __enter__(self) -> Servers:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="tradefree-bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def redis(self) -> Redis:
        server = self._server("redis")
        assert isinstance(server, Redis)
        return server

    def database(self, kind: str) -> Mariadb:
        """A MariaDB or MySQL that makes every commit durable."""
        server = self._server(kind)
        assert isinstance(server, Mariadb)
        return server

    async def fresh_database(self, kind: str) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"bench_{self._databases}"
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{self.folder}/{name}.db"
        url = self.database(kind).url(name)
        engine = create_async_engine(sa.make_url(url).set(database="mysql"))
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        await engine.dispose()
        return url

    def _server(self, kind: str) -> Server:
        if kind not in self._running:
            self._running[kind] = self._stack.enter_context(_make(kind))
        return self._running[kind]


def _make(kind: str) -> Server:
    if kind == "redis":
        return Redis()
    if kind == "mariadb":
        return Mariadb(durable=True)
    program = mysql_program()
    if program is None:
        raise TradefreeError("MySQL: set TRADEFREE_TEST_MYSQL_SERVER to a program that starts one")
    return Mysql(program)


def mysql_program() -> str | None:
    """A program that starts a real MySQL, if there is one."""
    return os.environ.get("TRADEFREE_TEST_MYSQL_SERVER") or None
