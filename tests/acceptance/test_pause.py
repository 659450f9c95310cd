"""Runs that wait for a person, through the whole system: asked, killed at any point, answered, cancelled."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from acceptance.processes import Doc, Standin, System
from tradefree.testing.dify_standin import peak_running
from waiting import wait_for

FORM = {
    "content": "Approve {{#start.text#}}?",
    "fields": [{"name": "comment", "default": "n/a"}],
    "actions": [{"id": "approve", "title": "Approve"}, {"id": "reject", "title": "Reject"}],
}
HUMAN = {"id": "human", "type": "human-input", "title": "Approval", "form": FORM}
REST = {"id": "rest", "type": "llm", "title": "Rest", "seconds": "{seconds}", "tokens": 100}
OUTPUTS = {"decision": "{human_action}", "comment": "{human_comment}"}
YES = {"action": "approve", "inputs": {"comment": "ok by me"}}
DECIDED = {"decision": "approve", "comment": "ok by me"}


def asking(system: System, start_standin: Callable[..., Standin], *, form: Doc | None = None, **more: Any) -> Standin:
    """A type ``work`` whose app asks for approval and then works for ``seconds``."""
    human = {**HUMAN, "form": {**FORM, **(form or {})}}
    app = {"nodes": [human, REST], "outputs": OUTPUTS, **more.pop("app", {})}
    standin = start_standin(**app)
    system.connect("dify", standin.url, "app-work")
    retry = {"max_attempts": 3, "initial": 0.05, "maximum": 0.1}
    system.define("work", **{"runner": "dify.workflow", "connection": "dify", "retry": retry, **more})
    return standin


def asked(system: System, seconds: float = 0.0) -> Doc:
    """A task that waits for its answer."""
    return system.wait(system.submit("work", {"seconds": seconds, "text": "a loan"}), "awaiting_input")


def answer(system: System, task: Doc, body: Doc = YES) -> None:
    told = system.api.post(f"/tasks/{task['id']}/answers", json=body)
    assert told.status_code < 300, told.text


def killed_and_started(system: System) -> None:
    system.process.kill(signal.SIGKILL)
    system.start()


def heard(system: System, task: Doc, event: str) -> None:
    wait_for(lambda: any(line["event"] == event for line in system.log(task["id"])), event)


def token_of(standin: Standin) -> str:
    """What a person in Dify would have: the token of the only run's form."""
    (run,) = standin.runs()
    events = httpx.get(
        f"{standin.url}/workflow/{run.run_id}/events",
        params={"user": run.user, "include_state_snapshot": "true"},
        headers={"Authorization": "Bearer app-work"},
    )
    return events.text.split('"form_token":"')[1].split('"')[0]


def answer_inside_dify(standin: Standin, action: str) -> None:
    body = {"action": action, "inputs": {"comment": "done here"}, "user": "somebody"}
    url = f"{standin.url}/form/human_input/{token_of(standin)}"
    assert httpx.post(url, json=body, headers={"Authorization": "Bearer app-work"}).status_code == 200


def asking_flow(system: System, start_standin: Callable[..., Standin]) -> Standin:
    """The same as a chatflow."""
    return asking(
        system,
        start_standin,
        app={"mode": "advanced-chat", "answer": "{human_action}: {human_comment}"},
        form={"content": "Approve {{#sys.query#}}?"},
        runner="dify.chat",
        options={"query": "text"},
    )


def ended_as_one_run(standin: Standin) -> bool:
    (run,) = standin.runs()
    return run.outcome == "succeeded"


KINDS = pytest.mark.parametrize(
    ("begin", "output"), [(asking, DECIDED), (asking_flow, "approve: ok by me")], ids=["workflow", "chatflow"]
)
Begin = Callable[[System, Callable[..., Standin]], Standin]


def answered(task: Doc) -> Any:
    """What came out, less a chat's ids."""
    output = task["output_data"] or {}
    return output.get("answer", output)


@KINDS
def test_a_paused_run_shows_its_form_takes_the_answer_and_completes(
    system: System, start_standin: Callable[..., Standin], begin: Begin, output: Any
) -> None:
    standin = begin(system, start_standin)
    task = asked(system)
    question = task["question"]
    assert (question["title"], question["content"]) == ("Approval", "Approve a loan?")
    assert [field["name"] for field in question["fields"]] == ["comment"]
    assert [action["id"] for action in question["actions"]] == ["approve", "reject"]
    answer(system, task)
    task = system.wait(task["id"])
    assert (task["status"], answered(task), task["failures"]) == ("completed", output, 0), task
    (run,) = standin.runs()
    assert [attempt["upstream"]["run_id"] for attempt in task["attempts"]] == [run.run_id] * 2
    assert task["attempts"][-1]["upstream"]["dify_version"] == "1.14.2"
    assert ended_as_one_run(standin)


