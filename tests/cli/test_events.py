"""``event`` and ``triggers``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Cli, rows
from cli.service_double import Answer, ServiceDouble, ok, problem, task
from tradefree.cli.exits import ExitCode

EVENT = "01a20a45-c9f6-756d-8e50-a97a5fbb66bf"
DECISION = {
    "trigger": "big-orders", "version": 3, "outcome": "made", "part": "", "reason": "", "task_id": "t-1",
    "conditions": [{"text": "event.data.amount > 100", "held": True, "reason": ""}],
}  # fmt: skip
NO = DECISION | {"trigger": "other", "outcome": "no_match", "part": "filter", "task_id": None}


def taken(**values: Any) -> dict[str, Any]:
    document = {"id": EVENT, "event_id": "1", "source": "/s", "type": "t", "received_at": "2026-01-31T08:00:00Z"}
    return document | {"replayed": False, "event_url": "http://x", "decisions": [DECISION]} | values


def happened(**values: Any) -> dict[str, Any]:
    document = {
        "id": EVENT, "event_id": "1", "source": "/s", "type": "t", "subject": None, "time": None,
        "attributes": {"region": "sz"}, "data": {"a": 1}, "binary": False, "payloads_hidden": False,
        "received_at": "2026-01-31T08:00:00Z", "received_by": "key:ann", "decisions": [DECISION, NO],
    }  # fmt: skip
    return document | values


def trigger(**values: Any) -> dict[str, Any]:
    document = {
        "name": "big-orders", "event": "order.*", "filter": "event.data.a > 1", "task_type": "hello", "enabled": True,
        "version": 3, "updated_at": "2026-01-31T08:00:00Z", "updated_by": "ann", "failures": 0, "failing": "",
        "disabled_reason": "",
    }  # fmt: skip
    return document | values


def test_an_event_is_sent(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/events", ok(taken(), 202))
    said = ["--data", '{"a": 1}', "--source", "/shop", "--id", "7", "--subject", "x", "--attribute", "region=sz"]
    assert rows(cli("event", "send", "order.created", *said)) == [[EVENT, "big-orders: made t-1"]]
    asked = service.only("/events")
    assert asked.headers["Content-Type"] == "application/cloudevents+json"
    assert asked.json == {
        "specversion": "1.0", "id": "7", "source": "/shop", "type": "order.created", "subject": "x", "region": "sz",
        "data": {"a": 1},
    }  # fmt: skip
    assert json.loads(cli("event", "send", "x", "--json").stdout) == taken()
    fresh = [asked.json["id"] for asked in service.all("/events")[1:]]
    assert len(fresh[0]) == 36


def test_a_lost_answer_does_no_harm(cli: Cli, service: ServiceDouble) -> None:
    service.on("POST", "/events", problem(503, "away"), ok(taken(replayed=True), 202))
    assert "had been sent before" in cli("event", "send", "x").stderr
    first, second = service.all("/events")
    assert first.body == second.body


def test_a_file_of_events_is_sent_as_a_batch(cli: Cli, service: ServiceDouble) -> None:
    items = [
        {"index": 0, "status": "accepted", "event": taken(), "error": None},
        {"index": 1, "status": "rejected", "event": None, "error": {"detail": "id: is required"}},
    ]
    service.on("POST", "/events", ok({"accepted": 1, "rejected": 1, "items": items}, 207))
    Path("events.json").write_text('[{"id": "1"}, {}]')
    result = cli("event", "send", "--file", "events.json", code=ExitCode.REFUSED)
    assert rows(result) == [[EVENT, "big-orders: made t-1"]]
    assert "event 1: id: is required" in result.stderr
    assert service.only("/events").headers["Content-Type"] == "application/cloudevents-batch+json"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "either the type of an event or --file"),
        (["x", "--file", "f"], "either the type of an event or --file"),
        (["x", "--attribute", "region"], "name=value"),
        (["x", "--data", "{"], "--input: is not JSON"),
        (["--file", "gone.json"], "gone.json: No such file"),
    ],
)
def test_a_wrong_send(cli: Cli, service: ServiceDouble, words: list[str], said: str) -> None:
    assert said in cli("event", "send", *words, code=ExitCode.USAGE).stderr.replace("\n", " ")
    assert service.asked == []


def test_events_are_found(cli: Cli, service: ServiceDouble) -> None:
    page = {"items": [happened()], "next_cursor": None}
    service.on("GET", "/events", ok(page))
    shown = rows(cli("event", "list", "--type", "order.*", "--by", "hook:x", "--after", "2026-01-31T08:00Z"))
    assert shown == [
        [EVENT, "t", "/s", "1", "2026-01-31T08:00:00+00:00", "key:ann", "big-orders: made, other: no_match"]
    ]
    assert service.only("/events").query == [
        ("type", "order.*"),
        ("received_by", "hook:x"),
        ("received_after", "2026-01-31T08:00:00Z"),
        ("limit", "50"),
    ]
    assert json.loads(cli("event", "list", "--json").stdout) == page


def test_an_event_is_shown_with_what_became_of_it(cli: Cli, service: ServiceDouble) -> None:
    found = happened(tasks=[task(event_id=EVENT)])
    service.on("GET", f"/events/{EVENT}", ok(found))
    shown = rows(cli("event", "show", EVENT))
    assert ["data", '{"a": 1}'] in shown
    assert ["big-orders", "3", "made", "t-1", "", ""] in shown
    assert ["other", "3", "no_match", "", "filter", ""] in shown
    assert [found["tasks"][0]["id"], "hello", "completed", "1", ""] in shown
    assert json.loads(cli("event", "show", EVENT, "--json").stdout) == found


def test_on_a_terminal_conditions_and_data_are_shown(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", f"/events/{EVENT}", ok(happened(tasks=[])))
    shown = cli("event", "show", EVENT).stdout
    assert "big-orders: true: event.data.amount > 100" in shown
    assert '"a": 1' in shown


def test_triggers_are_listed_and_shown(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/triggers", ok({"items": [trigger(), trigger(name="x", enabled=False, disabled_reason="no")]}))
    first, second = rows(cli("triggers", "list"))
    assert first[:7] == ["big-orders", "enabled", "order.*", "event.data.a > 1", "hello", "3", ""]
    assert (second[1], second[8]) == ("disabled", "no")
    versions = [
        {"version": 2, "at": "2026-01-31T08:00:00Z", "by": "ann", "trigger": None, "reason": ""},
        {"version": 1, "at": "2026-01-31T08:00:00Z", "by": "ann", "trigger": {"enabled": False}, "reason": "why"},
    ]
    service.on("GET", "/triggers/big-orders", ok(trigger()))
    service.on("GET", "/triggers/big-orders/versions", ok({"items": versions}))
    shown = rows(cli("triggers", "show", "big-orders"))
    assert ["filter", "event.data.a > 1"] in shown
    assert shown[-2:] == [
        ["2", "2026-01-31T08:00:00+00:00", "ann", "deleted", ""],
        ["1", "2026-01-31T08:00:00+00:00", "ann", "disabled", "why"],
    ]
    assert json.loads(cli("triggers", "show", "big-orders", "--json").stdout)["versions"] == versions


def test_a_trigger_is_switched_and_deleted(cli: Cli, service: ServiceDouble) -> None:
    service.on("PUT", "/triggers/a%2Fb/enabled", ok(trigger(enabled=False)))
    service.on("PUT", "/triggers/a/b/enabled", ok(trigger(enabled=False)))
    assert rows(cli("triggers", "disable", "a/b"))[0][1] == "disabled"
    service.on("PUT", "/triggers/x/enabled", ok(trigger()))
    assert rows(cli("triggers", "enable", "x"))[0][1] == "enabled"
    assert service.only("/triggers/x/enabled").json == {"enabled": True}
    service.on("DELETE", "/triggers/x", Answer(204))
    assert rows(cli("triggers", "delete", "x")) == [["x", "deleted"]]


DRAFTS = """
triggers:
  big-orders: {event: "order.*", filter: "event.data.a > 1", task_type: hello}
  other: {event: "x", task_type: hello}
