"""What the other sections' rows say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bench.report.tables import TABLES
from bench.results import Row
from bench.sections.latency import STAMPS, phases
from bench.sections.pages import asked

from benchmarks.rounds import result
from tradefree.service.documents import PREFIX
from tradefree.service.openapi import operations


def rows_of(section: str, *rows: Row) -> list[list[str]]:
    (table,) = TABLES[section](result(section, *rows))
    assert all(len(row) == len(table.columns) for row in table.rows)
    return [list(row) for row in table.rows]


def test_phases_of_a_task_add_up_to_its_time() -> None:
    at = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
    moments = [at + timedelta(milliseconds=ms) for ms in (1, 3, 6, 10)]
    task = {f"{name}_at": moment.isoformat() for name, moment in zip(STAMPS, moments, strict=True)}
    sent = at.timestamp()
    assert phases(task, sent, sent + 0.015) == pytest.approx([0.001, 0.002, 0.003, 0.004, 0.005], abs=1e-5)


def test_phases_are_shown_by_their_median() -> None:
    row = {"round": 1, "way": "tradefree-wait", "seconds": [0.015], "phases": [[0.001, 0.002, 0.003, 0.004, 0.005]]}
    _, table = TABLES["latency"](result("latency", row))
    assert [line[1] for line in table.rows] == ["1.0", "2.0", "3.0", "4.0", "5.0"]


def test_latencies_are_over_all_rounds_and_in_milliseconds() -> None:
    rows = rows_of(
        "latency",
        {"round": 1, "way": "tradefree-wait", "seconds": [0.010, 0.020]},
        {"round": 2, "way": "tradefree-wait", "seconds": [0.030, 0.040]},
    )
    assert rows == [["Tradefree, `Prefer: wait`", "20.0", "40.0", "20.0 (10.0 – 30.0)"]]


def test_memory_is_what_each_call_adds() -> None:
    (row,) = rows_of(
        "streams",
        {
            "calls": 100,
            "wall": 10.0,
            "lateness": [0.1, 0.2, 0.9],
            "memory_idle": 1_000_000,
            "memory_peak": 4_000_000,
            "in_flight_peak": 100,
            "leases": [2.0, 4.0, 7.5],
            "cpu": {"worker": 2.5},
        },
    )
    assert row == ["100", "0.20 s", "0.90 s", "0.90 s", "30.0 kB", "25% of a core", "3.50 s"]


def test_a_stall_is_looked_for_from_a_second_before_the_kill() -> None:
    (row,) = rows_of(
        "recovery",
        {
            "fault": "worker",
            "back": 0.1,
            "until": 8.0,
            "starts": [-60.0, -0.5, 0.5, 4.0, 7.9],
            "ends": [0.0, 7.0],
            "again": [3.0, 3.5],
        },
    )
    assert row == [
        "a worker, one of two",
        "stays away",
        "3.9 (3.9 – 3.9)",
        "7.0 (7.0 – 7.0)",
        "after 3.0 (3.0 – 3.0)",
    ]


def test_who_comes_back_says_when() -> None:
    (row,) = rows_of("recovery", {"fault": "redis", "back": 1.25, "until": 2.0, "starts": [], "ends": [], "again": []})
    assert row[1] == "1.2 (1.2 – 1.2)"
    assert row[-1] == ""


@pytest.mark.parametrize("kind", ["single", "batch"])
def test_submits_are_tasks_not_requests(kind: str) -> None:
    rows = [
        {
            "round": 1,
            "kind": name,
            "tasks": 1000,
            "requests": 1000 if name == "single" else 1,
            "connections": 4,
            "seconds": 2.0,
            "cpu": {"client": 0.1, "api": 1.0, "mariadb": 0.5},
        }
        for name in ("single", "batch")
    ]
    row = rows_of("submitting", *rows)[["single", "batch"].index(kind)]
    assert row[1:] == ["4", "500 (500 – 500)", "0.10", "1.00", "0.50"]


def test_events_are_counted_and_rules_are_timed() -> None:
    cpu = {"client": 0.1, "api": 1.0, "mariadb": 0.5}
    taken = [
        {"round": 1, "kind": kind, "rules": rules, "events": 1000, "seconds": 2.0, "cpu": cpu, "connections": 4}
        for kind in ("single", "batch")
        for rules in (1, 1000)
    ]
    rules = {"kind": "rules", "rules": 1000, "size": 150, "seconds": 0.004}
    tried = [rules | {"looking": looking} for looking in (1, 1000)]
    first, second = TABLES["events"](result("events", *taken, *tried))
    assert [row[0] for row in first.rows] == [
        "one by one, 1 rule", "in batches, 1 rule", "one by one, 1,000 rules", "in batches, 1,000 rules"
    ]  # fmt: skip
    assert first.rows[0][1:] == ["4", "500 (500 – 500)", "0.10", "1.00", "0.50"]
    assert [list(row[1:]) for row in second.rows] == [["150", "4.00", "4000.0"], ["150", "4.00", "4.0"]]


def test_waits_of_a_burst_are_those_from_its_begin_and_ratios_are_to_the_first_row() -> None:
    one = {
        "kind": "burst",
        "begins": 10.0,
        "processes": "1",
        "waits": [[1, 99.0], [12, 2.0], [13, 8.0]],
        "steps": [],
        "repeated": 0,
    }
    more = one | {"processes": "auto", "waits": [[12, 1.0], [13, 2.0]], "steps": [[12, 2], [14, 4], [40, 1]]}
    first, _ = TABLES["operations"](result("operations", one, more))
    assert [list(row) for row in first.rows] == [
        ["`1`", "1", "2.0", "8.0", "8.0", "1.00", "1.00", "0"],
        ["`auto`", "4", "1.0", "2.0", "2.0", "0.50", "0.25", "0"],
    ]


def test_upkeep_is_compared_with_submits_beside_nothing() -> None:
    nothing = {"kind": "upkeep", "what": "nothing else", "tasks": 100, "seconds": 1.0, "latencies": [0.010]}
    backup = nothing | {"what": "a backup", "seconds": 5.0, "latencies": [0.015, 0.020], "size": 1}
    old = backup | {"what": "retention", "deleted": 10}
    _, second = TABLES["operations"](result("operations", nothing, backup, old))
    assert [list(row) for row in second.rows] == [
        ["a backup", "5 s", "100", "15.0", "20.0", "1.50", "2.00"],
        ["retention", "goes on", "10", "15.0", "20.0", "1.50", "2.00"],
    ]


def test_pages_are_shown_by_their_percentiles() -> None:
    tally = {"kind": "tally", "tasks": 1000, "lines": 10_000, "seconds": 7.4}
    page = {"kind": "page", "what": "logs", "tasks": 1000, "lines": 10_000, "seconds": [0.01] * 90 + [0.05] * 10}
    (table,) = TABLES["pages"](result("pages", tally, page))
    assert [list(row) for row in table.rows] == [["logs", "10", "50", "50"]]
    assert "1,000 tasks and 10,000 log lines" in table.title
    assert "7 s" in table.title


def test_what_pages_ask_for_is_there() -> None:
    there = {path.removeprefix(f"{PREFIX}/") for path, method, _, _ in operations() if method == "get"}
    assert {path for path, _ in asked().values()} <= there
