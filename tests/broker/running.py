"""A whole distributed system for a test: services and workers as processes, started in either way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from private_servers import database_on
from tradefree.testing.cluster import TRADEFREE, Cluster, Node, Worker
from waiting import PATIENCE, wait_for

CELERY = str(Path(TRADEFREE).with_name("celery"))


class CeleryWorker(Worker):
    """``celery -A tradefree.worker worker`` with these options."""

    def __init__(self, cluster: Cluster, name: str, options: Sequence[str]) -> None:
        super().__init__(cluster, name, 0)
        self._options = options

    def command(self) -> Sequence[str]:
        return [CELERY, "-A", "tradefree.worker", "worker", *self._options]


class Running(Cluster):
    """A cluster on a MariaDB database of its own, and hands to use it with."""

    def __init__(self, folder: Path, broker_url: str, **settings: object) -> None:
        super().__init__(folder, database_on("mariadb", f"broker_{uuid.uuid4().hex[:12]}"), broker_url, **settings)
        self._client: httpx.Client | None = None

    def celery_worker(self, *options: str, wait: bool = True) -> CeleryWorker:
        """One more worker, started by Celery's own command."""
        node = CeleryWorker(self, f"celery-{len(self.workers) + 1}", options)
        self.workers.append(node)
        node.start(wait=wait)
        return node

    @property
    def api(self) -> httpx.Client:
        """Speaks to the first service."""
        if self._client is None:
            self._client = httpx.Client(
                base_url=f"{self.services[0].url}/api/v1",
                headers={"Authorization": f"Bearer {self.api_key}"},
                timeout=PATIENCE,
            )
        return self._client

    def define(self, name: str, **task_type: Any) -> None:
        """Define an echo type."""
        answer = self.api.put(f"/task-types/{name}", json={"runner": "echo", **task_type})
        assert answer.status_code in (200, 201), answer.text

    def submit(self, task_type: str, input_data: Any = None, **more: Any) -> str:
        """Submit a task; its id."""
        answer = self.api.post("/tasks", json={"type": task_type, "input_data": input_data or {}, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/tasks/{task_id}").raise_for_status().json())

    def wait(self, task_id: str, *statuses: str) -> dict[str, Any]:
        """The task, once it has one of the statuses (``completed`` if none is given)."""

        def probe() -> dict[str, Any] | None:
            task = self.task(task_id)
            return task if task["status"] in (statuses or ("completed",)) else None

        return wait_for(probe, f"task {task_id} to be {' or '.join(statuses) or 'completed'}")

    def listed(self) -> list[dict[str, Any]]:
        """The workers, as the service lists them."""
        return list(self.api.get("/workers").raise_for_status().json()["items"])

    def worker_of(self, task: dict[str, Any]) -> dict[str, Any]:
        """The listed worker that performed a task."""
        (attempt,) = task["attempts"]
        return next(worker for worker in self.listed() if worker["id"] == attempt["worker_id"])

    def ready(self) -> dict[str, Any]:
        """What ``/readyz`` says."""
        return dict(httpx.get(f"{self.services[0].url}/readyz", timeout=PATIENCE).json())

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
        super().__exit__()


def ended(node: Node) -> int:
    """The exit code of a process that was told to end, once it has."""
    wait_for(lambda: not node.lives, f"{node.name} to end", node)
    assert node.exit_code is not None
    return node.exit_code


def says(node: Node, words: str) -> int:
    """How many lines of a process's log contain these words."""
    return sum(words in line for line in node.log.read_text(errors="replace").splitlines())
