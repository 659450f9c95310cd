"""What the latency rows say."""

from __future__ import annotations

from dataclasses import dataclass

from bench.figures import Spread, percentile
from bench.report.table import Table
from bench.results import Result

LABELS = {
    "tradefree-wait": "Tradefree, `Prefer: wait`",
    "tradefree-stream": "Tradefree, event stream",
    "tradefree-poll": "Tradefree, polling each 100 ms",
    "celery-get": "Celery, `delay().get()`",
}

PHASES = (
    "request sent … row made",
    "row made … admitted to a worker (commit, wake-up, round)",
    "admitted … claimed (commit, ring, claim)",
    "claimed … run ended (commit, run)",
    "run ended … answer received (commit, signal, read)",
)


@dataclass(frozen=True)
class Figure:
    """One way to get a result: milliseconds over all rounds, and by round."""

    way: str
    p50: float
    p99: float
    p50_by_round: Spread


def figures(result: Result) -> list[Figure]:
    """One for each way, in the order of the table."""
    found = []
    for way in LABELS:
        rounds = [[seconds * 1000 for seconds in row["seconds"]] for row in result.rows if row["way"] == way]
        if rounds:
            every = [value for values in rounds for value in values]
            spread = Spread.of(percentile(values, 0.5) for values in rounds)
            found.append(Figure(way, percentile(every, 0.5), percentile(every, 0.99), spread))
    return found


def tables(result: Result) -> list[Table]:
    """Milliseconds from submit to result."""
    lines = [
        [LABELS[figure.way], f"{figure.p50:.1f}", f"{figure.p99:.1f}", figure.p50_by_round.show(1)]
        for figure in figures(result)
    ]
    whole = Table("Latency in ms at ten tasks per second", ["way", "p50", "p99", "p50 by round"], lines)
    return [whole, *_phases(result)]


def _phases(result: Result) -> list[Table]:
    """Where the time goes, of those tasks whose answer told."""
    parts = [parts for row in result.rows for parts in row.get("phases", ())]
    if not parts:
        return []
    lines = [
        [name, *(f"{percentile([seconds * 1000 for seconds in column], share):.1f}" for share in (0.5, 0.99))]
        for name, column in zip(PHASES, zip(*parts, strict=True), strict=True)
    ]
    return [Table("Where it goes with `Prefer: wait`, in ms", ["from … to …", "p50", "p99"], lines)]
