from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Cli, rows
from cli.service_double import TASK_ID, Answer, Asked, ServiceDouble, event, ok, problem, stream, task
from tradefree.client import batches as bulk

PENDING = task(status="pending", output_data=None)


def test_options_reach_the_service(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    options = (
        "--key k --priority -5 --delay 10m --expires-in 1h30m --timeout 45 --max-attempts 2 --label a=b --label c=d=e"
    )
    result = cli("submit", "hello", "--input", '{"n": 1}', *options.split(), "--idempotency-key", "once")
    asked = service.only("/tasks")
    assert asked.headers["Idempotency-Key"] == "once"
    assert asked.json == {
        "type": "hello",
        "input_data": {"n": 1},
        "concurrency_key": "k",
        "priority": -5,
        "delay": 600.0,
        "expires_in": 5400.0,
        "timeout": 45.0,
        "max_attempts": 2,
        "labels": {"a": "b", "c": "d=e"},
    }
    assert rows(result) == [[TASK_ID, "pending"]]


def test_nothing_is_sent_that_was_not_said(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    assert json.loads(cli("submit", "hello", "--json").stdout) == PENDING
    assert service.only("/tasks").json == {"type": "hello"}


def test_priority_nought_and_input_null_are_said(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    cli("submit", "hello", "--priority", "0", "--input", "0")
    assert service.only("/tasks").json == {"type": "hello", "priority": 0, "input_data": 0}


@pytest.mark.parametrize("source", ["text", "file", "stdin"])
def test_input_from(cli: Cli, service: ServiceDouble, source: str) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    text = '{"名": "订单", "big": 12345678901234567890123, "price": 0.1}'
    Path("in.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    cli("submit", "hello", "--input", {"text": text, "file": "@in.json", "stdin": "-"}[source], stdin=text)
    assert service.only("/tasks").json["input_data"] == json.loads(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{bad", "--input: is not JSON: Expecting property name enclosed in double quotes (column 2)"),
        ("NaN", "--input: NaN is not JSON"),
        ('{"a": 1, "a": 2}', "--input: the key 'a' is there twice"),
        ("[" * 100_000, "--input: is nested too deep"),
        ("@gone.json", "gone.json: No such file"),
        ("@latin.json", "latin.json: is not UTF-8"),
    ],
)
def test_input_that_is_not_json(cli: Cli, service: ServiceDouble, text: str, said: str) -> None:
    Path("latin.json").write_bytes(b'"\xe9"')
    assert said in cli("submit", "hello", "--input", text, code=2).stderr
    assert service.asked == []


@pytest.mark.parametrize(
    "options",
    [
        ("--delay", "soon"),
        ("--priority", "101"),
        ("--max-attempts", "0"),
        ("--label", "x"),
        ("--input", "1", "--jsonl", "f"),
    ],
)
def test_options_that_cannot_be_right(cli: Cli, service: ServiceDouble, options: tuple[str, ...]) -> None:
    cli("submit", "hello", *options, code=2)
    assert service.asked == []


def test_a_refusal_names_field_and_reason(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", problem(422, "no good", ("input_data/n", "is not a number")))
    result = cli("submit", "hello", code=4)
    assert result.stderr == "Error: no good; input_data/n: is not a number\n"
    assert result.stdout == ""


def test_a_lost_answer_is_asked_for_again_under_the_same_key(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", problem(503, "wait"), ok(PENDING, 202))
    cli("submit", "hello")
    first, second = service.all("/tasks")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


def test_two_submits_have_two_keys(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    cli("submit", "hello")
    cli("submit", "hello")
    assert len({asked.headers["Idempotency-Key"] for asked in service.all("/tasks")}) == 2


# ── --wait ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "result"), [("completed", 0, '{"b": 2}'), ("failed", 1, "no luck"), ("cancelled", 1, "no luck")]
)
def test_wait(cli: Cli, service: ServiceDouble, status: str, code: int, result: str) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    service.on(
        "GET",
        f"/tasks/{TASK_ID}/stream",
        stream(event("status", {"status": "processing"}), event("status", {"status": status}, 1), hold=True),
    )
    service.on("GET", f"/tasks/{TASK_ID}", ok(task(status=status, error_message="no luck")))
    assert rows(cli("submit", "hello", "--wait", code=code)) == [[TASK_ID, status, result]]


def test_wait_on_a_terminal_shows_the_output(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("POST", "/tasks", ok(PENDING, 202))
    service.on("GET", f"/tasks/{TASK_ID}/stream", stream(event("end", {"status": "completed"})))
    service.on("GET", f"/tasks/{TASK_ID}", ok(task()))
    shown = cli("submit", "hello", "--wait").stdout
    assert '"b": 2' in shown
    assert "5.5 s" in shown


# ── --jsonl ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Store:
    """Answers batches as the service does: a key makes one task."""

    def __init__(self) -> None:
        self.tasks: dict[str, Any] = {}

    def __call__(self, asked: Asked) -> Answer:
        items = []
        for index, item in enumerate(asked.lines):
            if item["input_data"] == {"bad": True}:
                error = json.loads(problem(422, "input_data/bad: is bad", ("input_data/bad", "is bad")).body)
                items.append({"index": index, "status": "rejected", "task": None, "error": error})
                continue
            replayed = item["idempotency_key"] in self.tasks
            self.tasks.setdefault(item["idempotency_key"], item)
            items.append(
                {"index": index, "status": "replayed" if replayed else "accepted", "task": task(), "error": None}
            )
        rejected = sum(item["status"] == "rejected" for item in items)
        return ok({"accepted": len(items) - rejected, "rejected": rejected, "items": items}, 207 if rejected else 202)

    @property
    def inputs(self) -> list[Any]:
        return [item["input_data"] for item in self.tasks.values()]


@pytest.fixture
def store(service: ServiceDouble) -> Store:
    store = Store()
    service.on("POST", "/tasks/batch", store)
    return store


def _jsonl(cli: Cli, *lines: str, options: str = "", code: int = 0) -> dict[str, Any]:
    Path("in.jsonl").write_text("".join(f"{line}\n" for line in lines))
    said: dict[str, Any] = json.loads(
        cli("submit", "hello", "--jsonl", "in.jsonl", "--json", *options.split(), code=code).stdout
    )
    return said


def _counts(said: dict[str, Any]) -> tuple[int, int, int]:
    return said["accepted"], said["replayed"], said["rejected"]


def test_a_repeated_run_submits_nothing_twice(cli: Cli, store: Store) -> None:
    lines = ['{"n": 1}', '{"n": 2}', "", '{"n": 1}']
    assert _counts(_jsonl(cli, *lines)) == (3, 0, 0)
    assert store.inputs == [{"n": 1}, {"n": 2}, {"n": 1}]
    assert _counts(_jsonl(cli, *lines)) == (0, 3, 0)
    assert len(store.tasks) == 3


def test_moved_and_added_lines_are_known_again(cli: Cli, store: Store) -> None:
    _jsonl(cli, '{"n": 1}', '{"n": 2}')
    assert _counts(_jsonl(cli, '{"n": 3}', '{ "n":2 }', '{"n": 1}')) == (1, 2, 0)


def test_another_type_or_another_key_makes_other_tasks(cli: Cli, store: Store) -> None:
    _jsonl(cli, '{"n": 1}')
    assert _counts(_jsonl(cli, '{"n": 1}', options="--idempotency-key monday")) == (1, 0, 0)
    assert _counts(_jsonl(cli, '{"n": 1}', options="--idempotency-key monday")) == (0, 1, 0)
    cli("submit", "other", "--jsonl", "in.jsonl")
    assert [item["type"] for item in store.tasks.values()] == ["hello", "hello", "other"]


def test_other_options_do_not_make_another_key(cli: Cli, store: Store) -> None:
    _jsonl(cli, '{"n": 1}')
    _jsonl(cli, '{"n": 1}', options="--priority 5")
    assert len(store.tasks) == 1


def test_bad_lines_are_told_by_number_and_the_others_submitted(cli: Cli, store: Store) -> None:
    lines = ['{"n": 1}', "{bad", "", '{"bad": true}', '{"n": 2}']
    said = _jsonl(cli, *lines, code=4)
    assert _counts(said) == (2, 0, 2)
    assert [error["line"] for error in said["errors"]] == [2, 4]
    result = cli("submit", "hello", "--jsonl", "in.jsonl", code=4)
    assert rows(result) == [["accepted", "0"], ["replayed", "2"], ["rejected", "2"]]
    assert "line 4: input_data/bad: is bad\n" in result.stderr


def test_batches_are_of_500_and_safe_to_repeat(cli: Cli, service: ServiceDouble) -> None:
    store = Store()
    service.on("POST", "/tasks/batch", store, problem(503, "wait"), store)
    said = _jsonl(cli, *(f'{{"n": {n}}}' for n in range(1001)))
    assert _counts(said) == (1001, 0, 0)
    assert [len(asked.lines) for asked in service.all("/tasks/batch")] == [500, 500, 500, 1]
    assert {asked.headers["Content-Type"] for asked in service.asked} == {"application/x-ndjson"}


def test_batches_are_limited_in_bytes(cli: Cli, service: ServiceDouble, store: Store) -> None:
    _jsonl(cli, *(json.dumps(f"{n}" * bulk.BATCH_BYTES)[: bulk.BATCH_BYTES // 2] + '"' for n in range(3)))
    sizes = [len(asked.body) for asked in service.all("/tasks/batch")]
    assert len(sizes) == 3
    assert max(sizes) <= bulk.BATCH_BYTES


def test_a_line_too_large_for_the_service_is_that_lines_problem(cli: Cli, service: ServiceDouble) -> None:
    store = Store()

    def limited(asked: Asked) -> Answer:
        return problem(413, "the body is larger than 300 bytes") if len(asked.body) > 300 else store(asked)

    service.on("POST", "/tasks/batch", limited)
    said = _jsonl(cli, '{"n": 1}', json.dumps("x" * 400), '{"n": 2}', code=4)
    assert _counts(said) == (2, 0, 1)
    assert said["errors"] == [{"line": 2, "reason": "the body is larger than 300 bytes"}]


def test_jsonl_from_stdin_and_waiting(cli: Cli, service: ServiceDouble, store: Store) -> None:
    service.on("GET", f"/tasks/{TASK_ID}/stream", stream(event("status", {"status": "failed"}, 1), hold=True))
    result = cli("submit", "hello", "--jsonl", "-", "--wait", stdin='{"n": 1}\n{"n": 2}', code=1)
    assert rows(result) == [["accepted", "2"], ["replayed", "0"], ["rejected", "0"], ["failed", "2"]]


def test_a_file_that_is_not_there(cli: Cli, service: ServiceDouble) -> None:
    assert cli("submit", "hello", "--jsonl", "gone", code=2).stderr == "Error: gone: No such file or directory\n"
