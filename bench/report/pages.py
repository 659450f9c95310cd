"""What the rows of pages say."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import percentile
from bench.report.table import Table
from bench.results import Result, Row


def tables(result: Result) -> list[Table]:
    """Milliseconds of each page's data."""
    pages = [row for row in result.rows if row["kind"] == "page"]
    (tally,) = [row for row in result.rows if row["kind"] == "tally"]
    title = (
        f"What pages wait for, in milliseconds, with {tally['tasks']:,} tasks and {tally['lines']:,} log lines on "
        f"MariaDB; summing all of it up for the first time took the leader {tally['seconds']:.0f} s"
    )
    return [Table(title, ["page", "p50", "p95", "worst"], _lines(pages))]


def _lines(pages: Sequence[Row]) -> list[list[str]]:
    shares = (0.5, 0.95, 1.0)
    return [[row["what"], *(f"{percentile(row['seconds'], share) * 1000:.0f}" for share in shares)] for row in pages]
