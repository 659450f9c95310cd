"""What the rows about limits say."""

from __future__ import annotations

from bench.figures import Spread, percentile, ratios
from bench.report.table import Table
from bench.results import Result, Row


def tables(result: Result) -> list[Table]:
    """Admission, throughput, starts, lone tasks, the ceiling."""
    kinds: dict[str, list[Row]] = {}
    for row in result.rows:
        kinds.setdefault(row["kind"], []).append(row)
    return [
        Table(
            "Rounds that admit 200 tasks, by what waits",
            ["waiting", "lanes", "ms per round: p50", "p99", "µs per admitted task", "ms to look at all lanes"],
            [_admission(row) for row in kinds.get("admission", ())],
        ),
        Table(
            "Batches end to end, with and without two more limits",
            ["limits", "tasks/s", "× without"],
            _throughput(kinds.get("throughput", [])),
        ),
        Table(
            "From acceptance to start, single tasks at ten a second",
            ["limits", "p50", "p99"],
            [_starts(row) for row in kinds.get("starts", ())],
        ),
        Table(
            "A lone task among a crowd of its type that has all places",
            ["crowd", "places", "each takes", "started after: p50", "p99"],
            [_lone(row) for row in kinds.get("lone", ())],
        ),
        Table(
            "A ceiling that is learnt, calls of one second",
            ["the upstream takes", "ends/s in the last 10 s", "of the best", "refused, of all calls"],
            [_ceiling(row) for row in kinds.get("ceiling", ())],
        ),
    ]


def _admission(row: Row) -> list[str]:
    each = sum(row["seconds"]) / sum(row["admitted"]) * 1e6
    rounds = [f"{percentile(row['seconds'], share) * 1000:.1f}" for share in (0.5, 0.99)]
    return [f"{row['waiting']:,}", f"{row['lanes']:,}", *rounds, f"{each:.0f}", f"{row['heard'] * 1000:.0f}"]


def _throughput(rows: list[Row]) -> list[list[str]]:
    rates = {(row["round"], row["limited"]): row["tasks"] / row["seconds"] for row in rows}
    without = {number: rate for (number, limited), rate in rates.items() if not limited}
    lines = []
    for limited in (False, True):
        mine = {number: rate for (number, is_limited), rate in rates.items() if is_limited is limited}
        if mine:
            ratio = Spread.of(ratios(mine, without))
            lines.append(
                [
                    "two more" if limited else "none",
                    f"{Spread.of(mine.values()).median:,.0f}",
                    ratio.show(2),
                ]
            )
    return lines


def _starts(row: Row) -> list[str]:
    return ["caps and rates on five levels" if row["limited"] else "none", *_waits(row)]


def _lone(row: Row) -> list[str]:
    return [f"{row['crowd']:,}", f"{row['places']}", f"{row['task_seconds'] * 1000:.0f} ms", *_waits(row)]


def _waits(row: Row) -> list[str]:
    return [f"{percentile(row['waits'], share) * 1000:.0f} ms" for share in (0.5, 0.99)]


def _ceiling(row: Row) -> list[str]:
    rate, calls = row["ended_late"] / 10, row["ended"] + row["refused"]
    return [
        f"{row['capacity']} at once",
        f"{rate:.1f}",
        f"{rate / row['capacity']:.0%}",
        f"{row['refused']} of {calls} ({row['refused'] / calls:.1%})",
    ]
