"""The sides of a comparison: each starts, does a number of tasks, says how long it took, and stops."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import redis.asyncio

from bench.cpu import CpuMeter
from bench.load import send_all
from bench.payload import payload
from bench.product import Product
from bench.servers import Servers
from tradefree.errors import TradefreeError
from tradefree.testing.processes import Child

ROOT = Path(__file__).parents[1]
DONE = "bench:done"
PATIENCE = 120.0
"""Seconds all tasks of one measurement may take."""
CONNECTIONS = 32
"""HTTP connections of the clients that submit task by task."""
BATCH_CONNECTIONS = 4
BATCH_BYTES = 1_000_000
"""A batch has up to 1,000 tasks and about so many bytes."""


@dataclass(frozen=True)
class Measurement:
    """What one side did once."""

    side: str
    tasks: int
    size: int
    """Bytes of JSON a task is given and gives back."""
    seconds: float
    """From the first submit to the end of the last task."""
    submit_seconds: float
    """From the first submit to the answer to the last one."""
    cpu: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of each process in that time; ``client`` is who submitted."""

    @property
    def rate(self) -> float:
        """Tasks per second, end to end."""
        return self.tasks / self.seconds


class Side:
    """One side. Only the side under measurement runs."""

    def __init__(self, name: str, label: str, *, share: float = 1.0) -> None:
        self.name = name
        self.label = label
        self.share = share
        """Tasks it gets, compared with the others, so that all take about as long."""

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def measure(self, tasks: int, size: int) -> Measurement:
        raise NotImplementedError


# ── the product ─────────────────────────────────────────────────────────────────────────────────────────────────────


class ProductSide(Side):
    """The product on one database, with batched or single submits."""

    def __init__(self, servers: Servers, database: str, *, batched: bool, share: float) -> None:
        name = f"tradefree-{'batch' if batched else 'single'}-{database}"
        super().__init__(name, f"Tradefree, {'batches' if batched else 'single POSTs'} ({database})", share=share)
        self._servers = servers
        self._database = database
        self._batched = batched
        self._url = ""
        self._key = ""
        self._product: Product | None = None

    async def start(self) -> None:
        self._url = self._url or await self._servers.fresh_database(self._database)
        self._product = Product(self._servers, self._database, self._url)
        self._product.cluster.api_key = self._key
        await self._product.__aenter__()
        self._key = self._product.cluster.api_key
        await self.measure(100, 150)  # connections are open, code is loaded

    async def stop(self) -> None:
        if self._product is not None:
            await self._product.__aexit__(None, None, None)
            self._product = None

    async def measure(self, tasks: int, size: int) -> Measurement:
        assert self._product is not None
        product = self._product
        requests = batches(product, tasks, size) if self._batched else singles(product, tasks, size)
        before = await product.completed()
        meter = CpuMeter(product.pids())
        began = time.monotonic()
        watching = asyncio.create_task(product.until_completed(before + tasks))
        try:
            await send_all(product.target, requests, BATCH_CONNECTIONS if self._batched else CONNECTIONS)
            submitted = time.monotonic()
            ended = await watching
        finally:
            watching.cancel()
        return Measurement(self.name, tasks, size, ended - began, submitted - began, meter.read())


def singles(product: Product, tasks: int, size: int) -> Sequence[bytes]:
    """One request for each task."""
    body = json.dumps({"type": "echo", "input_data": payload(size)}).encode()
    return [product.target.post("/api/v1/tasks", body)] * tasks


