"""The judge: what must hold of a database's content at any moment, whatever has just died."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import orjson

from faults.sweep.content import TABLES, Content
from protocol.world import makes_sense
from tradefree.database.rows import label_digest
from tradefree.tasks.states import TERMINAL, Status
from tradefree.tasks.task import Task

Row = dict[str, Any]
_JSON = {"input_data", "output_data", "labels", "runner_state", "data", "queues"}
_INTERNAL = {"wake_at", "claim_token"}


def judge(content: Content) -> None:
    """Raise AssertionError, saying what is wrong."""
    rows = {table.name: [_row(table.c.keys(), row) for row in content[table.name]] for table in TABLES}
    tasks = {row["id"]: row for row in rows["tasks"]}
    for name in ("task_logs", "task_labels", "attempts", "idempotency_keys"):
        strangers = {row["task_id"] for row in rows[name]} - tasks.keys()
        assert not strangers, f"{name} of tasks that are not there: {strangers}"
    for row in tasks.values():
        _stands(row)
    _told(tasks, rows["task_logs"], rows["attempts"])
    _labelled(tasks, rows["task_labels"])
    _counted(tasks, rows["task_totals"])
    workers = {row["id"] for row in rows["workers"]}
    assert {row["worker_id"] for row in tasks.values()} - {None} <= workers, "a task is on a worker that is not there"


def _row(names: list[str], values: tuple[Any, ...]) -> Row:
    return {
        name: orjson.loads(value) if name in _JSON and value is not None else value
        for name, value in zip(names, values, strict=True)
    }


def _stands(row: Row) -> None:
    """The task's columns fit together."""
    values = {name: value for name, value in row.items() if name not in _INTERNAL}
    makes_sense(Task(**values | {"status": Status(row["status"]), "holds_slot": bool(row["holds_slot"])}))
    expires_at = None if row["holds_slot"] else row["expires_at"]
    looked_at = {
        Status.SCHEDULED: min(row["run_at"], expires_at or row["run_at"]),
        Status.PENDING: expires_at,
        Status.AWAITING_INPUT: row["answer_by"],
    }.get(row["status"])
    assert row["wake_at"] == looked_at, f"{row['id']} would be woken at {row['wake_at']}, not {looked_at}"


def _told(tasks: dict[str, Row], lines: list[Row], attempts: list[Row]) -> None:
    """The log tells each task's beginning, each attempt's beginning and end, once."""
    events: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for line in lines:
        events[line["task_id"]].append((line["event"], line["attempt"]))
    ended = Counter(attempt["task_id"] for attempt in attempts)
    for id_, row in tasks.items():
        told = events[id_]
        assert told, f"{id_} has no log"
        assert told[0] == ("task.accepted", 0), f"{id_} begins with {told[0]}"
        assert Counter(event for event, _ in told)["task.accepted"] == 1, f"{id_} was accepted twice"
        started = [number for event, number in told if event == "attempt.started"]
        assert started == list(range(1, row["attempt_count"] + 1)), f"{id_} says it began {started}"
        assert ended[id_] == row["attempt_count"] - (row["status"] == Status.PROCESSING), f"attempts of {id_}"


def _labelled(tasks: dict[str, Row], labels: list[Row]) -> None:
    found = {(row["task_id"], row["digest"]) for row in labels}
    wanted = {(id_, label_digest(n, v)) for id_, row in tasks.items() for n, v in row["labels"].items()}
    assert found == wanted, f"labels that are not the tasks' own: {found ^ wanted}"


def _counted(tasks: dict[str, Row], totals: list[Row]) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for row in totals:
        counted[row["type"], row["status"]] += row["number"]
    there = Counter((row["type"], row["status"]) for row in tasks.values() if row["status"] in TERMINAL)
    assert +counted == there, f"counted {dict(counted)}, there are {dict(there)}"
