"""Real processes for the acceptance tests: the embedded system and the stand-in Dify, started and killed at will."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tradefree.testing.dify_standin import Entry, read_ledger
from waiting import PATIENCE, wait_for

TRADEFREE = str(Path(sys.executable).with_name("tradefree"))

Doc = dict[str, Any]


class Process:
    """A child process whose output goes to a file."""

    def __init__(self, command: list[str], output: Path, environment: dict[str, str]) -> None:
        self.output = output
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TRADEFREE_", "DIFY_"))}
        with output.open("ab") as file:
            self._popen = subprocess.Popen(
                command, stdout=file, stderr=file, env={**clean, **environment}, cwd=output.parent
            )

    @property
    def ended(self) -> int | None:
        return self._popen.poll()

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def kill(self, sig: int = signal.SIGKILL) -> int:
        """Send a signal and wait for the end."""
        if self._popen.poll() is None:
            self._popen.send_signal(sig)
        return self._popen.wait(PATIENCE)

    def line(self, beginning: str) -> str:
        """The first line of output that begins so, white space aside."""

        def find() -> str | None:
            assert self.ended is None, self.text()
            lines = (line.strip() for line in self.text().splitlines())
            return next((line for line in lines if line.startswith(beginning)), None)

        return wait_for(find, f"{beginning!r} in the output")


class System:
    """``tradefree up`` in a folder; it may be killed and started again."""

    def __init__(self, folder: Path, *, python_path: Path | None = None, **settings: Any) -> None:
        self.folder = folder
        self.settings = {f"TRADEFREE_{name.upper()}": str(value) for name, value in settings.items()}
        if python_path is not None:
            self.settings["PYTHONPATH"] = str(python_path)
        self.settings["TRADEFREE_DATABASE_URL"] = f"sqlite+aiosqlite:///{folder}/tradefree.db"
        self.key = ""
        self._starts = 0
        self._client: httpx.Client | None = None
        self.process = self.start()

    def start(self) -> Process:
        """Start (again); returns when it serves."""
        self._starts += 1
        output = self.folder / f"up-{self._starts}.log"
        self.process = Process([TRADEFREE, "up", "--port", "0"], output, self.settings)
        url = self.process.line("service").split()[-1]
        if not self.key:
            self.key = self.process.line("admin key").split()[2]
        self._client = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {self.key}"}, timeout=PATIENCE
        )
        wait_for(lambda: self._answers(url), "the service to be ready")
        return self.process

    def _answers(self, url: str) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz").status_code == 200
        return False

    @property
    def api(self) -> httpx.Client:
        assert self._client is not None
        return self._client

    def define(self, name: str, **task_type: Any) -> None:
        answer = self.api.put(f"/task-types/{name}", json=task_type)
        assert answer.status_code in (200, 201), answer.text

    def connect(self, name: str, base_url: str, api_key: str) -> None:
        answer = self.api.put(f"/connections/{name}", json={"base_url": base_url, "api_key": api_key})
        assert answer.status_code in (200, 201), answer.text

    def submit(self, task_type: str, input_data: Any = None, **more: Any) -> str:
        answer = self.api.post("/tasks", json={"type": task_type, "input_data": input_data or {}, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def task(self, task_id: str) -> Doc:
        answer = self.api.get(f"/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def log(self, task_id: str) -> list[Doc]:
        return list(self.api.get(f"/tasks/{task_id}/logs", params={"limit": 1000}).json()["items"])

    def wait(self, task_id: str, *statuses: str) -> Doc:
        """The task, once it has one of the statuses (an end, if none is given)."""
        wanted = statuses or ("completed", "failed", "cancelled")

        def probe() -> Doc | None:
            task = self.task(task_id)
            return task if task["status"] in wanted else None

        return wait_for(probe, f"task {task_id} to be {' or '.join(wanted)}; it is {self.task(task_id)}")


class Standin:
    """The stand-in Dify as a process of its own, with its ledger in a file that survives everything."""

    def __init__(self, folder: Path, apps: Doc, port: int = 0) -> None:
        (folder / "apps.yaml").write_text(json.dumps(apps))
        self._folder = folder
        self._ledger = folder / "ledger.jsonl"
        self.process = self._process(str(port))
        self.url = str(json.loads(self.process.line("{"))["url"])

    def start(self) -> None:
        """Start again where it was, after a kill."""
        self.process = self._process(str(httpx.URL(self.url).port))

    def _process(self, port: str) -> Process:
        command = [TRADEFREE, "dify-standin", "--port", port, "--apps", str(self._folder / "apps.yaml")]
        return Process([*command, "--ledger", str(self._ledger)], self._folder / "dify.log", {})

    def runs(self) -> list[Entry]:
        """Every run it ever began, from the ledger file."""
        return read_ledger(self._ledger)
