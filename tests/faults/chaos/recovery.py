"""How long it took to get over each blow."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from faults.chaos.evidence import Evidence
from faults.chaos.plan import BY_NAME
from faults.chaos.storm import Storm
from faults.chaos.strikes import Strike
from tradefree.testing.dify_standin import runs_by_task

Seconds = dict[str, list[float]]


def recovery_times(storm: Storm) -> Seconds:
    """Seconds by what had to be got over, in the order of the blows.

    ``worker died, tasks moved``: from a worker's death until the last of its tasks was somebody else's to run.
    ``leader gone, next leads``: from the leader's death or freezing until another had the lead.
    ``database down, task ended``: from the database's end until the first task ended after it was back.
    ``database up, task ended``: the same, from when it was back.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    moved = _moved(storm.evidence)
    ends = _ends(storm.evidence)
    for strike in storm.evidence.strikes:
        offset = strike.wall - strike.at
        if strike.kind == "worker.kill" and strike.pid in moved:
            found["worker died, tasks moved"].append(moved[strike.pid] - strike.wall)
        elif strike.kind.startswith("leader"):
            if (seconds := _next_leader(storm, strike)) is not None:
                found["leader gone, next leads"].append(seconds)
        elif strike.kind == "database.kill" and strike.well:
            after = bisect_right(ends, strike.well + offset)
            if after < len(ends):
                found["database down, task ended"].append(ends[after] - strike.wall)
                found["database up, task ended"].append(ends[after] - strike.well - offset)
    return dict(found)


def reattached(evidence: Evidence) -> int:
    """Runs at Dify whose end was told by another attempt than the one that started them."""
    started = runs_by_task(evidence.runs)
    number = 0
    for task_id, task in evidence.tasks.items():
        if task["status"] != "completed" or not BY_NAME[task["type"]].dify:
            continue
        last = next((row["number"] for row in evidence.attempts.get(task_id, ()) if row["outcome"] == "completed"), 0)
        runs = started.get(task_id, [])
        number += bool(runs) and int(runs[-1].user.rpartition("-")[2]) < last
    return number


def _moved(evidence: Evidence) -> dict[int, float]:
    """When (Unix seconds) the last task of a lost worker was moved, by its process id."""
    found: dict[int, float] = {}
    for rows in evidence.attempts.values():
        for row in rows:
            pid = evidence.pids.get(row["worker_id"])
            if row["outcome"] == "lost" and pid is not None:
                found[pid] = max(found.get(pid, 0.0), float(row["finished"]))
    return found


def _ends(evidence: Evidence) -> list[float]:
    return sorted(
        float(row["finished"]) for rows in evidence.attempts.values() for row in rows if row["outcome"] == "completed"
    )


def _next_leader(storm: Storm, strike: Strike) -> float | None:
    former = strike.facts.get("holder")
    changes: Sequence[tuple[float, Any]] = storm.watch.leaders
    return next((at - strike.at for at, who in changes if at > strike.at and who not in (None, former)), None)
