"""The units are what systemd takes, and what they start runs, reloads and stops as they say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.running import Running
from deploy.units import FOLDER, INSTALLED, Unit, Unitary, example
from private_servers import redis_url
from tradefree.settings import Settings
from tradefree.testing.processes import free_port
from tradefree.testing.servers import find
from tradefree.worker.crew.crew import HAND_BACK_WITHIN
from waiting import wait_for

EXAMPLE = example(FOLDER / "tradefree.env.example")


def test_systemd_takes_them(tmp_path: Path) -> None:
    for file in FOLDER.glob("tradefree*.*"):
        (tmp_path / file.name).write_text(file.read_text().replace(f"{INSTALLED}/tradefree", "/bin/true"))
    units = ["tradefree-api@8081.service", "tradefree-worker.service", "tradefree.target"]
    command = [find("systemd-analyze", package="systemd"), "verify", "--man=no", "--generators=no"]
    done = subprocess.run(
        [*command, *(str(tmp_path / unit) for unit in units)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_processes_have_the_time_they_may_take_to_stop() -> None:
    worker, api = Unit("tradefree-worker.service"), Unit("tradefree-api@.service")
    drain = Settings.model_fields["drain_timeout"].default
    assert float(worker.one("TimeoutStopSec")) > drain + HAND_BACK_WITHIN
    assert float(api.one("TimeoutStopSec")) > float(EXAMPLE["TRADEFREE_STOP_DELAY"]) + 3
    assert worker.one("KillMode") == "mixed", "or the processes would hear the signal twice, and hand back at once"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Running]:
    ours = {"TRADEFREE_STOP_DELAY": "0.5", "TRADEFREE_PROCESSES": "2", "TRADEFREE_METRICS_PORT": str(free_port())}
    theirs = ("TRADEFREE_DATABASE_URL", "TRADEFREE_BROKER_URL", "TRADEFREE_SECRET_KEY")
    with Running(tmp_path, redis_url()) as system:
        settings = {name: value for name, value in EXAMPLE.items() if name not in theirs}
        system.environment = {**system.environment, **settings, **ours}
        system.prepare()
        yield system


@pytest.mark.timeout(600)
def test_what_they_start_runs_reloads_and_stops(system: Running) -> None:
    port = free_port()
    service = Unitary(system, "api", Unit("tradefree-api@.service", str(port)))
    service.port = port
    worker = Unitary(system, "workers", Unit("tradefree-worker.service"))
    try:
        service.start()
        system.services.append(service)
        worker.start()
        wait_for(lambda: len(live(system)) == 2, "two processes to take work", worker)
        system.define("quick")
        before = live(system)
        worker.reload()
        wait_for(lambda: len(live(system)) == 2 and not live(system) & before, "two others", worker)
        assert system.wait(system.submit("quick"))["attempt_count"] == 1
        worker.halt()
        assert worker.exit_code == 0
        assert live(system) == set()
        service.halt()
        assert service.exit_code == 0
    finally:
        worker.kill()
        service.kill()
        system.services.clear()


def live(system: Running) -> set[str]:
    return {worker["id"] for worker in system.listed() if worker["status"] == "live"}
