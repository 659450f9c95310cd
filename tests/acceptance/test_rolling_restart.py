"""In the middle of an upgrade the release before starts again, on the next one's tables, if those allow it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import sqlalchemy as sa

from acceptance.releases import Releases
from broker.running import Running, ended
from database.servers import on_server
from private_servers import redis_url
from tradefree.testing.cluster import TRADEFREE, Node
from waiting import wait_for


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Running]:
    """Not started; its processes are of the release that ``current`` leads to."""
    with Running(tmp_path, redis_url()) as system:
        system.environment = {**system.environment, "PYTHONPATH": str(tmp_path / "current")}
        yield system


def by_next(system: Running, releases: Releases, *words: str) -> str:
    """What a command of the next release prints."""
    environment = {**system.environment, "PYTHONPATH": str(releases.next)}
    return subprocess.run(
        [TRADEFREE, *words], env=environment, cwd=system.folder, check=True, capture_output=True, text=True
    ).stdout


def test_the_release_before_starts_again(system: Running, tmp_path: Path) -> None:
    releases = Releases(tmp_path)
    system.prepare()
    nodes: list[Node] = [system.service(), system.worker(20)]
    system.define("work")
    by_next(system, releases, "migrate")
    for node in nodes:
        node.send(signal.SIGTERM)
        assert ended(node) == 0
        node.start()
    task_id = system.submit("work", {"n": 1})
    wait_for(lambda: system.task(task_id)["status"] == "completed", "the task to be completed", *nodes)
    assert [worker["version"] for worker in system.listed() if worker["status"] == "live"] == [version("tradefree")]
    assert '"next"' in system.tradefree("migrate", "--json"), (
        "what starts a pod does, and leaves the tables as they are"
    )
    backup = subprocess.run(
        [TRADEFREE, "backup"], env=system.environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert backup.returncode == 2
    assert "would not see all of it: back up with the later version" in backup.stderr
    assert list(tmp_path.glob("*.tfb")) == []

    asyncio.run(
        on_server(sa.make_url(system.environment["TRADEFREE_DATABASE_URL"]), "UPDATE leaders SET oldest = 'next'")
    )
    for node in nodes:
        node.send(signal.SIGTERM)
        assert ended(node) == 0
        node.start(wait=False)
        assert ended(node) == 2, "where it could not work it does not start"
        assert "schema next is newer than this version of tradefree: upgrade tradefree" in node.log.read_text()
        assert "Traceback" not in node.log.read_text()
