"""What the throughput rows say: rates, and ratios to the better of two ways to run Celery in the same round."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.figures import Spread, ratios
from bench.report.table import Table
from bench.results import Result, Row

LABELS: Mapping[str, str] = {
    "tradefree-batch-mariadb": "Tradefree, batches, MariaDB",
    "tradefree-batch-mysql": "Tradefree, batches, MySQL",
    "tradefree-batch-sqlite": "Tradefree, batches, SQLite",
    "tradefree-single-mariadb": "Tradefree, single, MariaDB",
    "tradefree-single-mysql": "Tradefree, single, MySQL",
    "tradefree-single-sqlite": "Tradefree, single, SQLite",
    "celery-prefork": "Celery, prefork",
    "celery-solo": "Celery, solo",
    "dramatiq": "Dramatiq",
    "huey": "Huey",
    "taskiq": "taskiq",
    "arq": "arq",
    "rq": "RQ",
}
"""In the order of the tables."""


@dataclass(frozen=True)
class Figure:
    """A side at one size."""

    side: str
    size: int
    rate: Spread
    """Tasks per second, end to end."""
    ratio: Spread | None
    """To Celery's better way in the same round; None if Celery was not measured."""


def figures(rows: Sequence[Row]) -> list[Figure]:
    """One for each side and size, in the order of the tables."""
    rates: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    for row in rows:
        rates[row["side"], row["size"]][row["round"]] = row["tasks"] / row["seconds"]
    found = []
    for side in LABELS:
        for size in sorted({size for name, size in rates if name == side}):
            ours = rates[side, size]
            against = ratios(ours, _celery(rates, size))
            found.append(Figure(side, size, Spread.of(ours.values()), Spread.of(against) if against else None))
    return found


def _celery(rates: Mapping[tuple[str, int], Mapping[int, float]], size: int) -> dict[int, float]:
    """The better of Celery's ways, by round."""
    better: dict[int, float] = {}
    for (side, its_size), by_round in rates.items():
        if side.startswith("celery") and its_size == size:
            for number, rate in by_round.items():
                better[number] = max(rate, better.get(number, 0.0))
    return better


def tables(result: Result) -> list[Table]:
    """Rates and ratios, and where the CPU time goes."""
    return [_rates(result.rows), _cpu(result.rows)]


def _rates(rows: Sequence[Row]) -> Table:
    found = figures(rows)
    sizes = sorted({figure.size for figure in found})
    columns = [name for size in sizes for name in (f"{size:,} B: tasks/s", "× Celery")]
    lines = []
    for side, label in LABELS.items():
        by_size = {figure.size: figure for figure in found if figure.side == side}
        if by_size:
            cells = [cell for size in sizes for cell in _cells(by_size.get(size))]
            lines.append([label, *cells])
    return Table("Throughput: median (least – greatest)", ["side", *columns], lines)


def _cells(figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return "", ""
    return figure.rate.show(), figure.ratio.show(2) if figure.ratio is not None else ""


def _cpu(rows: Sequence[Row]) -> Table:
    spent: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for process, seconds in row["cpu"].items():
            name = process if process in ("worker", "redis", "client", "api") else "database"
            name = "api" if process == "up" else name
            spent[row["side"], row["size"]][name].append(seconds / row["tasks"] * 1000)
    processes = ("client", "api", "worker", "database", "redis")
    lines = []
    for side, label in LABELS.items():
        for size in sorted({size for name, size in spent if name == side}):
            by_process = {name: statistics.median(values) for name, values in spent[side, size].items()}
            cells = [f"{by_process[name]:.2f}" if name in by_process else "" for name in processes]
            lines.append([label, f"{size:,}", *cells, f"{sum(by_process.values()):.2f}"])
    columns = ["side", "bytes", "client", "service", "worker", "database", "Redis", "all"]
    return Table("CPU milliseconds per task, median", columns, lines)
