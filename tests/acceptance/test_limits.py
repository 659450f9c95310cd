"""Caps at five levels over real services and workers, some of which are killed; the stand-in's ledger judges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from acceptance.any_service import AnyService
from private_servers import database_on, redis_url
from tradefree.ids import new_id
from tradefree.testing.cluster import Cluster
from tradefree.testing.dify_standin import Entry
from tradefree.testing.standin import Standin
from waiting import wait_for

APPS = {
    "apps": [
        {
            "name": name,
            "key": f"app-{name}",
            "inputs": [{"name": "seconds", "type": "number", "required": True}],
            "nodes": [{"id": "think", "type": "llm", "seconds": "{seconds}"}],
        }
        for name in ("one", "two")
    ]
}
LIMITS = """
limits:
  everything: {{max_running: 12}}
  queue:default: {{max_running: 11}}
  shared: {{max_running: 7}}
connections:
  one: {{kind: dify, base_url: "{url}", api_key: app-one, max_running: 8, adaptive: false}}
  two: {{kind: dify, base_url: "{url}", api_key: app-two, adaptive: false}}
task_types:
  a: {{runner: dify.workflow, connection: one, limits: [shared], retry: {retry},
       concurrency: {{max_running: 6, key: "string(int(input.key))", max_running_per_key: 2}}}}
  b: {{runner: dify.workflow, connection: one, retry: {retry}}}
  c: {{runner: dify.workflow, connection: two, limits: [shared], retry: {retry}}}
"""
RETRY = "{max_attempts: 20, initial: 0.1, maximum: 0.2}"
CAPS = {"everything": 12, "shared": 7, "one": 8, "a": 6, "lane": 2}


class World(AnyService):
    """Two services, two workers, the stand-in, and who submitted what."""

    def __init__(self, cluster: Cluster, standin: Standin) -> None:
        super().__init__(cluster)
        self.standin = standin
        self.tasks: dict[str, tuple[str, int]] = {}
        """Type and key by task id."""

    def submit(self, number: int, seconds: float) -> None:
        """So many tasks of each type, with keys."""
        for index in range(number):
            for name in "abc":
                key = index % 5
                body = {"type": name, "input_data": {"seconds": seconds, "key": key}}
                task = self.call("POST", "/tasks", json=body, headers={"Idempotency-Key": f"{name}{index}{seconds}"})
                self.tasks[task["id"]] = (name, key)

    def peaks(self, since: float = 0.0) -> dict[str, int]:
        """Most runs at Dify at one moment in each scope, from a moment of its clock on."""
        entries = [entry for entry in self.standin.runs() if entry.started_mono is not None]
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            name, key = self.tasks[entry.user.removeprefix("tf-").rsplit("-", 1)[0]]
            scopes = {"everything", name, "one" if name in "ab" else "two"}
            scopes |= {"shared"} if name in "ac" else set()
            scopes |= {f"lane {key}"} if name == "a" else set()
            for scope in scopes:
                groups.setdefault(scope, []).append(entry)
        return {scope: peak(found, since) for scope, found in groups.items()}

    def completed(self) -> int:
        counts: dict[str, int] = self.call("GET", "/stats")["by_status"]
        return counts["completed"]

    def has_started(self, number: int) -> bool:
        return self.started() >= number

    def started(self) -> int:
        return sum(entry.started_mono is not None for entry in self.standin.runs())


def peak(entries: list[Entry], since: float) -> int:
    changes: list[tuple[float, int]] = []
    for entry in entries:
        assert entry.started_mono is not None
        end = entry.ended_mono if entry.ended_mono is not None else float("inf")
        if end > since:
            changes += [(max(since, entry.started_mono), 1), (end, -1)]
    running = most = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    standin = Standin(tmp_path, APPS)
    with standin, Cluster(tmp_path, database_on("mariadb", f"limits_{new_id()[-12:]}"), redis_url()) as cluster:
        cluster.prepare()
        limits = tmp_path / "limits.yaml"
        limits.write_text(LIMITS.format(url=standin.base_url, retry=RETRY))
        cluster.tradefree("apply", "-f", str(limits))
        for _ in range(2):
            cluster.service()
            cluster.worker(50)
        yield World(cluster, standin)


def caps_hold(peaks: dict[str, int]) -> None:
    found = dict(peaks)
    lanes = [number for scope, number in found.items() if scope.startswith("lane ")]
    found["lane"] = max(lanes)
    exceeded = {scope: found[scope] for scope, cap in CAPS.items() if found.get(scope, 0) > cap}
    assert not exceeded, f"caps {CAPS}, and at Dify were {exceeded}"


def leader(world: World) -> Any:
    """The service that leads."""

    def find() -> Any:
        for service in world.cluster.services:
            try:
                if world.api.get(f"{service.url}/api/v1/stats").json()["leads"]:
                    return service
            except httpx.HTTPError:
                continue
        return None

    return wait_for(find, "a leader")


@pytest.mark.timeout(300)
def test_no_cap_is_exceeded_whoever_dies(world: World) -> None:
    """A worker dies while its runs go on at Dify: they hold their places until they are accounted for."""
    world.submit(20, seconds=1.5)
    kill: list[Callable[[], None]] = [
        lambda: world.cluster.workers[0].kill(),
        lambda: leader(world).kill(),
        lambda: world.cluster.workers[1].kill(),
    ]
    for number, strike in enumerate(kill, start=1):
        wait_for(partial(world.has_started, 10 * number), "some runs")
        strike()
        for node in (*world.cluster.services, *world.cluster.workers):
            if not node.lives:
                node.start()
    wait_for(lambda: world.completed() == 60, "all tasks", patience=150)

    peaks = world.peaks()
    caps_hold(peaks)
    assert peaks["everything"] >= 10, "and the room was used"
    assert len({entry.user for entry in world.standin.runs()}) == len(world.standin.runs()) == 60, "none was paid twice"


@pytest.mark.timeout(200)
def test_a_change_holds_within_a_moment(world: World) -> None:
    world.submit(15, seconds=0.3)
    wait_for(lambda: world.started() >= 5, "some runs")
    world.call("PATCH", "/limits/everything", json={"max_running": 3, "reason": "a test"})
    told = time.monotonic()
    wait_for(lambda: world.completed() >= 30, "more than half", patience=100)
    assert world.peaks(since=told + 1.5)["everything"] <= 3
    world.call("PUT", "/limits/type:b/mode", json={"mode": "paused"})
    time.sleep(1.5)
    before = [entry for entry in world.standin.runs() if world.tasks[entry.user[3:].rsplit("-", 1)[0]][0] == "b"]
    world.call("DELETE", "/limits/everything")
    of_b = sum(name == "b" for name, _ in world.tasks.values())
    wait_for(lambda: world.completed() >= 45 - (of_b - len(before)), "all but the paused", patience=100)
    after = [entry for entry in world.standin.runs() if world.tasks[entry.user[3:].rsplit("-", 1)[0]][0] == "b"]
    assert len(after) == len(before), "a second after the pause nothing of it starts"
    world.call("PUT", "/limits/type:b/mode", json={"mode": "open"})
    wait_for(lambda: world.completed() == 45, "all tasks", patience=100)
    caps_hold(world.peaks())
