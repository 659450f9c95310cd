"""The product as it is measured: task services and workers as processes, or ``tradefree up``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bench.load import Target
from bench.servers import Servers
from tradefree.database.tables import task_totals
from tradefree.errors import TradefreeError
from tradefree.testing.cluster import TRADEFREE, Cluster, Service, Worker

STALLED = 60.0
"""Seconds without a finished task after which a measurement is given up."""
LOOK_EVERY = 0.05
"""Seconds between looks into the table of totals, which has a few rows: one hundredth of a core."""


class Embedded(Service):
    """``tradefree up``."""

    def command(self) -> Sequence[str]:
        return [TRADEFREE, "up", "--host", "127.0.0.1", "--port", str(self.port)]


class Product:
    """A system on a database that stays, with a task type ``echo``. Runs inside ``async with``, as often as wished."""

    def __init__(
        self, servers: Servers, kind: str, url: str, *, services: int = 1, workers: int = 1, concurrency: int = 200
    ) -> None:
        self._servers = servers
        self._kind = kind
        self._counts = (services, workers)
        self.concurrency = concurrency
        embedded = kind == "sqlite"
        self.cluster = Cluster(
            servers.folder,
            url,
            "memory://" if embedded else servers.redis.url,
            concurrency=concurrency,
            log_level="warning" if embedded else "info",
        )
        self._engine = create_async_engine(url, pool_pre_ping=True)  # the database may be killed

    async def __aenter__(self) -> Product:
        if not self.cluster.api_key:
            self.cluster.prepare()
        if self._kind == "sqlite":
            node = Embedded(self.cluster, "up")
            self.cluster.services.append(node)
            node.start()
        else:
            services, workers = self._counts
            for _ in range(services):
                self.cluster.service()
            for _ in range(workers):
                self.cluster.worker(self.concurrency)
        await self.define("echo", runner="echo")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in (*self.cluster.workers, *self.cluster.services):
            node.stop()
        self.cluster.workers.clear()
        self.cluster.services.clear()
        await self._engine.dispose()

    @property
    def service(self) -> Service:
        return self.cluster.services[0]

    @property
    def worker(self) -> Worker:
        return self.cluster.workers[0]

    @property
    def target(self) -> Target:
        return Target(self.service.url, self.cluster.api_key)

    def pids(self) -> dict[str, int]:
        """Its processes and servers by name."""
        if self._kind == "sqlite":
            return {"up": self.service.pid}
        return {
            "api": self.service.pid,
            **({"worker": self.worker.pid} if self.cluster.workers else {}),
            self._kind: _server_pid(self._servers, self._kind),
            "redis": self._servers.redis.pid,
        }

    def http(self) -> aiohttp.ClientSession:
        """A client with an admin key."""
        headers = {"Authorization": f"Bearer {self.cluster.api_key}"}
        return aiohttp.ClientSession(f"{self.service.url}/api/v1/", headers=headers)

    async def define(self, name: str, **task_type: object) -> None:
        """Make a task type."""
        await self._put(f"task-types/{name}", task_type)

    async def connect(self, name: str, base_url: str, api_key: str, *, adaptive: bool = False) -> None:
        """Make a connection to a Dify, without a learnt ceiling unless that is what is measured."""
        await self._put(f"connections/{name}", {"base_url": base_url, "api_key": api_key, "adaptive": adaptive})

    async def trigger(self, name: str, **trigger: object) -> None:
        """Make a rule from event to task."""
        await self._put(f"triggers/{name}", trigger)

    async def limit(self, scope: str, **caps: object) -> None:
        """Define the caps of everything, a queue or a shared limit."""
        await self._put(f"limits/{scope}/baseline", caps)

    async def _put(self, path: str, document: object) -> None:
        async with self.http() as http, http.put(path, json=document) as answer:
            if answer.status not in (200, 201):
                raise TradefreeError(f"PUT {path}: {answer.status} {await answer.text()}")

    async def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """What the database says."""
        async with self._engine.connect() as connection:
            rows: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
            return rows

    async def completed(self) -> int:
        """Tasks completed so far."""
        total = sa.select(sa.func.sum(task_totals.c.number)).where(task_totals.c.status == "completed")
        return int((await self.rows(total))[0][0] or 0)

    async def until_completed(self, number: int) -> float:
        """Wait until so many tasks are completed; the time then (monotonic)."""
        seen, moved = 0, time.monotonic()
        while (now := await self.completed()) < number:
            if now > seen:
                seen, moved = now, time.monotonic()
            elif time.monotonic() > moved + STALLED:
                raise TradefreeError(f"{now} of {number} tasks are completed, and nothing has moved for {STALLED:g} s")
            await asyncio.sleep(LOOK_EVERY)
        return time.monotonic()


def _server_pid(servers: Servers, kind: str) -> int:
    """Of the database server: MySQL's own, not that of the script which started it."""
    server = servers.database(kind)
    pid_file = Path(server.folder) / "data" / "mysqld.pid"
    return int(pid_file.read_text()) if kind == "mysql" else server.pid
