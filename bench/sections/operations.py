"""Operations: worker processes by demand in a burst, and what backups and retention do to those who submit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.results import Row
from bench.sections.operations_burst import bursts
from bench.sections.operations_upkeep import upkeep
from bench.servers import Servers
from bench.watch import Watch


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    processes: Sequence[str] = ("1", "auto")
    places: int = 10
    """Of one process; each task takes a second."""
    most: int = 8
    """Processes that ``auto`` may grow to."""
    rate: int = 5
    """Tasks per second before and after the burst: half of what one process does."""
    times: int = 10
    """The burst is so many times as much."""
    calm: float = 10.0
    """Seconds before the burst."""
    burst: float = 15.0
    after: float = 30.0
    tasks: int = 250_000
    """That have ended, each with an attempt and three lines of log: over a million rows."""
    submits: int = 20
    """Single submits per second while their latency is measured."""
    look: float = 20.0
    """Seconds of such a measurement where nothing else ends it."""


async def measure(servers: Servers, plan: Plan) -> list[Row]:
    """Rows of two kinds: ``burst``, ``upkeep``."""
    rows: list[Row] = []
    with Watch("operations", len(plan.processes) + 5) as watch:
        async for row, line in bursts(servers, plan):
            rows.append(row)
            watch.step(line)
        async for row, line in upkeep(servers, plan):
            rows.append(row)
            watch.step(line)
    return rows