"""


def test_a_draft_is_tried(cli: Cli, service: ServiceDouble) -> None:
    trial: dict[str, Any] = {"outcome": "made", "part": "", "reason": "", "conditions": [], "task": None}
    item = {
        "id": EVENT, "event_id": "1", "source": "/s", "type": "t", "received_at": "2026-01-31T08:00:00Z",
        "change": "added", "differs": ["input/a", "key"], "draft": trial, "current": None,
    }  # fmt: skip
    found = {
        "seen": 4, "complete": False, "back_to": None, "outcomes": {"made": 3, "no_match": 1}, "current": {"made": 2},
        "changes": {"added": 1}, "items": [item],
        "conditions": [{"text": "event.data.a > 1", "true": 3, "false": 1, "failed": 0}],
    }  # fmt: skip
    service.on("POST", "/triggers/preview", ok(found))
    Path("f.yaml").write_text(DRAFTS)
    shown = rows(cli("triggers", "preview", "f.yaml", "--name", "big-orders", "--since", "2026-01-31T08:00Z"))
    assert shown[:6] == [
        ["events", "4 (there are more; --most looks at more)"],
        ["back to", ""],
        ["draft", "made 3, no_match 1"],
        ["current", "made 2"],
        ["changes", "added 1"],
        ["event.data.a > 1", "true 3, false 1, failed 0"],
    ]
    assert shown[6] == [EVENT, "t", "2026-01-31T08:00:00+00:00", "made", "added", "input/a, key", "", ""]
    assert service.only("/triggers/preview").json == {
        "trigger": {"name": "big-orders", "event": "order.*", "filter": "event.data.a > 1", "task_type": "hello"},
        "since": "2026-01-31T08:00:00Z",
        "until": None,
        "most": 1000,
        "shown": 20,
    }


@pytest.mark.parametrize(
    ("words", "said"), [([], "has 2 triggers: say which"), (["--name", "none"], "has no trigger 'none'")]
)
def test_it_must_be_said_which(cli: Cli, service: ServiceDouble, words: list[str], said: str) -> None:
    Path("f.yaml").write_text(DRAFTS)
    assert said in cli("triggers", "preview", "f.yaml", *words, code=ExitCode.USAGE).stderr
    assert service.asked == []
