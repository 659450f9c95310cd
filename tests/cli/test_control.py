from __future__ import annotations

import json

import pytest

from cli.conftest import Cli, rows
from cli.service_double import OTHER_ID, TASK_ID, ServiceDouble, ok, problem, task

CANCEL = f"/tasks/{TASK_ID}/cancellation"
RETRY = f"/tasks/{TASK_ID}/retries"
ASKED = task(status="processing", cancel_requested_at="2026-01-31T08:00:03Z")


def test_cancel_by_id(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", CANCEL, ok(ASKED, 202))
    assert rows(cli("cancel", TASK_ID)) == [[TASK_ID, "processing", "2026-01-31T08:00:03+00:00"]]
    assert json.loads(cli("cancel", TASK_ID, "--json").stdout) == {"items": [ASKED]}


def test_one_that_cannot_be_cancelled_does_not_save_the_others(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", f"/tasks/{OTHER_ID}/cancellation", problem(409, "it has already completed"))
    service.on("POST", CANCEL, ok(ASKED, 202))
    result = cli("cancel", OTHER_ID, "nonsense", TASK_ID, code=4)
    assert [row[0] for row in rows(result)] == [TASK_ID]
    assert f"Error: {OTHER_ID}: it has already completed\n" in result.stderr
    assert "'nonsense' is not a task id" in result.stderr


def test_what_was_done_is_told_even_if_the_service_goes_away(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", CANCEL, ok(ASKED, 202))
    service.on("POST", f"/tasks/{OTHER_ID}/cancellation", problem(503, "away"))
    result = cli("cancel", TASK_ID, OTHER_ID, code=3)
    assert [row[0] for row in rows(result)] == [TASK_ID]


@pytest.mark.parametrize(("command", "action"), [("cancel", "cancel"), ("retry", "retry")], ids=["cancel", "retry"])
def test_everything_that_matches(cli: Cli, service: ServiceDouble, command: str, action: str) -> None:
    service.on("POST", "/task-actions", ok({"matched": 5, "changed": 3}))
    result = cli(command, "--all", "--status", "failed", "--type", "hello", "--label", "a=b", "--key", "k", "--q", "x")
    assert service.only("/task-actions").json == {
        "action": action,
        "filter": {"status": ["failed"], "type": ["hello"], "labels": {"a": "b"}, "concurrency_key": "k", "q": "x"},
        "all": False,
    }
    assert rows(result) == [["5", "3"]]
    assert "2 tasks had moved on" in result.stderr


def test_a_dry_run_says_how_many_and_what_it_may_cost(cli: Cli, service: ServiceDouble) -> None:
    estimate = {"by_type": {"a": 2, "b": 5}, "more": True, "tokens": 12_000, "cost": {"USD": 1.256}}
    service.on("POST", "/task-actions", ok({"matched": 7, "changed": 0, "estimate": estimate}))
    result = cli("retry", "--status", "failed", "--dry-run")
    assert service.only("/task-actions").json["dry_run"] is True
    assert rows(result) == [["b", "5"], ["a", "2"]]
    assert "7 tasks or more would be acted on; nothing was done." in result.stderr
    assert "about 12,000 tokens, 1.26 USD" in result.stderr
    cli("cancel", TASK_ID, "--dry-run", code=2)


def test_every_task_must_be_meant(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/task-actions", ok({"matched": 1, "changed": 1}))
    cli("cancel", code=2)
    assert service.asked == []
    assert json.loads(cli("cancel", "--all", "--json").stdout) == {"matched": 1, "changed": 1}
    assert service.only("/task-actions").json == {"action": "cancel", "filter": {}, "all": True}


@pytest.mark.parametrize(
    "options",
    [
        ("retry",),
        ("retry", TASK_ID, "--all"),
        ("retry", TASK_ID, "--type", "hello"),
        ("retry", "--type", "hello", "--input", "{}"),
        ("retry", TASK_ID, "--input", "{bad"),
        ("cancel", TASK_ID, "--status", "pending"),
    ],
)
def test_what_cannot_be_meant(cli: Cli, service: ServiceDouble, options: tuple[str, ...]) -> None:
    cli(*options, code=2)
    assert service.asked == []


def test_retry_with_and_without_other_input(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", RETRY, ok(task(status="pending"), 202))
    assert rows(cli("retry", TASK_ID))[0][:2] == [TASK_ID, "pending"]
    cli("retry", TASK_ID, "--input", '{"a": 2}')
    assert [asked.json for asked in service.all(RETRY)] == [{}, {"input_data": {"a": 2}}]
