"""What the rows about operations say."""

from __future__ import annotations

from bench.figures import percentile
from bench.report.table import Table
from bench.results import Result, Row


def tables(result: Result) -> list[Table]:
    """The burst, and what upkeep does to submits."""
    bursts = [row for row in result.rows if row["kind"] == "burst"]
    upkeep = [row for row in result.rows if row["kind"] == "upkeep"]
    return [
        Table(
            "Waits of tasks in and after a burst, in seconds from acceptance to start",
            ["processes", "at most", "p50", "p99", "longest", "× of one process, p50", "p99", "run twice"],
            [_burst(row, bursts[0]) for row in bursts],
        ),
        Table(
            "Submits beside upkeep, in ms",
            ["beside", "takes", "rows/s", "p50", "p99", "× beside nothing, p50", "p99"],
            [_upkeep(row, _nothing(upkeep)) for row in upkeep if row["what"] != "nothing else"],
        ),
    ]


def _burst(row: Row, first: Row) -> list[str]:
    waits, before = (_late(_from_the_burst(each)) for each in (row, first))
    longest = max(_from_the_burst(row))
    most = max((count for _, count in row["steps"]), default=1)
    ratios = [f"{mine / theirs:.2f}" for mine, theirs in zip(waits, before, strict=True)]
    return [
        f"`{row['processes']}`",
        f"{most}",
        *(f"{w:.1f}" for w in waits),
        f"{longest:.1f}",
        *ratios,
        f"{row['repeated']}",
    ]


def _from_the_burst(row: Row) -> list[float]:
    return [wait for at, wait in row["waits"] if at >= row["begins"]]


def _nothing(rows: list[Row]) -> list[float]:
    return [latency for row in rows if row["what"] == "nothing else" for latency in row["latencies"]]


def _upkeep(row: Row, nothing: list[float]) -> list[str]:
    late, before = _late(row["latencies"]), _late(nothing)
    rows = (row["deleted"] if "deleted" in row else row["tasks"]) * ROWS_EACH / row["seconds"]
    takes = "goes on" if "deleted" in row else f"{row['seconds']:.0f} s"
    ratios = [f"{mine / theirs:.2f}" for mine, theirs in zip(late, before, strict=True)]
    return [row["what"], takes, f"{rows:,.0f}", *(f"{seconds * 1000:.1f}" for seconds in late), *ratios]


ROWS_EACH = 5
"""Rows that a task of this section has: itself, an attempt, three lines of log."""


def _late(values: list[float]) -> tuple[float, float]:
    return percentile(values, 0.5), percentile(values, 0.99)
