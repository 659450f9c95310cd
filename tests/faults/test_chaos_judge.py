"""The judge itself: it finds each kind of harm in evidence that was tampered with, and nothing in clean evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from faults.chaos.evidence import Evidence, Performance
from faults.chaos.judge import at_work, verdict
from faults.chaos.plan import Wanted
from faults.chaos.strikes import Strike
from tradefree.testing.dify_standin import Entry

A, B = "0190-a", "0190-b"
"""A task at Dify and one of ours."""


def a_task(task_id: str, kind: str, number: int, attempts: int, **more: Any) -> dict[str, Any]:
    same = {"status": "completed", "lane": f"{kind}/", "concurrency_key": None, "holds_slot": None}
    output = {"n": number}
    ended = {"error_code": None, "error_message": None, "attempt_count": attempts, "output": output}
    return {"id": task_id, "type": kind, **same, **ended, **more}


def an_attempt(number: int, outcome: str, worker: str = "w1") -> dict[str, Any]:
    return {"number": number, "worker_id": worker, "outcome": outcome, "error_code": None, "finished": 0.0}


def a_run(attempt: int, start: float, end: float, outcome: str = "succeeded", **more: Any) -> Entry:
    facts: dict[str, Any] = {"app": "agent", "accepted_mono": start, "started_mono": start, "ended_mono": end, **more}
    name = f"run-{attempt}-{start}"
    return Entry(
        run_id=name,
        task_id=name,
        user=f"tf-{A}-{attempt}",
        mode="streaming",
        inputs_digest="",
        outcome=outcome,
        **facts,
    )


def clean() -> Evidence:
    """What is left of a storm in which a run was found again, and a worker of ours died at work."""
    return Evidence(
        wanted={1: Wanted(1, "agent", 1.0), 2: Wanted(2, "tick-capped", 1.0, "customer-1")},
        accepted={1: A, 2: B},
        ids={1: {A}, 2: {B}},
        wrong_answers=[],
        tasks={
            A: a_task(A, "agent", 1, 2),
            B: a_task(B, "tick-capped", 2, 2, concurrency_key="customer-1"),
        },
        attempts={
            A: [an_attempt(1, "lost"), an_attempt(2, "completed", "w2")],
            B: [an_attempt(1, "lost"), an_attempt(2, "completed", "w2")],
        },
        lines={(id_, f"task.{event}"): 1 for id_ in (A, B) for event in ("accepted", "completed")},
        totals={("agent", "completed"): 1, ("tick-capped", "completed"): 1},
        pids={"w1": 11, "w2": 12},
        runs=[a_run(1, 10.0, 11.0)],
        performances=[Performance(B, 1, 11, 10.0, 20.0), Performance(B, 2, 12, 40.0, 41.0, "ended")],
        strikes=[Strike("worker.kill", "worker-1", 1.0, at=20.0, over=20.0, pid=11)],
        peak_places={"tick-capped": 5, "tick-capped/abc": 1, "agent": 30},
    )


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert verdict(clean()) == []


def lost_row(evidence: Evidence) -> None:
    evidence.tasks = {A: evidence.tasks[A]}


def second_row(evidence: Evidence) -> None:
    evidence.tasks = {**evidence.tasks, "0190-c": a_task("0190-c", "agent", 1, 0)}


def two_ids(evidence: Evidence) -> None:
    evidence.ids = {**evidence.ids, 1: {A, "0190-c"}}


def never_ended(evidence: Evidence) -> None:
    evidence.tasks = {**evidence.tasks, A: a_task(A, "agent", 1, 2, status="processing", holds_slot=1)}


def foreign_result(evidence: Evidence) -> None:
    evidence.tasks = {**evidence.tasks, A: a_task(A, "agent", 2, 2)}


def failed_for_nothing(evidence: Evidence) -> None:
    evidence.tasks = {**evidence.tasks, B: a_task(B, "tick-capped", 2, 2, status="failed", error_code="poison")}


def completed_twice(evidence: Evidence) -> None:
    evidence.attempts = {**evidence.attempts, A: [an_attempt(1, "completed"), an_attempt(2, "completed")]}


def said_twice(evidence: Evidence) -> None:
    evidence.lines = {**evidence.lines, (A, "task.completed"): 2}


def attempt_without_row(evidence: Evidence) -> None:
    evidence.attempts = {**evidence.attempts, A: [an_attempt(2, "completed")]}


def wrong_total(evidence: Evidence) -> None:
    evidence.totals = {**evidence.totals, ("agent", "completed"): 2}


def two_runs_at_once(evidence: Evidence) -> None:
    evidence.runs = [a_run(1, 10.0, 12.0, "failed"), a_run(2, 11.0, 13.0)]


def paid_twice(evidence: Evidence) -> None:
    evidence.runs = [a_run(1, 10.0, 11.0), a_run(2, 30.0, 31.0)]


def started_again_after_a_death(evidence: Evidence) -> None:
    evidence.runs = [a_run(1, 10.0, 11.0, "failed"), a_run(2, 30.0, 31.0)]


def completed_without_a_run(evidence: Evidence) -> None:
    evidence.runs = []


def together_at_work(evidence: Evidence) -> None:
    evidence.performances = [Performance(B, 1, 11, 10.0, 20.0), Performance(B, 2, 12, 19.5, 41.0)]


def no_end(evidence: Evidence) -> None:
    evidence.performances = [Performance(B, 1, 99, 10.0)]


def cap_broken_at_dify(evidence: Evidence) -> None:
    evidence.runs = [*evidence.runs, *(a_run(n, 10.0, 11.0, app="agent-capped") for n in range(9))]


def key_cap_broken_at_dify(evidence: Evidence) -> None:
    key = {"customer_id": "customer-1"}
    evidence.runs = [*evidence.runs, *(a_run(n, 10.0, 11.0, app="agent-keyed", groups=key) for n in range(3))]


def key_cap_broken_at_ours(evidence: Evidence) -> None:
    evidence.tasks = {**evidence.tasks, "0190-c": a_task("0190-c", "tick-capped", 3, 1, concurrency_key="customer-1")}
    evidence.performances = [*evidence.performances, Performance("0190-c", 1, 12, 40.5, 41.0)]


def too_many_places(evidence: Evidence) -> None:
    evidence.peak_places = {"tick-capped": 6}


def wrong_answer(evidence: Evidence) -> None:
    evidence.wrong_answers = ["500: sorry"]


def died_by_itself(evidence: Evidence) -> None:
    evidence.silent_deaths = ["worker-2 (exit code 1)"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lost_row, "was accepted and has no row"),
        (second_row, "has a row and nobody was told"),
        (two_ids, "was accepted under 2 ids"),
        (never_ended, "still holds its place"),
        (foreign_result, "has the result of task 2 instead of 1"),
        (failed_for_nothing, "(tick-capped) is failed: poison"),
        (completed_twice, "has 2 completed attempts"),
        (said_twice, "its log says 2 times that it was completed"),
        (attempt_without_row, "had 2 attempts, and rows for [2]"),
        (wrong_total, "the running total says 2"),
        (two_runs_at_once, "two runs at once"),
        (paid_twice, "unexplained start"),
        (started_again_after_a_death, "unexplained start"),
        (completed_without_a_run, "0 of its runs succeeded"),
        (together_at_work, "were at work together for 0.50 s"),
        (no_end, "has no end"),
        (cap_broken_at_dify, "9 runs of agent-capped at once"),
        (key_cap_broken_at_dify, "3 runs of agent-keyed for customer-1 at once"),
        (key_cap_broken_at_ours, "2 of tick-capped at work at once for customer-1"),
        (too_many_places, "6 places in use for tick-capped"),
        (wrong_answer, "500: sorry"),
        (died_by_itself, "ended although nobody killed it"),
    ],
)
def test_harm_is_found(harm: Callable[[Evidence], None], words: str) -> None:
    evidence = clean()
    harm(evidence)
    assert any(words in finding for finding in verdict(evidence)), verdict(evidence)


def test_a_run_may_be_started_again_after_a_failure_that_somebody_saw() -> None:
    evidence = clean()
    evidence.attempts = {**evidence.attempts, A: [an_attempt(1, "failed"), an_attempt(2, "completed")]}
    evidence.runs = [a_run(1, 10.0, 11.0, "failed"), a_run(2, 30.0, 31.0)]
    assert verdict(evidence) == []


def test_a_task_may_be_given_up_whose_workers_we_killed() -> None:
    evidence = clean()
    evidence.tasks = {**evidence.tasks, B: a_task(B, "tick-capped", 2, 3, status="failed", error_code="poison")}
    evidence.attempts = {**evidence.attempts, B: [an_attempt(n, "lost") for n in (1, 2, 3)]}
    evidence.lines = {**evidence.lines, (B, "task.completed"): 0, (B, "task.failed"): 1}
    evidence.totals = {("agent", "completed"): 1, ("tick-capped", "failed"): 1}
    assert verdict(evidence) == []


def test_a_frozen_process_is_not_at_work() -> None:
    performance = Performance(B, 1, 11, began=10.0, ended=40.5, how="dropped")
    freeze = Strike("worker.freeze", "worker-1", 20.0, at=20.0, over=40.0, pid=11)
    assert at_work(performance, [freeze]) == [(10.0, 20.0)]
    other = replace(performance, pid=12)
    assert at_work(other, [freeze]) == [(10.0, 40.5)]


def test_who_goes_on_after_it_was_thawed_is_at_work_again() -> None:
    performance = Performance(B, 1, 11, began=10.0, ended=45.0, how="ended")
    freeze = Strike("worker.freeze", "worker-1", 20.0, at=20.0, over=40.0, pid=11)
    assert at_work(performance, [freeze]) == [(10.0, 20.0), (40.0, 45.0)]
