"""The stage: private servers, the stand-in Dify, services and workers; gone at the end, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from demo_distributed.work import Work
from tradefree.testing.cluster import Cluster, Service, Worker
from tradefree.testing.processes import Child
from tradefree.testing.servers import Mariadb, Mysql, Redis, Server
from tradefree.testing.standin import Standin

SERVICES, WORKERS = 2, 3
DATABASE = "tradefree_ai"
PATIENCE = 150.0
"""Seconds a part has to start, on a busy machine; it takes a few."""
NAMES = {"mariadb": "MariaDB", "mysql": "MySQL", "redis": "Redis", "standin": "Dify"}

Say = Callable[[str], None]


def name_of(child: Child) -> str:
    """How the demo calls a process."""
    return NAMES.get(child.name, child.name)


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    database: Mariadb
    redis: Redis
    dify: Standin
    cluster: Cluster

    @property
    def database_url(self) -> str:
        return self.database.url(DATABASE)

    @property
    def services(self) -> list[Service]:
        return self.cluster.services

    @property
    def workers(self) -> list[Worker]:
        return self.cluster.workers

    @property
    def children(self) -> list[Child]:
        """All processes, in the order in which they are shown."""
        return [*self.services, *self.workers, self.redis, self.database, self.dify]


@contextlib.asynccontextmanager
async def set_up(folder: Path, work: Work, mysql: str | None, say: Say) -> AsyncIterator[Stage]:
    """Start everything, with a line for each; ``mysql`` is a program that starts a MySQL, None for MariaDB."""
    began = time.monotonic()
    with contextlib.ExitStack() as ending:

        def start(child: Child) -> None:
            ending.callback(end, child)
            child.start(wait=False)

        async def ready(child: Child, words: str) -> None:
            await asyncio.to_thread(child.wait_until_ready, PATIENCE)
            say(f"  {name_of(child):<10} {words}  [dim]ready after {time.monotonic() - began:.1f} s[/dim]")

        redis, dify = Redis(), Standin(folder, work.apps())
        start(redis)
        start(dify)
        database = Mysql(mysql) if mysql else Mariadb()
        start(database)
        await asyncio.gather(
            ready(redis, f"127.0.0.1:{redis.port}, keeps nothing"),
            ready(database, f"127.0.0.1:{database.port}, durable commits"),
            ready(dify, f"stand-in with a ledger, {dify.base_url}"),
        )
        cluster = Cluster(folder, database.url(DATABASE), redis.url)
        stage = Stage(database, redis, dify, cluster)
        ending.enter_context(cluster)
        await _prepare(stage)
        for _ in range(SERVICES):
            cluster.service(wait=False)
        for _ in range(WORKERS):
            cluster.worker(wait=False)
        await asyncio.gather(
            _define(stage, work),
            *(ready(service, f"tradefree api, {service.url}") for service in stage.services),
            *(ready(worker, f"tradefree worker, process {worker.pid}") for worker in stage.workers),
        )
        yield stage


async def _prepare(stage: Stage) -> None:
    """Database, tables and an API key."""
    engine = create_async_engine(stage.database.url(""))
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
    await engine.dispose()
    await asyncio.to_thread(stage.cluster.prepare)


async def _define(stage: Stage, work: Work) -> None:
    """Connections and task types."""
    file = stage.cluster.folder / "definitions.yaml"
    file.write_text(json.dumps(work.definitions(stage.dify.base_url)), encoding="utf-8")
    await asyncio.to_thread(stage.cluster.tradefree, "apply", "-f", str(file))


def end(child: Child) -> None:
    """At once: nothing of it is wanted any more."""
    child.kill()
    if isinstance(child, Server):
        child.stop()