def test_a_system_killed_while_paused_still_asks(system: System, start_standin: Callable[..., Standin]) -> None:
    standin = asking(system, start_standin)
    task = asked(system)
    killed_and_started(system)
    assert system.task(task["id"])["question"] == task["question"]
    answer(system, task)
    assert system.wait(task["id"])["output_data"] == DECIDED
    assert ended_as_one_run(standin)


def test_a_system_killed_right_after_the_answer_has_it(system: System, start_standin: Callable[..., Standin]) -> None:
    standin = asking(system, start_standin)
    task = asked(system, seconds=1)
    answer(system, task)
    killed_and_started(system)
    assert system.wait(task["id"])["output_data"] == DECIDED
    assert ended_as_one_run(standin)


@KINDS
def test_a_system_killed_in_the_second_half_takes_the_run_over(
    system: System, start_standin: Callable[..., Standin], begin: Begin, output: Any
) -> None:
    standin = begin(system, start_standin)
    task = asked(system, seconds=3)
    answer(system, task)
    heard(system, task, "dify.form")
    killed_and_started(system)
    task = system.wait(task["id"])
    assert (task["status"], answered(task)) == ("completed", output), task
    assert "lost" in [attempt["outcome"] for attempt in task["attempts"]], "the kill should have struck the attempt"
    assert ended_as_one_run(standin)


def test_several_pauses_are_several_questions_of_one_run(system: System, start_standin: Callable[..., Standin]) -> None:
    sure = {"id": "sure", "type": "human-input", "title": "Sure", "form": {"content": "{{#human.comment#}}?"}}
    outputs = {"decision": "{human_action}", "sure": "{sure_action}"}
    standin = asking(system, start_standin, app={"nodes": [HUMAN, sure, REST], "outputs": outputs})
    task = asked(system)
    answer(system, task)
    task = wait_for(lambda: on_second(system, task), "the second question")
    killed_and_started(system)
    assert system.task(task["id"])["question"]["content"] == "ok by me?"
    answer(system, task, {"action": "approve"})
    assert system.wait(task["id"])["output_data"] == {"decision": "approve", "sure": "approve"}
    assert ended_as_one_run(standin)


def on_second(system: System, task: Doc) -> Doc | None:
    now = system.task(task["id"])
    return now if now["status"] == "awaiting_input" and now["question"]["title"] == "Sure" else None


def test_a_cancelled_question_says_that_dify_did_not_confirm(
    system: System, start_standin: Callable[..., Standin]
) -> None:
    standin = asking(system, start_standin)
    task = asked(system)
    assert system.api.post(f"/tasks/{task['id']}/cancellation").status_code == 202
    task = system.wait(task["id"])
    assert (task["status"], task["error_code"]) == ("cancelled", "cancel_unconfirmed"), task
    (run,) = standin.runs()
    assert run.stop_asked_mono is not None


def test_a_form_answered_inside_dify_wins(system: System, start_standin: Callable[..., Standin]) -> None:
    standin = asking(system, start_standin)
    task = asked(system)
    answer_inside_dify(standin, "reject")
    wait_for(lambda: ended_as_one_run(standin), "the run to end in Dify")
    answer(system, task)
    task = system.wait(task["id"])
    assert task["output_data"] == {"decision": "reject", "comment": "done here"}
    assert ended_as_one_run(standin)


def test_a_paused_run_holds_no_place_and_its_second_half_needs_one(
    system: System, start_standin: Callable[..., Standin]
) -> None:
    standin = asking(system, start_standin, concurrency={"max_running": 1})
    tasks = [asked(system, seconds=0.5) for _ in range(3)]
    for task in tasks:
        answer(system, task)
    assert [system.wait(task["id"])["status"] for task in tasks] == ["completed"] * 3
    assert peak_running(standin.runs()) == 1
    assert [len(run.pauses) for run in standin.runs()] == [1] * 3


def test_an_answer_that_comes_to_a_form_over_its_time_fails_for_good(
    system: System, start_standin: Callable[..., Standin]
) -> None:
    standin = asking(system, start_standin, form={"expires_seconds": 5}, concurrency={"max_running": 1})
    first, second = asked(system, seconds=8), asked(system)
    answer(system, first)
    heard(system, first, "dify.form")
    answer(system, second)  # in time, but the only place is taken until the form is over
    task = system.wait(second["id"])
    assert (task["status"], task["error_code"]) == ("failed", "dify_form_expired"), task
    assert len(standin.runs()) == 2


def test_a_form_that_nobody_answers_in_its_time_fails_the_task(
    system: System, start_standin: Callable[..., Standin]
) -> None:
    standin = asking(system, start_standin, form={"expires_seconds": 2})
    task = system.wait(asked(system)["id"])
    assert task["status"] == "failed", task
    assert len(standin.runs()) == 1
