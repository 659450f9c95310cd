"""What the rows of events say."""

from __future__ import annotations

import statistics

from bench.figures import Spread
from bench.report.submitting import PROCESSES
from bench.report.table import Table
from bench.results import Result

LABELS = {"single": "one by one", "batch": "in batches"}


def tables(result: Result) -> list[Table]:
    """Events per second with the tasks they make, and what it costs to try rules."""
    return [*_taken(result), *_rules(result)]


def _taken(result: Result) -> list[Table]:
    lines = []
    for rules in sorted({row["rules"] for row in result.rows if row["kind"] in LABELS}):
        for kind, label in LABELS.items():
            rows = [row for row in result.rows if (row["kind"], row["rules"]) == (kind, rules)]
            rate = Spread.of(row["events"] / row["seconds"] for row in rows)
            cost = [statistics.median(row["cpu"][name] / row["events"] * 1000 for row in rows) for name in PROCESSES]
            name = f"{label}, {rules:,} rule{'s' if rules > 1 else ''}"
            lines.append([name, str(rows[0]["connections"]), rate.show(), *(f"{ms:.2f}" for ms in cost)])
    columns = ["", "connections", "events/s", "CPU ms: client", "service", "database"]
    return [Table("Events, each of which makes a task: median (least – greatest)", columns, lines)] if lines else []


def _rules(result: Result) -> list[Table]:
    lines = []
    found = [row for row in result.rows if row["kind"] == "rules"]
    for looking, size in sorted({(row["looking"], row["size"]) for row in found}):
        rows = [row for row in found if (row["looking"], row["size"]) == (looking, size)]
        spread = Spread.of(row["seconds"] * 1000 for row in rows)
        each = spread.median * 1000 / looking
        lines.append(
            [
                f"{looking:,} of {rows[0]['rules']:,} look at its type",
                f"{size:,}",
                f"{spread.median:.2f}",
                f"{each:.1f}",
            ]
        )
    columns = ["rules", "bytes of data", "ms for all", "µs for each that looks"]
    return [Table("Trying a thousand rules, each with two conditions, on one event", columns, lines)] if lines else []
