"""``tradefree worker`` with several processes: deaths, an orderly end, and as many as waiting tasks need."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.running import Running, ended
from private_servers import redis_url
from tradefree.testing.cluster import Worker
from waiting import wait_for

pytestmark = pytest.mark.timeout(600)
DELAY = 1.0
"""Seconds that each task takes."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a system with one service and a type ``work``."""
    systems: list[Running] = []

    def start(**settings: object) -> Running:
        system = Running(tmp_path, redis_url(), **settings)
        systems.append(system)
        system.prepare()
        system.service()
        system.define("work", options={"delay": f"{DELAY:g}s"})
        system.define("long", options={"delay": "8s"})
        return system

    yield start
    for system in systems:
        system.__exit__()


def pids(worker: Worker) -> list[int]:
    """The processes that the parent has now."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def live(system: Running) -> list[dict[str, Any]]:
    """The incarnations that take work."""
    return [worker for worker in system.listed() if worker["status"] == "live"]


def are(system: Running, number: int, worker: Worker) -> None:
    wait_for(lambda: len(live(system)) == number, f"{number} processes to take work", worker)


def submitted(system: Running, number: int, task_type: str = "work") -> list[str]:
    """So many tasks, accepted."""
    lines = "\n".join(json.dumps({"type": task_type, "input_data": {"n": n}}) for n in range(number))
    headers = {"Content-Type": "application/x-ndjson"}
    answer = system.api.post("/tasks/batch", content=lines, headers=headers).raise_for_status().json()
    return [item["task"]["id"] for item in answer["items"]]


def all_done(system: Running, ids: list[str], worker: Worker) -> list[dict[str, Any]]:
    def count() -> bool:
        return bool(system.api.get("/stats").json()["by_status"]["completed"] >= len(ids))

    wait_for(count, f"{len(ids)} tasks to be completed", worker)
    return [system.task(task_id) for task_id in ids]


def has_tasks(system: Running, pid: int) -> bool:
    return any(worker["in_flight"] for worker in live(system) if f"-{pid}-" in worker["name"])


def scaled(worker: Worker) -> list[tuple[int, int]]:
    """Every step, from its log: how many before, how many then."""
    lines = (json.loads(line) for line in worker.log.read_text().splitlines() if '"scaling"' in line)
    return [(line["before"], line["processes"]) for line in lines]


def gone(processes: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in processes)


def test_a_process_that_is_killed_is_replaced_and_a_stop_leaves_nothing_behind(start: Callable[..., Running]) -> None:
    system = start(drain_timeout=2)
    worker = system.worker(20, "--processes", "2")
    are(system, 2, worker)
    ids = submitted(system, 60)
    victim = wait_for(
        lambda: next((pid for pid in pids(worker) if has_tasks(system, pid)), None), "one to be busy", worker
    )
    os.kill(victim, signal.SIGKILL)
    all_done(system, ids, worker)
    are(system, 2, worker)
    assert victim not in pids(worker)

    held = submitted(system, 10, "long")
    wait_for(lambda: all(system.task(task_id)["status"] == "processing" for task_id in held), "tasks to run", worker)
    processes = pids(worker)
    worker.send(signal.SIGTERM)
    assert ended(worker) == 0
    assert gone(processes)
    assert live(system) == []
    for task_id in held:  # two seconds were too few for them
        task = system.task(task_id)
        assert (task["status"], task["crashes"], task["failures"]) == ("pending", 0, 0)


def test_processes_whose_parent_is_killed_stop_by_themselves(start: Callable[..., Running]) -> None:
    system = start(drain_timeout=1)
    worker = system.worker(20, "--processes", "2")
    are(system, 2, worker)
    processes = pids(worker)
    worker.kill()
    wait_for(lambda: gone(processes), "the processes to end", worker)
    assert {worker["status"] for worker in system.listed()} == {"left"}


def test_a_process_that_does_not_stop_in_time_is_killed_and_its_tasks_go_on(start: Callable[..., Running]) -> None:
    system = start(drain_timeout=1)
    worker = system.worker(20, "--processes", "2")
    are(system, 2, worker)
    held = submitted(system, 10, "long")
    wait_for(lambda: all(system.task(task_id)["status"] == "processing" for task_id in held), "tasks to run", worker)
    processes = pids(worker)
    frozen = next(pid for pid in processes if has_tasks(system, pid))
    os.kill(frozen, signal.SIGSTOP)
    worker.send(signal.SIGTERM)
    assert ended(worker) == os.EX_SOFTWARE
    assert gone(processes)
    assert "a worker process does not end; killing it" in worker.log.read_text()
    tasks = all_done(system, held, system.worker(20))
    assert {task["status"] for task in tasks} == {"completed"}
    assert {task["crashes"] for task in tasks} == {0, 1}, "those of the one that was killed know it"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--processes", "0"), "TRADEFREE_PROCESSES: must be a number from 1 to 1000, or auto"),
        (("--processes", "auto", "--min", "3", "--max", "2"), "TRADEFREE_PROCESSES_MAX: must not be below"),
        (("--processes", "2", "--max", "2"), "with a fixed number leave them out"),
        (("--processes", "2"), "the database has no tables yet: run `tradefree migrate`"),
    ],
)
def test_what_cannot_work_is_said_and_ends_it(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    with Running(tmp_path, redis_url()) as system:
        worker = system.worker(5, *options, wait=False)
        assert ended(worker) == 2
        assert words in worker.log.read_text()
        assert "Traceback" not in worker.log.read_text()


def test_a_burst_is_met_by_more_processes_which_drain_when_it_is_over(start: Callable[..., Running]) -> None:
    """Ten places and a task a second: one process would need a minute for what three do in twenty seconds. While they
    go, long tasks run on them: each is ended by the process that began it."""
    system = start(scale_wait=2, scale_calm=3, drain_timeout=1)
    worker = system.worker(10, "--processes", "auto", "--min", "1", "--max", "3")
    are(system, 1, worker)
    ids = submitted(system, 400)
    are(system, 3, worker)
    all_done(system, ids, worker)
    ids += submitted(system, 15, "long")
    tasks = all_done(system, ids, worker)
    are(system, 1, worker)
    assert {(task["attempt_count"], task["crashes"], task["failures"]) for task in tasks} == {(1, 0, 0)}
    assert scaled(worker)[:2] == [(1, 2), (2, 3)]
    assert all(then == before - 1 for before, then in scaled(worker) if then < before)
