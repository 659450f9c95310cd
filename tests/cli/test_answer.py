"""``tradefree answer``."""

from __future__ import annotations

from cli.conftest import Cli, rows
from cli.service_double import TASK_ID, ServiceDouble, ok, problem, task

QUESTION = {
    "id": 3,
    "title": "Approve",
    "content": "Buy?",
    "fields": [
        {"name": "buyer", "kind": "text", "default": None, "required": True},
        {"name": "output", "kind": "json", "default": None, "required": False},
    ],
    "actions": [{"id": "approve", "title": "Yes"}, {"id": "reject", "title": ""}],
    "expires_at": None,
    "answer": None,
}
WAITING = task(status="awaiting_input", question=QUESTION, answer_by=None)
ANSWERS = f"/tasks/{TASK_ID}/answers"


def test_an_answer_by_options(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(WAITING))
    service.on("POST", ANSWERS, ok(task(status="pending"), 202))
    given = ("--action", "approve", "--input", "buyer=a=b", "--input", 'output={"n": 1}')
    assert rows(cli("answer", TASK_ID, *given)) == [[TASK_ID, "pending"]]
    assert service.only(ANSWERS).json == {
        "action": "approve",
        "inputs": {"buyer": "a=b", "output": {"n": 1}},
        "question_id": 3,
    }


def test_without_an_action_a_pipe_is_told_the_choices(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(WAITING))
    assert "approve, reject" in cli("answer", TASK_ID, code=2).stderr


def test_input_must_be_name_and_value(cli: Cli) -> None:
    assert "should be NAME=VALUE" in cli("answer", TASK_ID, "--action", "approve", "--input", "buyer", code=2).stderr


def test_what_the_service_refuses_is_told(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(task(status="pending")))
    service.on("POST", ANSWERS, problem(409, "the question was answered already: Ann chose 'approve'"))
    assert "Ann chose 'approve'" in cli("answer", TASK_ID, "--action", "approve", code=4).stderr


def test_show_has_the_form(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(WAITING))
    assert "reject" in cli("show", TASK_ID).stdout
