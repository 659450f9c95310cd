"""A small scene for the distributed demo's judge: three tasks, of which one lost its worker in the middle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from demo_distributed.facts import AttemptRow, Facts, TaskRow
from demo_distributed.timeline import Strike
from demo_distributed.work import LISTINGS, NOTES, ORDERS, Work
from tradefree.testing.dify_standin import Entry

BEGAN = datetime(2026, 3, 1, 8, tzinfo=UTC)
WORK = Work([{"type": ORDERS, "concurrency_key": "C-1"}], {ORDERS: 2, LISTINGS: 1, NOTES: 2})
ACCEPTED = {0: "order", 1: "listing", 2: "note"}


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def a_task(id_: str, type_: str, **but: Any) -> TaskRow:
    """Completed, with its own result."""
    data = {"number": id_}
    task = TaskRow(id_, type_, "completed", data, data, None, at(0), at(1), at(1), at(3))
    return replace(task, **but)


def an_attempt(task: str, number: int, start: float, end: float, outcome: str, worker: str = "w1") -> AttemptRow:
    return AttemptRow(task, number, worker, at(start), at(end), outcome)


def a_run(task: str, start: float, end: float, *, attempt: int = 1, app: str = ORDERS, **but: Any) -> Entry:
    """A run at Dify that succeeded."""
    run = Entry(f"run-{task}-{attempt}-{start:g}", "t", app, f"tf-{task}-{attempt}", "streaming", "digest")
    run.groups = {"customer_id": "C-1"} if app == ORDERS else {}
    run.accepted_mono = run.started_mono = start
    run.ended_mono, run.outcome = end, "succeeded"
    return replace(run, **but)


def a_strike(kind: str = "worker", **but: Any) -> Strike:
    strike = Strike("worker-1", kind, at(2), "the busiest", incarnation="w1", back_after=1.5)
    return replace(strike, **but)


def the_facts() -> Facts:
    """The order's worker died after 2 s; another took its run up after 22 s and found it done."""
    tasks = [a_task("order", ORDERS), a_task("listing", LISTINGS), a_task("note", NOTES)]
    attempts = {
        "order": [an_attempt("order", 1, 1, 22, "lost"), an_attempt("order", 2, 22.5, 23, "completed", "w2")],
        "listing": [an_attempt("listing", 1, 1, 3, "completed")],
        "note": [an_attempt("note", 1, 1.5, 3, "completed")],
    }
    runs = [a_run("order", 1, 3), a_run("listing", 1, 3, app=LISTINGS)]
    return Facts({task.id: task for task in tasks}, attempts, runs)
