"""Chats, chatflows and text generators through the whole system: asked, killed, started again, cancelled."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from acceptance.processes import Standin, System
from waiting import wait_for

RETRY_SOON = {"max_attempts": 3, "initial": 0.05, "maximum": 0.1}
RUNNERS = {
    "chat": "dify.chat",
    "advanced-chat": "dify.chat",
    "agent-chat": "dify.chat",
    "completion": "dify.completion",
}


def talking(
    system: System,
    start_standin: Callable[..., Standin],
    mode: str,
    answer: str = "You said: {text}",
    **options: object,
) -> Standin:
    standin = start_standin(mode=mode, answer=answer)
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner=RUNNERS[mode], connection="dify", retry=RETRY_SOON, options=options)
    return standin


@pytest.mark.parametrize("mode", RUNNERS)
def test_every_kind_of_app_answers(system: System, start_standin: Callable[..., Standin], mode: str) -> None:
    talking(system, start_standin, mode)
    task = system.wait(system.submit("work", {"seconds": 0.1, "text": "你好 👋", "query": "hi"}))

    assert task["status"] == "completed", task
    assert task["output_data"]["answer"] == "You said: 你好 👋"
    assert task["attempts"][0]["usage"]["total_tokens"] == 100


def test_a_conversation_is_kept_by_its_key(system: System, start_standin: Callable[..., Standin]) -> None:
    talking(system, start_standin, "chat", conversation="text")
    said = [
        system.wait(system.submit("work", {"seconds": 0, "text": who, "query": "hi"})) for who in ("Li", "Li", "Wu")
    ]

    first, second, other = (task["output_data"]["conversation_id"] for task in said)
    assert first == second != other


@pytest.mark.parametrize(("mode", "starts"), [("advanced-chat", 1), ("chat", 2), ("completion", 2)])
def test_a_killed_worker_asks_again_only_what_was_lost(
    system: System, start_standin: Callable[..., Standin], mode: str, starts: int
) -> None:
    standin = talking(system, start_standin, mode, answer="one two three four five six seven eight")
    task_id = system.submit("work", {"seconds": 2, "text": "x", "query": "hi"})
    wait_for(lambda: any(line["event"] == "dify.run.started" for line in system.log(task_id)), "the first words")
    system.process.kill(signal.SIGKILL)
    system.start()
    task = system.wait(task_id)

    assert task["status"] == "completed", task
    assert task["output_data"]["answer"].endswith("eight")
    assert len(standin.runs()) == starts
    explained = [line["message"] for line in system.log(task_id) if "paid for nothing" in line["message"]]
    assert len(explained) == starts - 1


@pytest.mark.parametrize("mode", ["advanced-chat", "chat", "completion"])
def test_a_cancel_stops_the_answer(system: System, start_standin: Callable[..., Standin], mode: str) -> None:
    standin = talking(system, start_standin, mode, answer="one two three four five six seven eight")
    task_id = system.submit("work", {"seconds": 60, "text": "x", "query": "hi"})
    wait_for(lambda: any(line["event"] == "dify.run.started" for line in system.log(task_id)), "the first words")
    assert system.api.post(f"/tasks/{task_id}/cancellation").status_code == 202
    task = system.wait(task_id)

    assert (task["status"], task["error_code"]) == ("cancelled", None), task
    assert [run.outcome for run in standin.runs()] == ["stopped"]
