from __future__ import annotations

import json

import pytest

from cli.conftest import Cli, rows
from cli.service_double import TASK_ID, ServiceDouble, event, log_line, ok, problem, stream
from tradefree.client import stream as follow

LOGS = f"/tasks/{TASK_ID}/logs"
STREAM = f"/tasks/{TASK_ID}/stream"
END = event("end", {"id": TASK_ID, "status": "completed"}, 9)


def test_a_log_in_a_pipe(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", LOGS, ok({"items": [log_line(1, "one\ttwo\n\x1b[2J", "warning")], "next_after": 1}))
    assert rows(cli("logs", TASK_ID)) == [["2026-01-31T08:00:02.500000+00:00", "warning", "1", "one two \\x1b[2J"]]


def test_a_log_as_json_is_one_document_per_line(cli: Cli, service: ServiceDouble) -> None:
    lines = [log_line(1, "订\n单"), log_line(2)]
    service.on("GET", LOGS, ok({"items": lines, "next_after": 2}))
    printed = cli("logs", TASK_ID, "--json", "--level", "info").stdout.splitlines()
    assert [json.loads(line) for line in printed] == lines
    assert dict(service.only(LOGS).query)["level"] == "info"


def test_a_long_log_is_read_page_by_page(cli: Cli, service: ServiceDouble) -> None:
    first = [log_line(n) for n in range(1, 1001)]
    service.on(
        "GET", LOGS, ok({"items": first, "next_after": 1000}), ok({"items": [log_line(1001)], "next_after": 1001})
    )
    assert len(rows(cli("logs", TASK_ID))) == 1001
    assert [dict(asked.query)["after"] for asked in service.all(LOGS)] == ["0", "1000"]


def test_a_log_on_a_terminal(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", LOGS, ok({"items": [log_line(1, "[bold]x\x1b[2J")], "next_after": 1}))
    shown = cli("logs", TASK_ID).stdout
    assert "info    #1 [bold]x\\x1b[2J" in shown


# ── -f ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _followed(cli: Cli, *options: str, code: int = 0) -> list[int]:
    result = cli("logs", TASK_ID, "-f", "--json", *options, code=code)
    return [json.loads(line)["id"] for line in result.stdout.splitlines()]


def test_following_ends_with_the_task(cli: Cli, service: ServiceDouble) -> None:
    service.on(
        "GET",
        STREAM,
        stream(
            "retry: 2000\n\n",
            ": heartbeat\nid: 0\n\n",
            event("status", {"status": "processing"}, 0),
            event("log", log_line(1), 0),
            event("partial", {"text": "so far"}),
            END,
            hold=True,
        ),
    )
    result = cli("logs", TASK_ID, "-f")
    assert [row[3] for row in rows(result)] == ["hello"]
    assert result.stderr == "The task is completed.\n"
    assert service.only(STREAM).headers["Accept"] == "text/event-stream"


def test_a_lost_stream_goes_on_where_it_was_and_no_line_comes_twice(cli: Cli, service: ServiceDouble) -> None:
    service.on(
        "GET",
        STREAM,
        stream(event("log", log_line(1), 1), event("log", log_line(3), 1), ": heartbeat\nid: 2\n\n"),
        stream(event("log", log_line(3), 2), event("log", log_line(2), 3), "event: log\ndata: {cut o"),
        problem(503, "the service stops"),
        stream(event("log", log_line(4), 4), END),
    )
    assert _followed(cli) == [1, 3, 2, 4]
    assert [asked.headers.get("Last-Event-ID") for asked in service.all(STREAM)] == [None, "2", "3", "3"]


def test_events_may_be_cut_anywhere(cli: Cli, service: ServiceDouble) -> None:
    whole = event("log", log_line(1, "订单 ok"), 1) + END
    service.on("GET", STREAM, stream(*whole[:40], whole[40:]))
    assert _followed(cli) == [1]


def test_crlf_comments_and_unknown_fields(cli: Cli, service: ServiceDouble) -> None:
    text = f": hi\r\nevent:log\r\nfoo: bar\r\ndata:{json.dumps(log_line(7))}\r\n\r\nevent: odd\ndata: x\n\n{END}"
    service.on("GET", STREAM, stream(text))
    assert _followed(cli) == [7]


def test_levels_are_filtered(cli: Cli, service: ServiceDouble) -> None:
    levels = ["debug", "info", "warning", "error"]
    service.on("GET", STREAM, stream(*(event("log", log_line(n, level=levels[n])) for n in range(4)), END))
    assert _followed(cli, "--level", "warning") == [2, 3]


def test_partial_text_is_shown_on_a_terminal_only(
    cli: Cli, service: ServiceDouble, request: pytest.FixtureRequest
) -> None:
    pieces = [event("partial", {"text": text}) for text in ("so ", "far\x1b[2J")]
    service.on("GET", STREAM, stream(*pieces, event("log", log_line(1, "done")), END))
    assert "so far" not in cli("logs", TASK_ID, "-f").stdout
    request.getfixturevalue("terminal")
    first, second = cli("logs", TASK_ID, "-f").stdout.splitlines()
    assert first == "so far\\x1b[2J"
    assert second.endswith("done")


def test_a_task_that_is_gone_after_a_reconnect(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", STREAM, stream(event("log", log_line(1), 1)), problem(404, "no task"))
    assert _followed(cli, code=5) == [1]


def test_a_service_that_cannot_be_reached_at_first_is_told_at_once(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", STREAM, problem(503, "not now"))
    _followed(cli, code=3)
    assert len(service.all(STREAM)) == 1


def test_it_is_given_up_in_the_end(cli: Cli, service: ServiceDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 3)
    service.on("GET", STREAM, stream(event("log", log_line(1), 1)), problem(503, "not now"))
    assert _followed(cli, code=3) == [1]
    assert len(service.all(STREAM)) == 4


def test_memory_of_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "REMEMBERED", 2)
    place = follow.Place()
    ids = [1, 2, 3, 3, 1]
    assert [place.fresh(follow.Event("log", {"id": line_id})) for line_id in ids] == [True, True, True, False, True]
    assert len(place.seen) == 2
