"""Two hundred runs at Dify while everything is killed again and again, and cancels against every kind of stop."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from acceptance.processes import Doc, Standin, System
from tradefree.testing.dify_standin import overlapping_runs, runs_by_task
from waiting import wait_for

SEED = 20260211
KILLS = 6
# A run is nameless until Dify has started it. That takes a while here, so that kills strike runs of both sorts.
RUNNERS = {
    "workflow": "dify.workflow",
    "advanced-chat": "dify.chat",
    "chat": "dify.chat",
    "completion": "dify.completion",
}
TASKS = {"workflow": 140, "advanced-chat": 20, "chat": 20, "completion": 20}
FINDABLE = ("workflow", "advanced-chat")
"""Dify keeps the runs of these when their listener is gone."""
PATIENCE = 240.0
RETRY = {"max_attempts": 5, "initial": 0.1, "maximum": 0.3}
EXPLAINED = ("paid for nothing", "paid for twice")


def an_app(mode: str) -> Doc:
    nodes = [
        {"id": "read", "type": "llm", "title": "Read", "seconds": "{seconds}", "tokens": 30},
        {"id": "write", "type": "llm", "title": "Write", "seconds": "{seconds}", "tokens": 70},
    ]
    inputs = [{"name": "seconds", "type": "number", "required": True}, {"name": "text"}]
    return {
        "name": mode,
        "key": f"app-{mode}",
        "mode": mode,
        "inputs": inputs,
        "nodes": nodes,
        "answer": "Said: {text}",
    }


def kill_at_random_moments(system: System, standin: Standin, luck: random.Random, ids: list[str]) -> int:
    """Kill and start again until so many kills are done or all tasks have ended; how many kills struck live tasks."""
    struck = 0
    for _ in range(KILLS):
        _wait_for_another_run(system, standin, ids)
        time.sleep(luck.uniform(0.0, 1.5))  # the moment is what is tested
        struck += any(run.ended_mono is None for run in standin.runs())
        system.process.kill(signal.SIGKILL)
        system.start()
    return struck


def _wait_for_another_run(system: System, standin: Standin, ids: list[str]) -> None:
    before = len(standin.runs())
    wait_for(lambda: len(standin.runs()) > before or _ended(system, ids), "another run", patience=PATIENCE)


def _ended(system: System, ids: list[str]) -> bool:
    counts = system.api.get("/stats").json()["by_status"]
    return sum(int(counts.get(status, 0)) for status in ("completed", "failed", "cancelled")) >= len(ids)


def result_of(mode: str, task: Doc) -> Any:
    output = task["output_data"] or {}
    return f"Said: {output.get('text')}" if mode == "workflow" else output.get("answer")


@pytest.mark.timeout(600)
def test_two_hundred_runs_survive_kills_and_none_is_paid_for_twice_unsaid(
    system: System, tmp_path: Path, stack: ExitStack
) -> None:
    luck = random.Random(SEED)
    standin = Standin(tmp_path, {"apps": [an_app(mode) for mode in TASKS], "timing": {"start_seconds": 0.15}})
    stack.callback(lambda: standin.process.kill())
    submitted: dict[str, tuple[str, str]] = {}
    batch: list[Doc] = []
    for mode, number in TASKS.items():
        system.connect(mode, standin.url, f"app-{mode}")
        system.define(mode, runner=RUNNERS[mode], connection=mode, retry=RETRY, concurrency={"max_running": 15})
        for n in range(number):
            input_data = {"seconds": round(luck.uniform(0.1, 1.5), 2), "text": f"{mode} {n}"}
            batch.append({"type": mode, "input_data": input_data | ({"query": "go"} if "chat" in mode else {})})
    luck.shuffle(batch)
    items = system.api.post("/tasks/batch", json=batch).json()["items"]
    for item, sent in zip(items, batch, strict=True):
        submitted[item["task"]["id"]] = (sent["type"], sent["input_data"]["text"])

    struck = kill_at_random_moments(system, standin, luck, list(submitted))
    wait_for(lambda: _ended(system, list(submitted)), "all tasks to end", patience=PATIENCE)

    tasks = {task_id: system.task(task_id) for task_id in submitted}
    assert struck >= KILLS - 1, "the kills came too late to mean anything"
    judge(system, standin, submitted)
    assert Counter(task["status"] for task in tasks.values()) == {"completed": 200}
    for task_id, (mode, text) in submitted.items():
        assert result_of(mode, tasks[task_id]) == f"Said: {text}"


def judge(system: System, standin: Standin, submitted: dict[str, tuple[str, str]]) -> None:
    """The ledger: no second run where Dify could tell of the first; each other one is explained in the task's log."""
    starts = {task_id: len(runs) for task_id, runs in runs_by_task(standin.runs()).items()}
    assert set(starts) == set(submitted)
    twice = {task_id: count - 1 for task_id, count in starts.items() if count > 1}
    assert {task_id for task_id in twice if submitted[task_id][0] in FINDABLE} == set()
    findable = [run for run in standin.runs() if run.app in FINDABLE]
    assert overlapping_runs(findable) == []
    for task_id, extra in twice.items():
        words = [line["message"] for line in system.log(task_id)]
        said = [message for message in words if any(reason in message for reason in EXPLAINED)]
        assert len(said) >= extra, (submitted[task_id], extra, words)


# ── cancels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NODES = [
    {"id": "read", "type": "llm", "title": "Read", "seconds": 0.1, "tokens": 70},
    {"id": "think", "type": "llm", "title": "Think", "seconds": "{seconds}", "tokens": 30},
    {"id": "write", "type": "llm", "title": "Write", "seconds": 60, "tokens": 500},
]
STOPS: list[tuple[str, Doc, float, str | None, int]] = [
    ("obeying", {}, 60, None, 70),
    ("slow", {"stop_outcome": "aborted"}, 3, None, 100),
    ("ignoring", {"ignored_stop": True}, 3, "cancel_unconfirmed", 100),
]
"""Name, behaviour, seconds of the node under way, what the task says, tokens that were spent till the watch ended."""


@pytest.mark.parametrize(("behaviour", "seconds", "code", "tokens"), [s[1:] for s in STOPS], ids=[s[0] for s in STOPS])
def test_a_cancel_says_what_was_seen_and_counts_what_was_spent(
    system: System,
    start_standin: Callable[..., Standin],
    behaviour: Doc,
    seconds: float,
    code: str | None,
    tokens: int,
) -> None:
    standin = start_standin(nodes=NODES, behaviour=behaviour)
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner="dify.workflow", connection="dify")
    task_id = system.submit("work", {"seconds": seconds})
    wait_for(lambda: any("Think" in line["message"] for line in system.log(task_id)), "the second step")
    assert system.api.post(f"/tasks/{task_id}/cancellation").status_code == 202
    task = system.wait(task_id)

    assert (task["status"], task["error_code"]) == ("cancelled", code), task
    (attempt,) = task["attempts"]
    assert attempt["usage"]["total_tokens"] == tokens
    (run,) = standin.runs()
    assert run.stop_asked_mono is not None
    assert (run.ended_mono is None) == (code is not None)