def batches(product: Product, tasks: int, size: int) -> Sequence[bytes]:
    """Requests with many tasks each, as newline-delimited JSON."""
    line = json.dumps({"type": "echo", "input_data": payload(size)}).encode()
    each = max(1, min(1000, BATCH_BYTES // len(line)))
    sizes = [each] * (tasks // each) + ([tasks % each] if tasks % each else [])
    made = {
        n: product.target.post("/api/v1/tasks/batch", b"\n".join([line] * n), "application/x-ndjson") for n in sizes
    }
    return [made[n] for n in sizes]


# ── the peers ───────────────────────────────────────────────────────────────────────────────────────────────────────

PYTHON = [sys.executable, "-m"]
CELERY = [*PYTHON, "celery", "-A", "bench.peers.celery_peer", "worker", "-l", "WARNING", "--without-gossip"]
CELERY += ["--without-mingle", "--without-heartbeat"]


@dataclass(frozen=True)
class Peer:
    """How a peer's worker is started, as one process, in the way that suits it best."""

    label: str
    module: str
    command: Sequence[str]
    share: float = 1.0


PEERS: Mapping[str, Peer] = {
    "celery-prefork": Peer(
        "Celery, prefork",
        "bench.peers.celery_peer",
        [*CELERY, "-P", "prefork", "-c", "1", "--prefetch-multiplier", "64"],
    ),
    "celery-solo": Peer("Celery, solo", "bench.peers.celery_peer", [*CELERY, "-P", "solo"]),
    "dramatiq": Peer(
        "Dramatiq",
        "bench.peers.dramatiq_peer",
        [*PYTHON, "dramatiq", "bench.peers.dramatiq_peer", "--processes", "1", "--threads", "8"],
    ),
    "huey": Peer(
        "Huey",
        "bench.peers.huey_peer",
        [*PYTHON, "huey.bin.huey_consumer", "bench.peers.huey_peer.huey", "-w", "1", "-k", "thread", "-q"],
    ),
    "taskiq": Peer(
        "taskiq",
        "bench.peers.taskiq_peer",
        [*PYTHON, "taskiq", "worker", "bench.peers.taskiq_peer:broker", "--workers", "1", "--log-level", "WARNING"],
    ),
    "arq": Peer("arq", "bench.peers.arq_peer", [*PYTHON, "arq.cli", "bench.peers.arq_peer.WorkerSettings"]),
    "rq": Peer(
        "RQ",
        "bench.peers.rq_peer",
        [*PYTHON, "rq.cli", "worker", "-q", "-w", "rq.SimpleWorker", "-P", str(ROOT), "--url", "{redis}", "default"],
        share=0.5,
    ),
}


class PeerWorker(Child):
    """A peer's worker."""

    def __init__(self, servers: Servers, name: str, environment: Mapping[str, str]) -> None:
        super().__init__(servers.folder)
        self.environment = environment
        self._name = name
        self._redis = servers.redis.url

    @property
    def name(self) -> str:
        return f"peer-{self._name}"

    def command(self) -> Sequence[str]:
        return [word.replace("{redis}", self._redis) for word in PEERS[self._name].command]

    def answers(self) -> bool:
        """Whether it lives; that it works is asked by a job."""
        return self.lives


class PeerSide(Side):
    """Another task queue."""

    def __init__(self, servers: Servers, name: str) -> None:
        super().__init__(name, PEERS[name].label, share=PEERS[name].share)
        self._servers = servers
        self._stack = AsyncExitStack()
        self._tasks = 0
        self._worker: PeerWorker | None = None
        self._submitter: subprocess.Popen[str] | None = None

    async def start(self) -> None:
        """Nothing yet: the worker must be told how many tasks there will be."""

    async def stop(self) -> None:
        self._tasks = 0
        if self._submitter is not None:
            self._submitter.communicate()
            self._submitter = None
        if self._worker is not None:
            self._worker.end(patience=10)
            self._worker = None

    async def measure(self, tasks: int, size: int) -> Measurement:
        if tasks != self._tasks:
            await self.stop()
            await self._begin(tasks)
        assert self._worker is not None
        assert self._submitter is not None
        meter = CpuMeter({"worker": self._worker.pid, "redis": self._servers.redis.pid})
        self._order(f"submit {tasks} {size}")
        ended = await self._done()
        submitted = await self._answer()
        cpu = {**meter.read(), "client": submitted["cpu"]}
        began = submitted["began"]
        return Measurement(self.name, tasks, size, ended - began, submitted["ended"] - began, cpu)

    async def _begin(self, tasks: int) -> None:
        self._tasks = tasks
        ours = {"BENCH_REDIS_URL": self._servers.redis.url, "BENCH_TASKS": str(tasks), "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **ours}
        self._worker = PeerWorker(self._servers, self.name, environment)
        self._worker.start()
        command = [*PYTHON, "bench.peers.submitter", PEERS[self.name].module]
        self._submitter = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT
        )
        self._order("greet")
        await self._answer()
        await self._done()

    def _order(self, words: str) -> None:
        assert self._submitter is not None
        assert self._submitter.stdin is not None
        self._submitter.stdin.write(f"{words}\n")
        self._submitter.stdin.flush()

    async def _answer(self) -> dict[str, float]:
        assert self._submitter is not None
        assert self._submitter.stdout is not None
        line = await asyncio.to_thread(self._submitter.stdout.readline)
        if not line:
            raise TradefreeError(f"{self.label}: its submitter ended")
        return dict(json.loads(line))

    async def _done(self) -> float:
        """When the last task ended (monotonic)."""
        assert self._worker is not None
        async with redis.asyncio.Redis.from_url(self._servers.redis.url, socket_timeout=PATIENCE + 5) as connection:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline and self._worker.lives:
                if (said := await connection.blpop([DONE], timeout=1)) is not None:
                    return float(said[1])
        said_last = self._worker.log.read_text(errors="replace")[-2000:]
        raise TradefreeError(f"{self.label} did not finish its tasks; its log ends:\n{said_last}")
