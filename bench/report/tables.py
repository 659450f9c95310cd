"""A table of each section, made from its raw numbers; drawn in the terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.table import Table as RichTable

from bench.report import events, latency, limits, operations, pages, recovery, streams, submitting, throughput
from bench.report.table import Table
from bench.results import Result

TABLES: Mapping[str, Callable[[Result], Sequence[Table]]] = {
    "throughput": throughput.tables,
    "submitting": submitting.tables,
    "latency": latency.tables,
    "streams": streams.tables,
    "recovery": recovery.tables,
    "limits": limits.tables,
    "events": events.tables,
    "operations": operations.tables,
    "pages": pages.tables,
}


def show(result: Result) -> None:
    """Draw a section's tables in the terminal."""
    console = Console(highlight=False)
    for table in TABLES[result.section](result):
        drawn = RichTable(title=table.title, title_style="bold", title_justify="left")
        for number, column in enumerate(table.columns):
            drawn.add_column(column, justify="right" if number else "left")
        for row in table.rows:
            drawn.add_row(*row)
        console.print(drawn)
