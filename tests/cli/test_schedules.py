"""``schedules``: events that are raised by themselves."""

from __future__ import annotations

import json
from typing import Any

from cli.conftest import Cli, rows
from cli.service_double import Answer, ServiceDouble, ok

AT = "2026-01-31T08:00:00+00:00"
NEXT = ["2026-02-01T02:30:00+08:00", "2026-02-02T02:30:00+08:00"]


def schedule(name: str = "nightly", **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "",
        "cron": "30 2 * * *",
        "time_zone": "Asia/Shanghai",
        "every": None,
        "start_at": None,
        "at": None,
        "misfire": "once",
        "overlap": "allow",
        "enabled": True,
        "event": {"type": "com.example.night"},
        "state": "active",
        "next_runs": NEXT,
        "pause": None,
        "last_run_at": AT,
        "last_event_id": "01a20a45-c9f6-756d-8e50-a97a5fbb66bf",
        **values,
    }


PAUSED = schedule(state="paused", next_runs=[], pause={"at": AT, "by": "ann", "reason": "moved"})


def test_all_of_them(cli: Cli, service: ServiceDouble) -> None:
    items = [
        schedule(),
        schedule("poll", cron=None, every=300.0, last_run_at=None),
        schedule("once", cron=None, at=AT, state="ended", next_runs=[]),
        PAUSED,
    ]
    service.on("GET", "/schedules", ok({"items": items}))

    assert json.loads(cli("schedules", "list", "--json").stdout) == {"items": items}
    assert rows(cli("schedules", "list")) == [
        ["nightly", "active", "30 2 * * * Asia/Shanghai", NEXT[0], AT, "com.example.night", ""],
        ["poll", "active", "every 5 min", NEXT[0], "", "com.example.night", ""],
        ["once", "ended", f"at {AT}", "", AT, "com.example.night", ""],
        ["nightly", "paused", "30 2 * * * Asia/Shanghai", "", AT, "com.example.night", "by ann: moved"],
    ]


def test_one_of_them(cli: Cli, service: ServiceDouble) -> None:
    service.on("GET", "/schedules/nightly", ok(schedule()))

    shown = rows(cli("schedules", "show", "nightly"))

    assert ["next runs", ", ".join(NEXT)] in shown
    assert json.loads(cli("schedules", "show", "nightly", "--json").stdout) == schedule()


def test_its_runs(cli: Cli, service: ServiceDouble) -> None:
    run = {"fire_at": AT, "outcome": "skipped", "decided_at": AT, "event_id": None, "reason": "tasks had not ended"}
    service.on("GET", "/schedules/nightly/runs", ok({"items": [run]}))

    assert rows(cli("schedules", "runs", "nightly", "--limit", "3")) == [[AT, "skipped", "", "tasks had not ended"]]
    assert service.asked[-1].query == [("limit", "3")]
    assert json.loads(cli("schedules", "runs", "nightly", "--json").stdout) == {"items": [run]}


def test_pause_and_resume(cli: Cli, service: ServiceDouble) -> None:
    service.on("PUT", "/schedules/nightly/pause", ok(PAUSED))
    service.on("DELETE", "/schedules/nightly/pause", ok(schedule()))

    [[_, state, *_, why]] = rows(cli("schedules", "pause", "nightly", "--reason", "moved"))
    assert (state, why) == ("paused", "by ann: moved")
    assert service.asked[-1].json == {"reason": "moved"}
    assert json.loads(cli("schedules", "pause", "nightly", "--json").stdout) == PAUSED
    assert service.asked[-1].json == {}
    assert rows(cli("schedules", "resume", "nightly"))[0][1] == "active"


def test_delete(cli: Cli, service: ServiceDouble) -> None:
    service.on("DELETE", "/schedules/nightly", Answer(204))

    cli("schedules", "delete", "nightly")

    assert service.asked[-1].path.endswith("/schedules/nightly")
    assert json.loads(cli("schedules", "delete", "nightly", "--json").stdout) == {"name": "nightly", "deleted": True}


def test_none_is_there(cli: Cli, service: ServiceDouble, terminal: None) -> None:
    service.on("GET", "/schedules", ok({"items": []}))

    assert "No schedule is defined" in cli("schedules", "list").stdout
