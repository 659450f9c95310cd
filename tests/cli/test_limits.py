"""``limits``, ``pause``, ``resume``, ``drain``, ``audit``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.conftest import Cli, rows
from cli.service_double import ServiceDouble, ok
from tradefree.cli.exits import ExitCode


def limit(scope: str = "type:echo", **values: Any) -> dict[str, Any]:
    return {
        "scope": scope,
        "label": scope,
        "mode": "open",
        "max_running": None,
        "rate": None,
        "burst": 1,
        "max_pending": None,
        "baseline": {},
        "override": None,
        "in_flight": 0,
        "unaccounted": 0,
        "waiting": 0,
        "starts_left": None,
        "next_start_at": None,
        "ceiling": None,
        "held_by": {},
        **values,
    }


LEARNT = {"level": 5, "reason": "it refused a call", "since": "2026-01-31T08:00:00Z", "down": False}
CHANGED = {
    "values": {"max_running": 5},
    "until": "2026-01-31T08:00:00Z",
    "mode_until": None,
    "by": "ann",
    "at": None,
    "reason": "slow",
}


def test_all_of_them(cli: Cli, service: ServiceDouble) -> None:
    items = [
        limit("everything", max_running=9, in_flight=3, waiting=7, rate="5/s", burst=3, max_pending=100),
        limit("connection:bot", max_running=9, in_flight=2, ceiling=LEARNT, override=CHANGED),
        limit("lane:echo/c", waiting=None, ceiling={**LEARNT, "level": 0, "down": True}),
    ]
    service.on("GET", "/limits", ok({"items": items}))
    assert json.loads(cli("limits", "--json").stdout) == {"items": items}
    assert rows(cli("limits")) == [
        ["everything", "open", "3 of 9", "7", "5/s burst 3", "100", ""],
        ["connection:bot", "open", "2 of 5", "0", "", "", "by ann, until 2026-01-31 08:00, slow"],
        ["lane:echo/c", "down", "0 of 0", "", "", "", ""],
    ]


def test_a_change_sends_what_was_given_and_nothing_else(cli: Cli, service: ServiceDouble) -> None:
    service.on("PATCH", "/limits/lane:echo/a b", ok(limit("lane:echo/a b", max_running=2)))
    changed = cli("limits", "lane:echo/a b", "--max-running", "2", "--rate", "none", "--for", "2h", "--reason", "why")
    assert rows(changed)[0][:3] == ["lane:echo/a b", "open", "0 of 2"]
    (asked,) = service.all("/limits/lane:echo/a b")
    assert asked.json == {"max_running": 2, "rate": None, "for": "2h", "reason": "why"}


def test_a_reset(cli: Cli, service: ServiceDouble) -> None:
    service.on("DELETE", "/limits/type:echo", ok(limit()))
    assert rows(cli("limits", "type:echo", "--reset"))[0][0] == "type:echo"


@pytest.mark.parametrize(
    "arguments",
    [
        ("limits", "--max-running", "2"),
        ("limits", "type:echo", "--max-running", "many"),
        ("limits", "type:echo", "--reset", "--rate", "1/s"),
        ("pause",),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    cli: Cli, service: ServiceDouble, arguments: tuple[str, ...]
) -> None:
    assert cli(*arguments, code=ExitCode.USAGE).stdout == ""
    assert not service.all("/limits")


@pytest.mark.parametrize(("command", "mode"), [("pause", "paused"), ("resume", "open")])
def test_pause_and_resume(cli: Cli, service: ServiceDouble, command: str, mode: str) -> None:
    service.on("PUT", "/limits/everything/mode", ok(limit("everything", mode=mode)))
    assert rows(cli(command, "everything"))[0][:2] == ["everything", mode]
    (asked,) = service.all("/limits/everything/mode")
    assert asked.json == {"mode": mode}


def test_a_drain_waits_until_nothing_is_in_flight(cli: Cli, service: ServiceDouble) -> None:
    service.on("PUT", "/limits/type:echo/mode", ok(limit(mode="draining", in_flight=2)))
    service.on("GET", "/limits/type:echo", ok(limit(mode="drained")))
    assert rows(cli("drain", "type:echo", "--wait"))[0][1] == "drained"
    assert len(service.all("/limits/type:echo")) == 1


def test_the_trail(cli: Cli, service: ServiceDouble) -> None:
    entry = {
        "id": "1",
        "at": "2026-01-31T08:00:00Z",
        "actor": "ann",
        "action": "limit.change",
        "target": "type:echo",
        "detail": {"after": {"values": {"max_running": None}, "mode": "paused"}, "reason": "why"},
    }
    service.on("GET", "/audit", ok({"items": [entry], "next_cursor": None}))
    assert rows(cli("audit", "type:echo"))[0][1:] == [
        "ann",
        "limit.change",
        "type:echo",
        "max_running=none, mode=paused (why)",
    ]
