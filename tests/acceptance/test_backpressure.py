"""No room at Dify is no failure, a lost answer is looked after, and nothing is started twice."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from acceptance.processes import Doc, Standin, System
from tradefree.testing.dify_standin import runs_by_task
from waiting import wait_for

RETRY = {"max_attempts": 3, "initial": 0.2, "maximum": 0.5}
ONCE = {**RETRY, "max_attempts": 1}
BUSY = {"status": 429, "body": "json", "code": "too_many_requests", "message": "Later.", "times": 2}
NO_ROOM: dict[str, Doc] = {
    "429": {"http_error": BUSY},
    "429 with a time": {"http_error": {**BUSY, "retry_after": 3}},
    "400 too many requests": {"too_many_requests": {"times": 2}},
}
PROXY = (502, 503, 504)
NOT_PASSED_ON: dict[str, Doc] = {f"{status}": {"http_error": {"status": status, "times": 1}} for status in PROXY}
PASSED_ON: dict[str, Doc] = {
    **{f"{status}": {"http_error": {"status": status, "run_starts": True, "times": 1}} for status in PROXY},
    "cut": {"cut_stream": {"after_events": 0, "times": 1}},
    "cut in an event": {"cut_stream": {"after_events": 0, "mid_frame": True, "times": 1}},
}


def with_dify(system: System, url: str, **more: Any) -> None:
    system.connect("dify", url, "app-work")
    system.define("work", **{"runner": "dify.workflow", "connection": "dify", "retry": RETRY, **more})


def performed(system: System, cases: dict[str, Doc]) -> dict[str, Doc]:
    """What became of one task of each case; all at once, because some look for their run for a while."""
    ids = {
        name: system.submit("work", {"seconds": 0.2, "text": name, "standin": json.dumps(effects)})
        for name, effects in cases.items()
    }
    return {name: system.wait(task_id) for name, task_id in ids.items()}


def outcomes(task: Doc) -> list[str]:
    return [attempt["outcome"] for attempt in task["attempts"]]


def each_once(standin: Standin, tasks: dict[str, Doc]) -> None:
    """The ledger has one run of every task."""
    starts = {task_id: len(runs) for task_id, runs in runs_by_task(standin.runs()).items()}
    assert {name: starts[task["id"]] for name, task in tasks.items()} == dict.fromkeys(tasks, 1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_no_room_defers_and_counts_no_failure(system: System, standin: Standin) -> None:
    with_dify(system, standin.url, retry=ONCE)
    tasks = performed(system, NO_ROOM)
    for name, task in tasks.items():
        assert outcomes(task) == ["deferred", "deferred", "completed"], (name, task)
        assert task["failures"] == 0
    each_once(standin, tasks)
    first, second, _ = tasks["429 with a time"]["attempts"]
    waited = moment(second["started_at"]) - moment(first["finished_at"])
    assert waited.total_seconds() >= 3, "Dify said when to come again"


def test_a_lost_answer_of_a_run_that_began_is_found_in_the_same_attempt(system: System, standin: Standin) -> None:
    with_dify(system, standin.url, retry=ONCE)
    tasks = performed(system, PASSED_ON)
    for name, task in tasks.items():
        assert (outcomes(task), task["failures"]) == (["completed"], 0), (
            name,
            task["error_code"],
            task["error_message"],
        )
    each_once(standin, tasks)


def test_a_lost_answer_of_a_run_that_never_began_is_looked_for_before_another_begins(
    system: System, standin: Standin
) -> None:
    with_dify(system, standin.url)
    tasks = performed(system, NOT_PASSED_ON)
    for name, task in tasks.items():
        assert outcomes(task) == ["failed", "completed"], (name, task)
        assert task["attempts"][0]["error_code"] == "outcome_unknown"
        assert "dify.run.sought" in [line["event"] for line in system.log(task["id"])]
    each_once(standin, tasks)


def test_nobody_there_defers_until_somebody_is(system: System, start_standin: Callable[..., Standin]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with_dify(system, f"http://127.0.0.1:{port}/v1", retry=ONCE)
    task_id = system.submit("work", {"seconds": 0})
    wait_for(lambda: system.task(task_id)["deferrals"] >= 2, "two deferrals")
    standin = start_standin(port=port)
    task = system.wait(task_id)
    assert (task["status"], task["failures"]) == ("completed", 0), task
    *before, last = outcomes(task)
    assert (set(before), last) == ({"deferred"}, "completed")
    assert len(standin.runs()) == 1


@pytest.mark.parametrize("mode", ["workflow", "advanced-chat", "chat"])
def test_a_stop_gets_through_although_its_run_has_the_last_connection(
    system: System, start_standin: Callable[..., Standin], mode: str
) -> None:
    standin = start_standin(connections=1, mode=mode, answer="one two three")
    with_dify(system, standin.url, runner="dify.workflow" if mode == "workflow" else "dify.chat")
    task_id = system.submit("work", {"seconds": 120, "text": "x", "query": "hi"})
    wait_for(lambda: any(line["event"] == "dify.run.started" for line in system.log(task_id)), "the run")
    assert system.api.post(f"/tasks/{task_id}/cancellation").status_code == 202
    assert system.wait(task_id)["status"] == "cancelled"
    wait_for(lambda: standin.runs()[0].outcome is not None, "the run to end at Dify")
    assert standin.runs()[0].outcome == ("abandoned" if mode == "chat" else "stopped")
