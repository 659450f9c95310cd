"""A whole distributed system on this machine: services and workers as processes that may be killed one by one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self
from urllib.error import URLError

import sqlalchemy as sa

from tradefree.access.keys import Keys
from tradefree.access.scopes import Scope
from tradefree.access.secrets import SecretBox
from tradefree.clock import SystemClock
from tradefree.database.migrate import upgrade
from tradefree.database.store import SqlStore
from tradefree.errors import TradefreeError
from tradefree.testing.processes import Child

TRADEFREE = str(Path(sys.executable).with_name("tradefree"))


class Node(Child):
    """A process of the system."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(cluster.folder)
        self.environment = cluster.environment
        self._name = name

    @property
    def name(self) -> str:
        return self._name


class Service(Node):
    """``tradefree api``, on the same port at every start."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        return [TRADEFREE, "api", "--host", "127.0.0.1", "--port", str(self.port)]

    def answers(self) -> bool:
        """True if it serves, whatever else is broken."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


class Worker(Node):
    """``tradefree worker`` with these options; each start is another incarnation."""

    def __init__(self, cluster: Cluster, name: str, concurrency: int, options: Sequence[str] = ()) -> None:
        super().__init__(cluster, name)
        self.concurrency = concurrency
        self._options = options
        self._read_from = 0

    def command(self) -> Sequence[str]:
        return [TRADEFREE, "worker", "--concurrency", str(self.concurrency), *self._options]

    def start(self, *, wait: bool = True) -> None:
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        super().start(wait=wait)

    def answers(self) -> bool:
        """True once it has said that it takes work."""
        return self.incarnation is not None

    @property
    def incarnation(self) -> str | None:
        """The id it is enlisted under now, from its log; None until it is."""
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            whole = log.read().split(b"\n")[:-1]  # the last line may still be being written
        ready = [line for line in whole if b'"worker ready"' in line]
        return str(json.loads(ready[-1])["worker_id"]) if ready else None


class Cluster:
    """Services and workers on one database and one broker. Use as a context manager: all of them end with it."""

    def __init__(self, folder: Path, database_url: str, broker_url: str, **settings: object) -> None:
        self.folder = folder
        ours = {k: v for k, v in os.environ.items() if not k.startswith("TRADEFREE_")}
        given = {f"TRADEFREE_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment = {
            **ours,
            "TRADEFREE_DATABASE_URL": database_url,
            "TRADEFREE_BROKER_URL": broker_url,
            "TRADEFREE_SECRET_KEY": "vq4rkXxTrwZ3TnZbm8kyPHmuGYy0EdVTnWoy2PYzQ5o=",  # of this throw-away system
            "TRADEFREE_LOG_FORMAT": "json",
            **_compiled_once(folder),
            **given,
        }
        self.services: list[Service] = []
        self.workers: list[Worker] = []
        self.api_key = ""

    def prepare(self) -> None:
        """Make the tables and an admin key, as two commands would that take seconds to start."""
        with ThreadPoolExecutor(1) as thread:  # whoever asks may be in an event loop
            self.api_key = thread.submit(asyncio.run, self._prepare()).result()

    async def _prepare(self) -> str:
        clock = SystemClock()
        secrets = SecretBox(self.environment["TRADEFREE_SECRET_KEY"])
        store = SqlStore(sa.make_url(self.environment["TRADEFREE_DATABASE_URL"]), clock, secrets)
        try:
            await upgrade(store.database)
            return (await Keys(store, clock).create("a", frozenset({Scope.ADMIN})))[1]
        finally:
            await store.close()

    def tradefree(self, *words: str) -> str:
        """Run a command against this system; what it prints."""
        done = subprocess.run(
            [TRADEFREE, *words], env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise TradefreeError(f"tradefree {' '.join(words)}: {done.stderr}")
        return done.stdout

    def service(self, *, wait: bool = True) -> Service:
        """One more service, started."""
        node = Service(self, f"service-{len(self.services) + 1}")
        self.services.append(node)
        node.start(wait=wait)
        return node

    def worker(self, concurrency: int = 200, *options: str, wait: bool = True) -> Worker:
        """One more worker, started."""
        node = Worker(self, f"worker-{len(self.workers) + 1}", concurrency, options)
        self.workers.append(node)
        node.start(wait=wait)
        return node

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for node in (*self.workers, *self.services):
            node.kill()


def _compiled_once(folder: Path) -> dict[str, str]:
    """Where Python may not write byte code, each process would compile all anew: 3.4 s instead of 1.2 (measured)."""
    if not sys.dont_write_bytecode:
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
