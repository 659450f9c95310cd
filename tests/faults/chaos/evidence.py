"""What is left after a storm: rows, the ledger of the stand-in Dify, and what our own runner wrote down."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.chaos.plan import Wanted
from faults.chaos.strikes import Strike
from faults.chaos.truth import Truth
from tradefree.testing.dify_standin import Entry

Row = Mapping[str, Any]


@dataclass
class Performance:
    """One attempt at work in our own runner, by the machine's monotonic clock."""

    task: str
    attempt: int
    pid: int
    began: float
    ended: float | None = None
    """None: it never said."""
    how: str = "cut"
    """``ended``, ``dropped`` (by the worker itself), or ``cut`` (with its process)."""


@dataclass
class Evidence:
    """Everything the judge looks at."""

    wanted: Mapping[int, Wanted]
    accepted: Mapping[int, str]
    """The id each wanted task was accepted with."""
    ids: Mapping[int, set[str]]
    wrong_answers: Sequence[str]
    tasks: Mapping[str, Row]
    """By id: type, status, output, attempt_count, error_code, holds_slot, lane."""
    attempts: Mapping[str, Sequence[Row]]
    """By task id, in the order of their numbers: number, worker_id, outcome, error_code, finished (Unix seconds)."""
    lines: Mapping[tuple[str, str], int]
    """Number of log lines by task id and event."""
    totals: Mapping[tuple[str, str], int]
    """The running totals by type and status."""
    pids: Mapping[str, int]
    """The process of each worker incarnation."""
    runs: Sequence[Entry]
    performances: Sequence[Performance]
    strikes: Sequence[Strike]
    peak_places: Mapping[str, int] = field(default_factory=dict)
    silent_deaths: Sequence[str] = ()
    """Nodes that ended although nobody killed them."""


TASKS = """SELECT id, type, status, lane, concurrency_key, output_data, attempt_count, error_code, error_message,
    holds_slot FROM tasks"""
ATTEMPTS = """SELECT task_id, number, worker_id, outcome, error_code,
    UNIX_TIMESTAMP(CONVERT_TZ(finished_at, '+00:00', @@session.time_zone)) AS finished FROM attempts"""
LINES = """SELECT task_id, event, COUNT(*) AS number FROM task_logs
    WHERE event IN ('task.accepted', 'task.completed', 'task.failed') GROUP BY task_id, event"""
TOTALS = "SELECT type, status, SUM(number) AS number FROM task_totals GROUP BY type, status"
WORKERS = "SELECT id, name FROM workers"


async def rows_of(truth: Truth) -> dict[str, Any]:
    """The database's part of the evidence, by the names of ``Evidence``'s fields."""
    attempts: defaultdict[str, list[Row]] = defaultdict(list)
    for row in await truth.rows(ATTEMPTS):
        attempts[row.task_id].append(dict(row._mapping))
    for rows in attempts.values():
        rows.sort(key=lambda row: int(row["number"]))
    return {
        "tasks": {row.id: _task(row._mapping) for row in await truth.rows(TASKS)},
        "attempts": attempts,
        "lines": {(row.task_id, row.event): row.number for row in await truth.rows(LINES)},
        "totals": {(row.type, row.status): int(row.number) for row in await truth.rows(TOTALS)},
        "pids": {row.id: int(row.name.split("-")[1]) for row in await truth.rows(WORKERS)},
    }


def _task(row: Any) -> Row:
    output = row["output_data"]
    return {**row, "output": None if output is None else json.loads(output)}


def read_performances(file: Path, strikes: Iterable[Strike]) -> list[Performance]:
    """What the runner ``tick`` wrote down. One that never came to its end lasted until its process was killed."""
    deaths = {strike.pid: strike.over for strike in strikes if strike.kind.endswith(".kill")}
    found: dict[tuple[str, int], Performance] = {}
    for line in file.read_text().splitlines():
        fact = json.loads(line)
        key = fact["task"], fact["attempt"]
        if fact["fact"] == "began":
            found[key] = Performance(fact["task"], fact["attempt"], fact["pid"], fact["at"])
        else:
            found[key].ended, found[key].how = fact["at"], fact["fact"]
    for performance in found.values():
        if performance.ended is None:
            performance.ended = deaths.get(performance.pid)
    return list(found.values())


def outcomes(attempts: Mapping[str, Sequence[Row]]) -> Counter[str]:
    """Number of attempts by outcome."""
    return Counter(str(row["outcome"]) for rows in attempts.values() for row in rows)
