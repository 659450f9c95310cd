"""The ground on which a storm breaks: private servers, a stand-in Dify, services and workers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from faults.chaos.plan import KINDS
from faults.chaos.proxy import Proxy
from faults.chaos.truth import Truth
from tradefree.testing.cluster import Cluster, Node, Service, Worker
from tradefree.testing.processes import Child
from tradefree.testing.servers import Mariadb, Redis
from tradefree.testing.standin import Standin

DATABASE = "chaos"
TESTS = Path(__file__).parents[2]
READY_WITHIN = 180.0
"""Seconds a process may take to become ready on a machine in a storm."""


class Unfenced(Worker):
    """A worker without its fence: the negative control."""

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "faults.chaos.unfenced", "worker", "--concurrency", str(self.concurrency)]


class Ground:
    """Everything, started and stopped together. Odd nodes reach database and Redis through a proxy."""

    def __init__(
        self, folder: Path, *, services: int = 3, workers: int = 4, concurrency: int = 12, fenced: bool = True
    ) -> None:
        self.folder = folder
        self.record = folder / "performances.jsonl"
        self.record.touch()
        self.database = Mariadb(durable=True)
        self.redis = Redis()
        self.dify = Standin(folder, {"apps": _apps(), "group_by": ["customer_id"]})
        self.database_proxy = Proxy(self.database.port)
        self.redis_proxy = Proxy(self.redis.port)
        self.cluster = Cluster(folder, self.database.url(DATABASE), self.redis.url, **SETTINGS)
        self.cluster.environment |= {"PYTHONPATH": f"{_offer_runner(folder)}:{TESTS}"}
        self.truth = Truth(self.database.url(DATABASE))
        make = Worker if fenced else Unfenced
        self.services = [Service(self.cluster, f"service-{number}") for number in range(1, services + 1)]
        self.workers = [make(self.cluster, f"worker-{number}", concurrency) for number in range(1, workers + 1)]
        self.far = [node for nodes in (self.services, self.workers) for node in nodes[::2]]
        """The nodes behind the proxies."""
        self._stack = AsyncExitStack()

    @property
    def nodes(self) -> list[Node]:
        return [*self.services, *self.workers]

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        for child in (self.database, self.redis, self.dify):
            self._stack.callback(child.stop)
            child.start(wait=False)
        for child in (self.database, self.redis, self.dify):
            await ready(child)
        for proxy in (self.database_proxy, self.redis_proxy):
            await self._stack.enter_async_context(proxy)
        self._stack.push_async_callback(self.truth.close)
        await self.truth.create()
        await asyncio.to_thread(self.cluster.prepare)
        for node in self.nodes:
            self._stack.callback(node.kill)
            node.environment = self._environment(node)
            node.start(wait=False)
        await asyncio.gather(*map(ready, self.nodes))
        await self._define()

    def _environment(self, node: Node) -> dict[str, str]:
        if node not in self.far:
            return dict(self.cluster.environment)
        urls = {
            "TRADEFREE_DATABASE_URL": self.database.url(DATABASE).replace(
                f":{self.database.port}/", f":{self.database_proxy.port}/"
            ),
            "TRADEFREE_BROKER_URL": self.redis.url.replace(f":{self.redis.port}/", f":{self.redis_proxy.port}/"),
        }
        return {**self.cluster.environment, **urls}

    def api(self, **options: Any) -> aiohttp.ClientSession:
        """A session for the services' API; the caller gives whole URLs."""
        return aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.cluster.api_key}"}, **options)

    async def _define(self) -> None:
        root = f"{self.services[0].url}/api/v1"
        async with self.api() as api:
            for kind in KINDS:
                if kind.dify:
                    connection = {"base_url": self.dify.base_url, "api_key": f"app-{kind.name}"}
                    await _put(api, f"{root}/connections/{kind.name}", connection)
                await _put(api, f"{root}/task-types/{kind.name}", kind.document(str(self.record)))


SETTINGS = {"log_level": "info", "drain_timeout": 5}


async def _put(api: aiohttp.ClientSession, url: str, document: dict[str, Any]) -> None:
    async with api.put(url, json=document) as answer:
        assert answer.status in (200, 201), await answer.text()


class NotReady(AssertionError):
    """A process ended, or took too long, before it was ready."""


async def ready(child: Child, within: float = READY_WITHIN) -> None:
    """Return when it answers. NotReady with the end of its log if it ended, or takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not await asyncio.to_thread(child.answers):
        if loop.time() > deadline or not child.lives:
            said = child.log.read_text(errors="replace")[-2000:]
            raise NotReady(f"{child.name} does not start (exit code {child.exit_code}); its log ends:\n{said}")
        await asyncio.sleep(0.05)


async def down(child: Child, number: int) -> None:
    """Send a signal that ends it, and return when it has ended."""
    child.send(number)
    await until(lambda: not child.lives)


async def until(holds: Callable[[], bool]) -> None:
    """Return when it holds; what is waited for is outside this process, so it is looked at again and again."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def _apps() -> list[dict[str, Any]]:
    inputs = [
        {"name": "n", "type": "number", "required": True},
        {"name": "seconds", "type": "number", "required": True},
        {"name": "customer_id"},
        {"name": "standin"},
    ]
    node = {"id": "think", "type": "llm", "title": "Think", "seconds": "{seconds}", "tokens": 100}
    app = {"inputs": inputs, "nodes": [node], "outputs": {"n": "{n}"}}
    return [{"name": kind.name, "key": f"app-{kind.name}", **app} for kind in KINDS if kind.dify]


def _offer_runner(folder: Path) -> Path:
    """A folder for the Python path in which the runner ``tick`` is installed."""
    package = folder / "site" / "chaos_tick-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-tick\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[tradefree.runners]\ntick = faults.chaos.performer:tick\n")
    return package.parent
