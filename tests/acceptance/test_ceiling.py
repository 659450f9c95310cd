"""The ceiling of a connection, learnt from a real server that refuses, falls silent, dies and comes back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from acceptance.processes import Standin, System
from waiting import wait_for

RETRY = {"max_attempts": 1}
"""A refusal that counted as a failure would end its task."""


def at_work(system: System, standin: Standin, **connection: Any) -> None:
    body = {"kind": "dify", "base_url": standin.url, "api_key": "app-work", **connection}
    assert system.api.put("/connections/dify", json=body).status_code in (200, 201)
    system.define("work", runner="dify.workflow", connection="dify", retry=RETRY)


def control(standin: Standin, **app: Any) -> None:
    root = standin.url.removesuffix("/v1")
    answer = httpx.post(f"{root}/standin/control", json={"apps": {"work": app}})
    assert answer.status_code == 200, answer.text


def refused(standin: Standin) -> int:
    summary = httpx.get(f"{standin.url.removesuffix('/v1')}/standin/ledger?runs=0").json()["summary"]
    return int(summary["refused"].get("too_many_requests", 0))


def completed(system: System) -> int:
    return int(system.api.get("/stats").json()["by_status"]["completed"])


def ceiling(system: System) -> dict[str, Any]:
    found: dict[str, Any] = system.api.get("/limits/connection:dify").json()
    return found


@pytest.mark.timeout(180)
def test_few_calls_are_refused_and_none_fails(system: System, standin: Standin) -> None:
    at_work(system, standin)
    control(standin, behaviour={"too_many_requests": {"above": 6}})
    ids = [system.submit("work", {"seconds": 0.4, "text": str(n)}) for n in range(150)]
    wait_for(lambda: completed(system) == len(ids), "all tasks", patience=120)

    tasks = [system.task(id_) for id_ in ids]
    assert {task["failures"] for task in tasks} == {0}
    assert refused(standin) <= 0.15 * len(ids), "of short work the first guess is a larger part"
    assert len(standin.runs()) == len(ids)
    learnt = ceiling(system)["ceiling"]
    assert 3 <= learnt["level"] <= 9, learnt


@pytest.mark.timeout(180)
def test_while_dify_is_down_tasks_wait_without_attempts_and_go_on_by_themselves(
    system: System, standin: Standin
) -> None:
    at_work(system, standin)
    first = system.submit("work", {"seconds": 0, "text": "x"})
    system.wait(first)
    standin.process.kill()
    ids = [system.submit("work", {"seconds": 0.1, "text": str(n)}) for n in range(40)]

    def down() -> dict[str, Any] | None:
        found = ceiling(system)
        return found if found["ceiling"] and found["ceiling"]["down"] else None

    found = wait_for(down, "the ceiling to be down")
    assert "cannot be reached" in found["ceiling"]["reason"]
    assert found["ceiling"]["probe_at"] is not None
    waiting = [system.task(id_) for id_ in ids]
    assert sum(task["attempt_count"] == 0 for task in waiting) >= 25, "most were never tried"
    kinds = {hold["kind"] for task in waiting if task["status"] == "pending" for hold in task["waiting"]["holds"]}
    assert "down" in kinds
    standin.start()
    wait_for(lambda: completed(system) == len(ids) + 1, "all tasks", patience=120)
    assert {system.task(id_)["failures"] for id_ in ids} == {0}
    assert not ceiling(system)["ceiling"]["down"]


@pytest.mark.timeout(120)
def test_it_may_be_switched_off(system: System, standin: Standin) -> None:
    at_work(system, standin, adaptive=False)
    for number in range(40):
        system.submit("work", {"seconds": 1.5, "text": str(number)})
    wait_for(lambda: sum(run.started_mono is not None for run in standin.runs()) == 40, "all to have started")
    assert ceiling(system)["ceiling"] is None
