"""The private servers of one test run: started by pytest's main process when a test first asks for them.

The processes of a parallel run ask the main one, each for a database of its own on the same server. Redis has no such
thing, so each process gets a numbered database.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Listener
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tradefree.testing.servers import Mariadb, Mysql, Redis, Server

ADDRESS = "TRADEFREE_TEST_HOST"
"""Where the main process answers."""
_AUTHKEY = b"private"
_MYSQL_PROGRAM = os.environ.get("TRADEFREE_TEST_MYSQL_SERVER")
_MYSQL_URL = os.environ.get("TRADEFREE_TEST_MYSQL_URL")

DATABASES = ("mariadb", "mysql") if _MYSQL_PROGRAM or _MYSQL_URL else ("mariadb",)
"""The servers that tests run on: MariaDB always, MySQL when there is one."""

_MAKERS: dict[str, Callable[[], Server]] = {
    "mariadb": lambda: Mariadb(durable=False),
    "mysql": lambda: Mysql(_MYSQL_PROGRAM or ""),
    "redis": Redis,
}


class Host:
    """In the main process: starts what is asked for, once, and stops it at the end."""

    def __init__(self) -> None:
        self._listener = Listener(("127.0.0.1", 0), authkey=_AUTHKEY)
        self._servers: dict[str, Server] = {}
        self._thread = threading.Thread(target=self._serve, name="private-servers", daemon=True)

    def start(self) -> None:
        os.environ[ADDRESS] = "{}:{}".format(*self._listener.address)
        self._thread.start()

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()

    def _serve(self) -> None:
        while True:
            with self._listener.accept() as connection:
                try:
                    connection.send(self._url(*connection.recv()))
                except Exception as error:  # the test that asked must hear of it
                    connection.send(error)

    def _url(self, kind: str, database: str) -> str:
        if kind == "mysql" and _MYSQL_URL:
            url = sa.make_url(_MYSQL_URL)
        else:
            url = sa.make_url(f"mysql+asyncmy://root@127.0.0.1:{self._port(kind)}/?charset=utf8mb4")
        if kind == "redis":
            return f"redis://127.0.0.1:{url.port}/{database}"
        asyncio.run(_create(url, database))
        return url.set(database=database).render_as_string(hide_password=False)

    def _port(self, kind: str) -> int:
        if kind not in self._servers:
            server = _MAKERS[kind]()
            server.start()
            self._servers[kind] = server
            if kind == "mysql":
                asyncio.run(_wait_for_no_disk(server.port))
        return self._servers[kind].port


async def _wait_for_no_disk(port: int) -> None:
    """What ``durable=False`` is for MariaDB."""
    engine = create_async_engine(f"mysql+asyncmy://root@127.0.0.1:{port}/")
    async with engine.begin() as connection:
        await connection.exec_driver_sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2, GLOBAL sync_binlog = 0")
    await engine.dispose()


async def _create(url: sa.URL, database: str) -> None:
    engine = create_async_engine(url.set(database=None))
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4")
    await engine.dispose()


def database_on(kind: str, name: str | None = None) -> str:
    """The URL of a database on the server of this kind, by default this process's own; made if it is not there."""
    return _ask(kind, name or f"tradefree_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")


def redis_url() -> str:
    """The URL of this process's own database of the private Redis."""
    return _ask("redis", os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _ask(kind: str, database: str) -> str:
    host, _, port = os.environ[ADDRESS].partition(":")
    with Client((host, int(port)), authkey=_AUTHKEY) as connection:
        connection.send((kind, database))
        answer: Any = connection.recv()
    if isinstance(answer, Exception):
        raise answer
    return str(answer)
