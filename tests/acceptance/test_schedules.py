"""Schedules over two services that are killed: every run is there, each once, with its event and its task."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from private_servers import database_on, redis_url
from tradefree.access.secrets import SecretBox
from tradefree.clock import SystemClock
from tradefree.database.store import SqlStore
from tradefree.events.trigger import Trigger
from tradefree.ids import new_id
from tradefree.tasks.ports import Entry
from tradefree.testing.cluster import Cluster
from waiting import wait_for

SECOND = timedelta(seconds=1)
DEFINITIONS = """
task_types:
  tick: {runner: echo}
schedules:
  each-second:
    every: 1s
    misfire: all
    misfire_limit: 100
    event: {type: com.example.tick}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, database_on("mariadb", f"schedules_{new_id()[-12:]}"), redis_url()) as cluster:
        cluster.prepare()
        (tmp_path / "definitions.yaml").write_text(DEFINITIONS)
        cluster.tradefree("apply", "-f", "definitions.yaml")
        asyncio.run(make_rule(cluster))
        yield cluster


async def make_rule(cluster: Cluster) -> None:
    """Let each event make a task."""
    url, key = (cluster.environment[f"TRADEFREE_{name}"] for name in ("DATABASE_URL", "SECRET_KEY"))
    store = SqlStore(sa.make_url(url), SystemClock(), SecretBox(key))
    trigger = Trigger(name="ticks", event="com.example.tick", task_type="tick", input={"at": "string(event.time)"})
    await store.put_trigger(trigger, Entry(new_id(), SystemClock().now(), "a test", "trigger.put", "trigger:ticks"))
    await store.close()


class Asking:
    """Asks any service that answers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._client = httpx.Client(headers={"Authorization": f"Bearer {cluster.api_key}"}, timeout=30)

    def __call__(self, path: str, method: str = "GET", **request: Any) -> Any:
        def ask() -> Any:
            for service in self._cluster.services:
                try:
                    answer = self._client.request(method, f"{service.url}/api/v1{path}", **request)
                except httpx.HTTPError:
                    continue
                if answer.status_code < 500:
                    assert answer.status_code < 300, answer.text
                    return answer.json()
            return None

        return wait_for(ask, f"an answer to {path}")

    def runs(self) -> list[Any]:
        """The runs of the schedule, newest first."""
        found: list[Any] = self("/schedules/each-second/runs", params={"limit": 200})["items"]
        return found

    def has_run(self, times: int) -> bool:
        return len(self.runs()) >= times

    def leader(self) -> Any:
        """The service that leads."""

        def find() -> Any:
            for service in self._cluster.services:
                try:
                    if self._client.get(f"{service.url}/api/v1/stats").json()["leads"]:
                        return service
                except httpx.HTTPError:
                    continue
            return None

        return wait_for(find, "a leader")


@pytest.mark.timeout(200)
def test_every_second_once_whoever_dies(cluster: Cluster) -> None:
    for _ in range(2):
        cluster.service()
    ask = Asking(cluster)
    for _ in range(3):
        wait_for(partial(ask.has_run, len(ask.runs()) + 2), "two more runs")
        leader = ask.leader()
        leader.kill()
        leader.start()
    wait_for(lambda: datetime.now().astimezone() - _at(ask.runs()[0]) < 3 * SECOND, "what was missed to be made up for")
    ask("/schedules/each-second/pause", "PUT", json={})

    runs = ask.runs()
    moments = [_at(run) for run in runs][::-1]
    assert len(moments) >= 8
    assert moments == [moments[0] + n * SECOND for n in range(len(moments))], "none is missing, none is there twice"
    assert {run["outcome"] for run in runs} == {"raised"}
    tasks = ask("/tasks", params={"type": "tick", "limit": 200, "payloads": True})["items"]
    inputs = [task["input_data"]["at"] for task in tasks]
    assert sorted(datetime.fromisoformat(at) for at in inputs) == moments, "and each made its task, once"


def _at(run: Any) -> datetime:
    return datetime.fromisoformat(run["fire_at"])
