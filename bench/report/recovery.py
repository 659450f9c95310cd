"""What the recovery rows say."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Spread, longest_gap
from bench.report.table import Table
from bench.results import Result, Row

LABELS = {
    "worker": "a worker, one of two",
    "leader": "the service that leads, one of two",
    "redis": "Redis; empty when it is back",
    "database": "the database",
}


def tables(result: Result) -> list[Table]:
    """Gaps and take-over times for each kind of kill, over all rounds."""
    columns = ["killed", "back after", "longest time without a start", "without an end", "victim's tasks run again"]
    lines = []
    for fault, label in LABELS.items():
        rows = [row for row in result.rows if row["fault"] == fault]
        if rows:
            lines.append([label, _back(fault, rows), _gap(rows, "starts"), _gap(rows, "ends"), _again(rows)])
    return [Table("Recovery in seconds: median (least – greatest)", columns, lines)]


def _back(fault: str, rows: Sequence[Row]) -> str:
    return "stays away" if fault in ("worker", "leader") else Spread.of(row["back"] for row in rows).show(1)


def _gap(rows: Sequence[Row], what: str) -> str:
    """The longest pause around or after the kill; the stream was under way one second before."""
    return Spread.of(longest_gap(row[what], -1.0, row["until"])[0] for row in rows).show(1)


def _again(rows: Sequence[Row]) -> str:
    first = [min(row["again"]) for row in rows if row["again"]]
    return f"after {Spread.of(first).show(1)}" if first else ""
