"""What the submitting rows say."""

from __future__ import annotations

import statistics

from bench.figures import Spread
from bench.report.table import Table
from bench.results import Result

LABELS = {"single": "`POST /tasks`", "batch": "`POST /tasks/batch`"}


def tables(result: Result) -> list[Table]:
    """Submits per second, and what they cost."""
    lines = []
    for kind, label in LABELS.items():
        rows = [row for row in result.rows if row["kind"] == kind]
        rate = Spread.of(row["tasks"] / row["seconds"] for row in rows)
        cost = [statistics.median(row["cpu"][name] / row["tasks"] * 1000 for row in rows) for name in PROCESSES]
        lines.append([label, str(rows[0]["connections"]), rate.show(), *(f"{ms:.2f}" for ms in cost)])
    columns = ["", "connections", "submits/s", "CPU ms: client", "service", "database"]
    return [Table("Submits: median (least – greatest)", columns, lines)]


PROCESSES = ("client", "api", "mariadb")
