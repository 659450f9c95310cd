"""A worker that a person drains: nothing new comes to it, what it has it ends, and the process is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.running import Running, ended
from private_servers import redis_url


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path, redis_url(), drain_timeout=0) as system:
        system.prepare()
        system.service()
        system.define("work", options={"delay": "3s"})
        yield system


def test_it_does_what_it_has_however_short_the_time_out_is_and_ends(system: Running) -> None:
    worker = system.worker(10)
    task = system.submit("work")
    system.wait(task, "processing")
    (listed,) = system.listed()
    answer = system.api.post(f"/workers/{listed['id']}/drain")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "draining"
    late = system.submit("work")
    assert ended(worker) == 0
    assert system.wait(task)["attempt_count"] == 1
    assert system.task(late)["status"] == "pending"
    assert [listed["status"] for listed in system.listed()] == ["left"]
