from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.conftest import Cli, rows
from cli.service_double import OTHER_ID, TASK_ID, ServiceDouble, ok, problem, task


def test_filters_reach_the_service(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/tasks", ok({"items": [], "next_cursor": None}))
    options = "--status failed --status cancelled --type hello --key k=1 --label shop=sz --label a=b=c --q xx"
    cli(
        "tasks",
        *options.split(),
        "--after",
        "2026-01-31T16:00:00+08:00",
        "--before",
        "1h",
        "--finished-after",
        "2026-02-01T00:00Z",
        "--finished-before",
        "2026-02-02T00:00Z",
    )
    query = service.only("/tasks").query
    assert [value for name, value in query if name == "status"] == ["failed", "cancelled"]
    assert [value for name, value in query if name == "label"] == ["shop:sz", "a:b=c"]
    said = dict(query)
    assert (said["type"], said["concurrency_key"], said["q"], said["limit"]) == ("hello", "k=1", "xx", "50")
    assert said["created_after"] == "2026-01-31T08:00:00Z"
    assert (said["finished_after"], said["finished_before"]) == ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")
    assert abs(datetime.fromisoformat(said["created_before"]) - (datetime.now(UTC) - timedelta(hours=1))) < timedelta(
        minutes=1
    )


@pytest.mark.parametrize(
    "options", [("--status", "done"), ("--label", "x"), ("--label", "=x"), ("--after", "soon"), ("--limit", "0")]
)
def test_filters_that_cannot_be_right(cli: Cli, service: ServiceDouble, options: tuple[str, ...]) -> None:
    cli("tasks", *options, code=2)
    assert service.asked == []


def test_the_key_goes_along_and_options_beat_settings(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/stats", ok({"by_status": {}, "by_type": {}, "total": 0, "queues": [], "workers": {}}))
    cli("stats", "--json")
    cli("stats", "--json", "--api-key", "tfk_other", "--url", f"{service.url}/api/v1/")
    assert [asked.headers["Authorization"] for asked in service.all("/stats")] == [
        "Bearer tfk_test",
        "Bearer tfk_other",
    ]


def test_pages_are_read_up_to_the_limit(cli: Cli, service: ServiceDouble) -> None:
    service.on(
        "GET",
        "/tasks",
        ok({"items": [task()] * 200, "next_cursor": "c1"}),
        ok({"items": [task()] * 50, "next_cursor": "c2"}),
    )
    said = json.loads(cli("tasks", "--limit", "250", "--json").stdout)
    assert (len(said["items"]), said["next_cursor"]) == (250, "c2")
    assert [asked.query for asked in service.all("/tasks")] == [
        [("limit", "200")],
        [("limit", "50"), ("cursor", "c1")],
    ]


def test_all_reads_to_the_end(cli: Cli, service: ServiceDouble) -> None:
    service.on(
        "GET", "/tasks", ok({"items": [task()], "next_cursor": "c"}), ok({"items": [task()], "next_cursor": None})
    )
    assert len(rows(cli("tasks", "--all"))) == 2


def test_piped_rows_have_all_columns_and_one_line_each(cli: Cli, service: ServiceDouble) -> None:
    ugly = task(status="failed", error_message="a\tb\nc \x1b[31m", labels={"b": "2", "a": "1"}, attempt_count=3)
    service.on("GET", "/tasks", ok({"items": [ugly], "next_cursor": None}))
    assert rows(cli("tasks")) == [
        [TASK_ID, "hello", "failed", "3", "2026-01-31T08:00:00+00:00", "3.5", "", "a=1, b=2", "a b c \\x1b[31m"]
    ]


def test_a_terminal_gets_a_table(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", "/tasks", ok({"items": [task(error_message="[red]no\x1b[2J")], "next_cursor": "more"}))
    shown = cli("tasks").stdout
    assert shown.splitlines()[0].split() == ["id", "type", "status", "tries", "created", "took", "error"]
    assert "d ago" in shown
    assert "3.5 s" in shown
    assert "[red]no\\x1b[2J" in shown
    assert "There are more; --limit 100" in shown


def test_an_empty_table_says_so_but_an_empty_pipe_is_empty(
    cli: Cli, service: ServiceDouble, request: pytest.FixtureRequest
) -> None:
    service.on("GET", "/tasks", ok({"items": [], "next_cursor": None}))
    assert cli("tasks").stdout == ""
    request.getfixturevalue("terminal")
    assert cli("tasks").stdout == "No task matches.\n"


# ── show, and ids by their beginning ────────────────────────────────────────────────────────────────────────────────


def test_show_in_a_pipe_as_json_and_on_a_terminal(
    cli: Cli, service: ServiceDouble, request: pytest.FixtureRequest
) -> None:
    attempt = {
        "number": 1,
        "outcome": "failed",
        "started_at": "2026-01-31T08:00:02Z",
        "finished_at": "2026-01-31T08:01:05Z",
        "error_message": "no luck",
        "usage": {"total_tokens": 42},
        "upstream": {"run_id": "r-1", "dify_version": "1.14.2"},
    }
    deferred = {**attempt, "number": 2, "upstream": None}
    document = task(attempts=[attempt, deferred], output_data={"text": "订单"})
    service.on("GET", f"/tasks/{TASK_ID}", ok(document))
    assert json.loads(cli("show", TASK_ID, "--json").stdout) == document
    totals = [
        {"kind": "full", "scope": "connection:main", "seconds": 62.0},
        {"kind": "turn", "scope": "task", "seconds": 1.5},
        {"kind": "rate", "scope": "everything", "seconds": 0.9},
    ]
    service.on("GET", f"/tasks/{TASK_ID}/waits", ok({"items": [], "totals": totals}))
    piped = dict(rows(cli("show", TASK_ID)))
    assert (piped["status"], piped["took"], piped["output"]) == ("completed", "3.5", '{"text": "订单"}')
    assert piped["upstream"] == "dify_version=1.14.2, run_id=r-1"
    assert piped["waited for"] == "connection:main (full) 1 min 2 s, task (turn) 1.5 s"
    request.getfixturevalue("terminal")
    shown = cli("show", TASK_ID).stdout
    for part in ("1 min 3 s", "42", "no luck", '"text": "订单"'):
        assert part in shown


def test_hidden_payloads_are_explained(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", ok(task(payloads_hidden=True, input_data=None, output_data=None)))
    assert "payloads:read" in cli("show", TASK_ID).stdout


def test_the_beginning_of_an_id_is_enough(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/tasks", ok({"items": [task(), task(id=OTHER_ID)], "next_cursor": None}))
    service.on("GET", f"/tasks/{TASK_ID}", ok(task()))
    cli("show", TASK_ID[:14].upper())
    assert dict(service.only("/tasks").query)["q"] == TASK_ID[:14]


def test_a_beginning_that_two_tasks_have(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/tasks", ok({"items": [task(), task(id=OTHER_ID)], "next_cursor": None}))
    said = cli("show", "01a20a45", code=2).stderr
    assert "ambiguous" in said
    assert OTHER_ID in said


def test_a_second_match_on_the_next_page_counts(cli: Cli, service: ServiceDouble) -> None:
    first, second = task(), task(id=OTHER_ID)
    service.on(
        "GET", "/tasks", ok({"items": [first], "next_cursor": "c"}), ok({"items": [second], "next_cursor": None})
    )
    cli("show", "01a20a45", code=2)


def test_a_beginning_that_no_task_has(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/tasks", ok({"items": [task(error_message="01ff")], "next_cursor": None}))
    assert "no task's id begins with 01ff" in cli("show", "01ff", code=5).stderr


def test_what_is_no_id_is_not_asked_for(cli: Cli, service: ServiceDouble) -> None:
    cli("show", "../keys", code=2)
    assert service.asked == []


def test_a_task_that_is_not_there(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", f"/tasks/{TASK_ID}", problem(404, "no task"))
    assert cli("show", TASK_ID, code=5).stderr == "Error: no task\n"


# ── the system ──────────────────────────────────────────────────────────────────────────────────────────────────────

WORKER = {
    "id": "w1",
    "name": "n",
    "status": "live",
    "queues": ["default", "slow"],
    "capacity": 200,
    "in_flight": 3,
    "version": "0.1.0",
    "started_at": "2026-01-31T08:00:00Z",
    "lease_until": "2026-01-31T08:00:15Z",
}
TYPE = {
    "name": "hello",
    "runner": "echo",
    "connection": None,
    "queue": "default",
    "timeout": 600.0,
    "retry": {"max_attempts": 4},
    "concurrency": {"max_running": None},
    "description": "says it back",
}
CONNECTION = {"name": "bot", "kind": "dify", "base_url": "http://x/v1", "api_key_set": True, "options": {}}
STATS = {
    "by_status": {"pending": 1, "completed": 2},
    "by_type": {"hello": {"completed": 2}},
    "total": 3,
    "queues": [{"name": "slow", "waiting": 1, "workers": 0, "capacity": 0}],
    "workers": {"live": 1, "capacity": 200, "in_flight": 3},
    "leads": True,
}


@pytest.mark.parametrize(
    ("command", "path", "answer", "piped"),
    [
        ("workers", "/workers", {"items": [WORKER]}, "w1|n|live|3|200|default, slow|0.1.0"),
        ("types", "/task-types", {"items": [TYPE]}, "hello|echo||default|600|4||says it back"),
        ("connections", "/connections", {"items": [CONNECTION]}, "bot|dify|http://x/v1"),
        ("stats", "/stats", STATS, "all types|pending|1"),
    ],
)
def test_the_system(
    cli: Cli, service: ServiceDouble, command: str, path: str, answer: dict[str, object], piped: str
) -> None:
    service.on("GET", path, ok(answer))
    assert json.loads(cli(command, "--json").stdout) == answer
    assert "|".join(rows(cli(command))[0]).startswith(piped)


def test_stats_on_a_terminal(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", "/stats", ok(STATS))
    shown = cli("stats")
    assert "1 live worker, 3 of 200 places in use" in shown.stdout
    assert "No live worker serves 1 task in the queue 'slow'" in shown.stderr
