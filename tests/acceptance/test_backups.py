"""The restore drill: a backup is made while tasks run, the system dies, and another one goes on from the backup."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from acceptance.processes import TRADEFREE, System
from database.servers import empty_database
from private_servers import DATABASES, database_on, redis_url
from tradefree.testing.cluster import Cluster
from waiting import wait_for

TASKS = 60
PASSPHRASE = "correct horse battery"
SLOW = {"runner": "echo", "options": {"delay": 2.0}, "concurrency": {"max_running": 5}}


def run(environment: dict[str, str], folder: Path, *words: str) -> Any:
    """A command that must succeed; the document it prints."""
    done = subprocess.run(
        [TRADEFREE, *words, "--json"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def on_a_full_disk() -> None:
    """In a process that is about to begin: no file can have more than a kilobyte."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def refused(environment: dict[str, str], folder: Path, *words: str, full: bool = False) -> tuple[int, str]:
    """A command that cannot do what it is told: its exit code, and the sentence that says why."""
    limited = on_a_full_disk if full else None
    done = subprocess.run(
        [TRADEFREE, *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limited,
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def at_work(counts: dict[str, int]) -> bool:
    """Some tasks have ended, and many have not."""
    return 5 <= counts.get("completed", 0) <= TASKS // 3


@pytest.mark.timeout(400)
def test_the_drill_on_sqlite(start_system: Callable[..., System], tmp_path: Path, stack: ExitStack) -> None:
    system = start_system(backup_passphrase=PASSPHRASE)
    system.define("slow", **SLOW)
    batch = [{"type": "slow", "input_data": {"n": n}} for n in range(TASKS)]
    ids = [item["task"]["id"] for item in system.api.post("/tasks/batch", json=batch).json()["items"]]
    wait_for(lambda: at_work(system.api.get("/stats").json()["by_status"]), "some of the tasks", patience=120)
    made = run({**system.settings}, tmp_path, "backup", "create", "drill.tfb", "--verify")
    assert made["encrypted"]
    assert made["tables"]["tasks"]["rows"] == TASKS
    assert made["proof"]["rows"] == made["rows"]
    system.process.kill(signal.SIGKILL)

    other = tmp_path / "other"
    other.mkdir()
    key = (tmp_path / "tradefree.db.key").read_text()
    settings = {"TRADEFREE_DATABASE_URL": f"sqlite+aiosqlite:///{other}/tradefree.db", "TRADEFREE_SECRET_KEY": key}
    run({**settings, "TRADEFREE_BACKUP_PASSPHRASE": PASSPHRASE}, tmp_path, "restore", "drill.tfb")
    with sqlite3.connect(other / "tradefree.db") as connection:
        before = dict(connection.execute("SELECT status, COUNT(*) FROM tasks GROUP BY status"))
    assert before.get("processing", 0) + before.get("queued", 0) > 0, "the backup caught nothing in flight"
    system.folder = other
    system.settings["TRADEFREE_DATABASE_URL"] = settings["TRADEFREE_DATABASE_URL"]
    system.start()
    tasks = [system.wait(task_id) for task_id in ids]
    assert Counter(task["status"] for task in tasks) == {"completed": TASKS}
    assert [task["output_data"] for task in tasks] == [{"n": n} for n in range(TASKS)]
    assert {task["crashes"] for task in tasks} == {0}, "a restore is nobody's death"
    assert max(len(task["attempts"]) for task in tasks) == 2, "what was in flight was taken up again"


class Drill:
    """A distributed system that runs some tasks."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        cluster.service()
        cluster.worker()
        self.api = httpx.Client(
            base_url=f"{cluster.services[0].url}/api/v1",
            headers={"Authorization": f"Bearer {cluster.api_key}"},
            timeout=60,
        )

    def counts(self) -> dict[str, int]:
        return dict(self.api.get("/stats").json()["by_status"])

    def submit(self) -> None:
        batch = [{"type": "slow", "input_data": {"n": n}} for n in range(TASKS)]
        assert self.api.post("/tasks/batch", json=batch).json()["accepted"] == TASKS


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", DATABASES)
def test_the_drill_on_a_server(kind: str, tmp_path: Path, stack: ExitStack) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    first = stack.enter_context(
        Cluster(
            tmp_path,
            database_on(kind, "drill"),
            redis_url(),
            backup_folder=folder,
            backup_every_hours=1,
            backup_verify=False,
        )
    )
    first.prepare()
    drill = Drill(first)
    assert drill.api.put("/task-types/slow", json=SLOW).status_code in (200, 201)
    wait_for(lambda: list(folder.glob("*.tfb")), "the backup that the leader makes by itself")
    drill.submit()
    wait_for(lambda: at_work(drill.counts()), "some of the tasks", patience=120)
    made = run(first.environment, tmp_path, "backup", "create", "drill.tfb")
    assert made["tables"]["tasks"]["rows"] == TASKS
    code, said = refused(first.environment, tmp_path, "backup", "create", "full.tfb", full=True)
    assert (code, "nothing was left behind. Make room" in said) == (3, True), said
    assert not [file for file in tmp_path.iterdir() if "full.tfb" in file.name]
    sealed = {**first.environment, "TRADEFREE_BACKUP_PASSPHRASE": PASSPHRASE}
    run(sealed, tmp_path, "backup", "create", "sealed.tfb")
    wrong = {**sealed, "TRADEFREE_BACKUP_PASSPHRASE": PASSPHRASE.upper()}
    code, said = refused(wrong, tmp_path, "backup", "verify", "sealed.tfb", "--on-server")
    assert (code, "is not the passphrase that this backup was made with" in said) == (2, True), said
    proof = run(first.environment, tmp_path, "backup", "verify", "drill.tfb", "--on-server")
    assert (proof["on"], proof["rows"]) == (kind, made["rows"])
    for node in (*first.workers, *first.services):
        node.kill()

    url = asyncio.run(empty_database(kind)).render_as_string(hide_password=False)
    second = stack.enter_context(Cluster(tmp_path / "backups", url, redis_url()))
    second.api_key = first.api_key
    run(second.environment, tmp_path, "restore", "drill.tfb")
    made_before = run(second.environment, tmp_path, "backup", "list")["items"]
    assert [record["error"] for record in made_before] == [None], "it knows of the one that the leader made"
    again = Drill(second)
    wait_for(lambda: again.counts().get("completed") == TASKS, "all tasks, on the restored database", patience=120)
    listed = again.api.get("/tasks", params={"limit": TASKS}).json()["items"]
    assert len(listed) == TASKS
    assert {task["crashes"] for task in listed} == {0}, "a restore is nobody's death"
