"""What the streams rows say."""

from __future__ import annotations

from bench.figures import gaps, percentile
from bench.report.table import Table
from bench.results import Result, Row


def tables(result: Result) -> list[Table]:
    """Lateness, memory, CPU and beats for each number of calls."""
    columns = ["calls in flight", "late: p50", "p99", "worst", "memory per call", "worker's CPU", "longest beat gap"]
    return [Table("Ten-second Dify streams in one worker", columns, [_line(row) for row in result.rows])]


def _line(row: Row) -> list[str]:
    late = row["lateness"]
    memory = (row["memory_peak"] - row["memory_idle"]) / row["calls"] / 1000
    core = row["cpu"]["worker"] / row["wall"]
    beats = gaps(row["leases"])
    return [
        f"{row['in_flight_peak']:,}",
        *(f"{percentile(late, share):.2f} s" for share in (0.5, 0.99, 1.0)),
        f"{memory:.1f} kB",
        f"{core:.0%} of a core",
        f"{max(beats):.2f} s" if beats else "",
    ]
