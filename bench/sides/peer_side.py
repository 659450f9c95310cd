"""Other task queues as sides: a worker process, and a process that submits."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis.asyncio

from bench.cpu import CpuMeter
from bench.servers import Servers
from bench.sides.side import Measurement, Side
from tradefree.errors import TradefreeError
from tradefree.testing.processes import Child

ROOT = Path(__file__).parents[2]
DONE = "bench:done"
PATIENCE = 120.0
"""Seconds all tasks of one measurement may take."""
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
        [*CELERY, "-P", "prefork", "-c", "1", "--prefetch-multiplier", "4"],
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
        [*PYTHON, "huey.bin.huey_consumer", "bench.peers.huey_peer.huey", "-w", "4", "-k", "thread", "-q"],
    ),
    "taskiq": Peer(
        "taskiq",
        "bench.peers.taskiq_peer",
        [*PYTHON, "taskiq", "worker", "bench.peers.taskiq_peer:broker", "--workers", "1", "--log-level", "WARNING"],
    ),
    "arq": Peer("arq", "bench.peers.arq_peer", [*PYTHON, "arq", "bench.peers.arq_peer.WorkerSettings"]),
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

    def __init__(self, servers: Servers, name: str, *, results: bool = False) -> None:
        super().__init__(name, PEERS[name].label, share=PEERS[name].share)
        self._servers = servers
        self._results = results
        """Whether results are stored (Celery only)."""
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
            await self.begin(tasks)
        assert self._worker is not None
        assert self._submitter is not None
        meter = CpuMeter({"worker": self._worker.pid, "redis": self._servers.redis.pid})
        self._order(f"submit {tasks} {size}")
        ended = await self._done()
        submitted = await self._answer()
        cpu = {**meter.read(), "client": submitted["cpu"]}
        began = submitted["began"]
        return Measurement(self.name, tasks, size, ended - began, submitted["ended"] - began, cpu)

    async def begin(self, tasks: int) -> None:
        """Start worker and submitter; returns when a first job was done. ``tasks``: of each measurement."""
        self._tasks = tasks
        ours = {"BENCH_REDIS_URL": self._servers.redis.url, "BENCH_TASKS": str(tasks), "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **ours, **({"BENCH_RESULTS": "1"} if self._results else {})}
        self._worker = PeerWorker(self._servers, self.name, environment)
        self._worker.start()
        command = [*PYTHON, "bench.peers.submitter", PEERS[self.name].module]
        self._submitter = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT
        )
        self._order("greet")
        await self._answer()
        await self._done()

    async def latencies(self, tasks: int, rate: float, size: int, warm: int) -> list[float]:
        """Seconds from submit to result of each task, ``rate`` of them per second; ``warm`` more go before."""
        self._order(f"latencies {tasks + warm} {size} {rate}")
        return list((await self._answer())["seconds"])[warm:]

    def _order(self, words: str) -> None:
        assert self._submitter is not None
        assert self._submitter.stdin is not None
        self._submitter.stdin.write(f"{words}\n")
        self._submitter.stdin.flush()

    async def _answer(self) -> dict[str, Any]:
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
