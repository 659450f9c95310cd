"""A new version with a migration, under load and without a stop: nothing is lost, and no client sees an error."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.balancer import Load
from acceptance.releases import NEXT, Releases
from broker.running import Running, ended
from private_servers import redis_url
from tradefree.testing.cluster import TRADEFREE, Service, Worker
from waiting import wait_for

pytestmark = pytest.mark.timeout(900)
MORE = 40
"""Tasks that must be accepted between two steps."""


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


@pytest.fixture
def system(tmp_path: Path, releases: Releases) -> Iterator[Running]:
    with Running(tmp_path, redis_url(), stop_delay=1.5) as system:
        system.environment = {**system.environment, "PYTHONPATH": str(releases.current)}
        system.prepare()
        for _ in range(2):
            system.service()
        system.define("work", options={"delay": "300ms"})
        yield system


def go_on(load: Load, *nodes: Service | Worker) -> None:
    """Return when so many tasks more were accepted."""
    until = len(load.accepted) + MORE
    wait_for(lambda: len(load.accepted) >= until, f"{MORE} more tasks to be accepted", *nodes)


def migrate(system: Running, release: Path) -> None:
    environment = {**system.environment, "PYTHONPATH": str(release)}
    subprocess.run([TRADEFREE, "migrate"], env=environment, cwd=system.folder, check=True, capture_output=True)


def restart(service: Service, load: Load) -> None:
    """Stop one service and start what is current now; return when the balancer sends to it again."""
    service.send(signal.SIGTERM)
    assert ended(service) == 0
    service.start()
    wait_for(lambda: service.url in load.up, f"{service.name} to be asked again", service)


def versions(system: Running) -> list[str]:
    """Of the workers that take work."""
    return [worker["version"] for worker in system.listed() if worker["status"] == "live"]


def test_services_and_workers_are_replaced_under_load(system: Running, releases: Releases) -> None:
    worker = system.worker(20, "--processes", "2")
    wait_for(lambda: len(versions(system)) == 2, "both processes to take work", worker)
    with Load([service.url for service in system.services], system.api_key, clients=4, pause=0.05) as load:
        go_on(load, worker)
        migrate(system, releases.next)
        go_on(load, worker)  # this version on the next one's tables
        releases.switch()
        for service in system.services:
            restart(service, load)
            go_on(load, service)  # both versions side by side
        os.kill(worker.pid, signal.SIGHUP)
        wait_for(lambda: versions(system) == [NEXT, NEXT], "new processes to take work, old ones to go", worker)
        go_on(load, worker)
    assert load.errors == []
    wait_for(lambda: all_completed(system, len(load.accepted)), "all tasks to be completed", worker)
    tasks = [system.task(task_id) for task_id in load.accepted]
    assert len({task["id"] for task in tasks}) == len(tasks)
    assert {(task["status"], task["attempt_count"], task["crashes"]) for task in tasks} == {("completed", 1, 0)}


def all_completed(system: Running, number: int) -> bool:
    return bool(system.api.get("/stats").json()["by_status"]["completed"] >= number)
