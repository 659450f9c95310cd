"""Every move: what it sets, what it says, and when it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from console.sentences import told as in_chinese
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, HandBack, LetGo, NothingStarted, Outcome, Report
from tradefree.tasks.questions import COMPLETE, FAIL, RERUN, Action, Question, about_unknown
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.states import LIVE, MOVES, ON_WORKER, TERMINAL, Status
from tradefree.tasks.task import AttemptOutcome, LogLine, Task, Usage, lane_of, sort_at
from tradefree.tasks.transitions import (
    POISON_AFTER,
    Change,
    Rules,
    answer,
    cancel,
    cancel_now,
    complete,
    expire,
    fail,
    finish,
    hand_back,
    lose,
    revive,
    unqueue,
)
from tradefree.testing.clock import START

S = Status
NOW = START + timedelta(hours=1)
FIXED = RetryPolicy(max_attempts=3, backoff="fixed", initial=10.0)
RULES = Rules(FIXED, max_deferral=60.0)
RESUMABLE = Rules(FIXED, max_deferral=60.0, resumable=True)
HOLDING = Rules(FIXED, max_deferral=60.0, hold=True)


def a_task(status: Status = S.PROCESSING, **values: Any) -> Task:
    fields: dict[str, Any] = {
        "id": "t1",
        "type": "echo",
        "status": status,
        "created_at": START,
        "updated_at": START,
        "run_at": START,
        "sort_at": START,
        "lane": lane_of("echo", None),
    }
    if status in ON_WORKER:
        fields |= {"worker_id": "w1", "holds_slot": True, "queued_at": START}
    if status is S.PROCESSING:
        fields |= {"attempt_count": 1, "started_at": NOW - timedelta(seconds=5)}
    if status in TERMINAL:
        fields |= {"attempt_count": 1, "finished_at": START}
    return Task(**(fields | values))


def after(change: Change | None) -> Task:
    """The task once the change is written."""
    assert change is not None
    return replace(change.before, **change.values)


def report(outcome: Outcome, **values: Any) -> Report:
    fields: dict[str, Any] = {"task_id": "t1", "attempt": 1, "worker_id": "w1", "outcome": outcome}
    return Report(**(fields | values))


def end(task: Task, outcome: Outcome, rules: Rules = RULES, luck: float = 0.0) -> Change:
    change = finish(task, report(outcome, attempt=task.attempt_count), rules, NOW, luck)
    assert change is not None
    return change


def did_not(**values: Any) -> DidNotWork:
    fields: dict[str, Any] = {"code": "x", "message": "No.", "retryable": True}
    return DidNotWork(**(fields | values))


# ── all moves at once ───────────────────────────────────────────────────────────────────────────────────────────────

OUTCOMES: list[Outcome] = [
    Asked(Question("?", actions=(Action("approve"),))),
    DidNotWork("run_lost", "Gone.", retryable=True, unknown=True),
    Completed({"a": 1}),
    did_not(),
    did_not(retryable=False),
    did_not(unresolved=True),
    did_not(unresolved=True, retryable=False),
    NothingStarted("full"),
    LetGo(),
    LetGo(confirmed=False),
    HandBack(),
]


def every_task() -> Iterator[Task]:
    """A task in every state with every combination of what the moves look at."""
    for status, cancelled, state, crashes, failures, holds in product(
        Status, (None, START), (None, {}, {"run": 1}), (0, 2), (0, 2), (False, True)
    ):
        if status not in ON_WORKER and status not in (S.PENDING, S.SCHEDULED) and holds:
            continue
        if status in TERMINAL and state is not None:
            continue
        values: dict[str, Any] = {"holds_slot": True} if holds else {}
        yield a_task(
            status,
            cancel_requested_at=cancelled,
            runner_state=state,
            crashes=crashes,
            failures=failures,
            deferred_since=START if crashes else None,
            expires_at=START,
            question=Question("?").stored(1) if status is S.AWAITING_INPUT else None,
            answer_by=START if status is S.AWAITING_INPUT else None,
            **values,
        )


def moves(task: Task) -> Iterator[tuple[str, Change | None]]:
    yield "cancel", cancel(task, NOW)
    yield "expire", expire(task, NOW)
    yield "revive", revive(task, NOW)
    yield "answer", answer(task, "approve", {}, NOW)
    for decision in (RERUN, FAIL, COMPLETE):
        asked = replace(task, question=about_unknown("It is gone.").stored(1))
        yield "answer", answer(asked, decision, {}, NOW)
    for rules in (RULES, RESUMABLE, HOLDING):
        for outcome in OUTCOMES:
            yield f"finish {outcome}", finish(task, report(outcome), rules, NOW, 0.5)
        if task.status is S.PROCESSING:
            yield "lose", lose(task, rules, NOW)
            yield "lose", lose(task, rules, NOW, NOW)
            yield "hand_back", hand_back(task, rules, NOW)
    if task.status is S.QUEUED:
        yield "unqueue", unqueue(task, NOW, "why.")


def test_every_change_is_a_drawn_move_and_leaves_a_task_that_makes_sense() -> None:
    made: set[tuple[Status, Status]] = set()
    for task in every_task():
        for name, change in moves(task):
            if change is None:
                continue
            told = f"{name}: {task}"
            new = after(change)
            made.add((task.status, new.status))
            assert new.status in MOVES[task.status] or (new.status is task.status and task.live), told
            assert new.updated_at == NOW, told
            assert new.attempt_count == task.attempt_count, told
            assert change.line.message, told
            assert in_chinese(change.line.event, change.line.data), f"{told}: {change.line}"
            assert (change.line.task_id, change.line.created_at) == (task.id, NOW), told
            if new.status in ON_WORKER:
                assert new.holds_slot, told
                assert new.worker_id, told
            else:
                assert new.worker_id is None, told
            if new.terminal:
                assert not new.holds_slot, told
                assert new.runner_state is None, told
                assert new.finished_at == NOW, told
            else:
                assert new.finished_at is None, told
            if new.holds_slot and new.status in (S.PENDING, S.SCHEDULED):
                assert new.runner_state is not None, (
                    f"{told}: would be started anew beside the run it holds a place for"
                )
            if new.runner_state is not None and new.status in (S.PENDING, S.SCHEDULED) and task.status in ON_WORKER:
                assert new.holds_slot, f"{told}: a run that may go on has lost its place"
            assert (change.attempt is not None) == (name.startswith(("finish", "lose"))), told
    bulk = {(S.SCHEDULED, S.PENDING), (S.PENDING, S.QUEUED), (S.QUEUED, S.PROCESSING)}
    drawn = {(source, to) for source, targets in MOVES.items() for to in targets}
    assert drawn - made - bulk == set(), "drawn, but no function makes it"


def test_every_live_state_can_be_left_and_cancelled() -> None:
    for status in LIVE:
        assert MOVES[status]
        assert cancel(a_task(status), NOW) is not None


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize(
    "move",
    [
        lambda task: complete(task, {}, NOW),
        lambda task: fail(task, "x", "No.", NOW),
        lambda task: cancel_now(task, NOW),
    ],
)
def test_what_has_ended_cannot_be_moved(status: Status, move: Callable[[Task], Change]) -> None:
    with pytest.raises(AssertionError, match="no move from"):
        move(a_task(status))


@pytest.mark.parametrize("status", [S.SCHEDULED, S.PENDING, S.QUEUED])
def test_only_what_is_performed_can_complete(status: Status) -> None:
    with pytest.raises(AssertionError, match="no move from"):
        complete(a_task(status), {}, NOW)


# ── finish ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)
@pytest.mark.parametrize(
    "task",
    [
        a_task(attempt_count=2),
        a_task(attempt_count=0),
        a_task(worker_id="w2"),
        a_task(S.QUEUED, attempt_count=1),
        a_task(S.PENDING, attempt_count=1),
        a_task(S.SCHEDULED, attempt_count=1, worker_id="w1"),
        a_task(S.COMPLETED, worker_id="w1"),
        a_task(S.CANCELLED, worker_id="w1"),
    ],
    ids=lambda task: f"{task.status}-{task.attempt_count}-{task.worker_id}",
)
def test_a_worker_that_no_longer_has_the_task_changes_nothing(task: Task, outcome: Outcome) -> None:
    assert finish(task, report(outcome), RULES, NOW, 0.0) is None


def test_complete() -> None:
    task = a_task(error_code="old", error_message="Old.", runner_state={"run": 1})
    change = end(task, Completed({"a": 1}, Usage(total_tokens=7), "Partly."))
    new = after(change)
    assert (new.status, new.output_data, new.error_code, new.error_message) == (S.COMPLETED, {"a": 1}, None, None)
    assert change.line.message == "Completed after 5.00 s. Partly."
    assert change.attempt is not None
    assert change.attempt.outcome is AttemptOutcome.COMPLETED
    assert change.attempt.usage.total_tokens == 7
    assert change.attempt.runner_state == {"run": 1}
    assert (change.attempt.number, change.attempt.worker_id) == (1, "w1")
    assert (change.attempt.started_at, change.attempt.finished_at) == (task.started_at, NOW)


def test_a_result_that_arrived_beats_a_cancel() -> None:
    assert end(a_task(cancel_requested_at=START), Completed({})).status is S.COMPLETED


def test_the_attempts_own_lines_come_with_the_change() -> None:
    lines = (LogLine("t1", NOW, "info", "step"),)
    change = finish(a_task(), report(Completed({}), lines=lines), RULES, NOW, 0.0)
    assert change is not None
    assert change.lines == lines


def test_a_failure_is_tried_again_later() -> None:
    change = end(a_task(priority=3), did_not(code="c", message="Broken."))
    new = after(change)
    assert (new.status, new.failures, new.error_code, new.error_message) == (S.SCHEDULED, 1, "c", "Broken.")
    assert new.run_at == NOW + timedelta(seconds=5)
    assert new.sort_at == sort_at(new.run_at, 3)
    assert not new.holds_slot
    assert change.line.message == "Attempt 1 failed: Broken. Next attempt in 5.0 s (1 of 3 used)."
    assert change.attempt is not None
    assert (change.attempt.outcome, change.attempt.error_code) == (AttemptOutcome.FAILED, "c")


def test_the_budget_of_attempts() -> None:
    assert end(a_task(failures=1), did_not()).status is S.SCHEDULED
    last = after(end(a_task(failures=2), did_not(code="c", message="Broken.")))
    assert (last.status, last.failures, last.error_code, last.error_message) == (S.FAILED, 3, "c", "Broken.")


def test_a_tasks_own_budget_goes_before_the_types() -> None:
    assert end(a_task(max_attempts=1), did_not()).status is S.FAILED
    assert end(a_task(max_attempts=9, failures=7), did_not()).status is S.SCHEDULED
    assert end(a_task(max_attempts=9, failures=8), did_not()).status is S.FAILED


def test_crashes_and_deferrals_are_not_counted_as_failures() -> None:
    assert end(a_task(crashes=2, deferrals=50, attempt_count=60), did_not()).status is S.SCHEDULED


def test_what_is_not_worth_a_retry_fails_at_once() -> None:
    new = after(end(a_task(), did_not(retryable=False)))
    assert (new.status, new.failures) == (S.FAILED, 1)


def test_a_wait_the_upstream_asked_for_is_honoured() -> None:
    assert after(end(a_task(), did_not(retry_after=123.0))).run_at == NOW + timedelta(seconds=123)
    assert after(end(a_task(), did_not(retry_after=1.0))).run_at == NOW + timedelta(seconds=5)


@pytest.mark.parametrize("wait", [1e300, float("inf"), float("nan"), -5.0])
def test_an_absurd_wait_does_no_harm(wait: float) -> None:
    for outcome in (did_not(retry_after=wait), NothingStarted("full", wait)):
        assert NOW < after(end(a_task(), outcome)).run_at <= NOW + timedelta(days=366)


def test_a_failure_of_a_task_that_should_be_cancelled_is_its_end() -> None:
    change = end(a_task(cancel_requested_at=START), did_not(message="Broken."))
    assert change.status is S.CANCELLED
    assert "Broken." in change.line.message
    assert end(a_task(cancel_requested_at=START), did_not(retryable=False)).status is S.FAILED


def test_a_run_that_may_go_on_keeps_its_place_until_the_retry() -> None:
    new = after(end(a_task(runner_state={"run": 1}), did_not(unresolved=True), RESUMABLE))
    assert (new.status, new.holds_slot, new.runner_state) == (S.SCHEDULED, True, {"run": 1})


def test_a_run_that_may_go_on_and_was_never_named_is_looked_for() -> None:
    new = after(end(a_task(attempt_count=4), did_not(unresolved=True), RESUMABLE))
    assert (new.holds_slot, new.runner_state) == (True, {"attempt": 4})


def test_a_run_that_cannot_outlive_its_worker_keeps_nothing() -> None:
    new = after(end(a_task(runner_state={"run": 1}), did_not(unresolved=True), RULES))
    assert (new.holds_slot, new.runner_state) == (False, None)


def test_a_run_that_has_ended_gives_its_place_back() -> None:
    new = after(end(a_task(runner_state={"run": 1}), did_not(), RESUMABLE))
    assert (new.holds_slot, new.runner_state) == (False, None)


def test_a_cancel_waits_for_a_run_that_may_go_on() -> None:
    new = after(end(a_task(cancel_requested_at=START), did_not(unresolved=True), RESUMABLE))
    assert (new.status, new.holds_slot, new.cancel_requested_at) == (S.SCHEDULED, True, START)


# ── deferrals ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deferral_is_not_an_attempt_that_counts() -> None:
    change = end(a_task(runner_state={}), NothingStarted("Too many requests."))
    new = after(change)
    assert (new.status, new.failures, new.deferrals, new.deferred_since) == (S.SCHEDULED, 0, 1, NOW)
    assert (new.holds_slot, new.runner_state) == (False, None)
    assert new.run_at == NOW + timedelta(seconds=0.5)
    assert change.attempt is not None
    assert change.attempt.outcome is AttemptOutcome.DEFERRED
    assert "Too many requests." in change.line.message


def test_deferrals_wait_longer_and_longer_and_at_most_a_minute() -> None:
    waits = [
        (after(end(a_task(deferrals=n), NothingStarted("full"), luck=0.999)).run_at - NOW).total_seconds()
        for n in range(12)
    ]
    assert waits == sorted(waits)
    assert waits[0] < 1
    assert 59 < waits[-1] <= 60


def test_deferrals_are_bounded_by_time() -> None:
    almost = a_task(deferred_since=NOW - timedelta(seconds=59.9), deferrals=7)
    assert after(end(almost, NothingStarted("full"))).deferred_since == almost.deferred_since
    new = after(end(a_task(deferred_since=NOW - timedelta(seconds=60)), NothingStarted("full")))
    assert (new.status, new.error_code) == (S.FAILED, "upstream_busy")


@pytest.mark.parametrize(
    "had_room",
    [
        lambda task: end(task, did_not()),
        lambda task: end(task, did_not(unresolved=True), RESUMABLE),
        lambda task: lose(task, RULES, NOW),
        lambda task: lose(task, RESUMABLE, NOW),
    ],
)
def test_patience_with_a_busy_upstream_begins_anew_once_it_had_room(had_room: Callable[[Task], Change]) -> None:
    """Busy, then a long run that failed, then busy again: that is not "no room for a day"."""
    new = after(had_room(a_task(deferred_since=START, deferrals=5)))
    assert (new.deferred_since, new.deferrals) == (None, 0)


def test_a_deferred_task_that_should_be_cancelled_is() -> None:
    assert end(a_task(cancel_requested_at=START), NothingStarted("full")).status is S.CANCELLED


# ── letting go ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_letting_go() -> None:
    change = end(a_task(cancel_requested_at=START), LetGo(usage=Usage(total_tokens=3)))
    new = after(change)
    assert (new.status, new.cancel_requested_at, new.error_code) == (S.CANCELLED, START, None)
    assert change.attempt is not None
    assert change.attempt.outcome is AttemptOutcome.CANCELLED
    assert change.attempt.usage.total_tokens == 3


def test_letting_go_of_a_run_that_nobody_saw_stop_is_said() -> None:
    change = end(a_task(cancel_requested_at=START), LetGo(confirmed=False, note="Nobody saw it stop."))
    assert after(change).error_code == "cancel_unconfirmed"
    assert "Nobody saw it stop." in change.line.message


# ── handing back ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hand_back_counts_nothing() -> None:
    task = a_task(failures=1, crashes=1, deferrals=1, attempt_count=4)
    change = finish(task, report(HandBack(), attempt=4), RULES, NOW, 0.0)
    new = after(change)
    assert (new.status, new.failures, new.crashes, new.deferrals) == (S.PENDING, 1, 1, 1)
    assert (new.attempt_count, new.holds_slot, new.runner_state) == (4, False, None)
    assert change is not None
    assert change.attempt is not None
    assert change.attempt.outcome is AttemptOutcome.HANDED_BACK


@pytest.mark.parametrize(("state", "kept"), [(None, {"attempt": 1}), ({}, {"attempt": 1}), ({"run": 1}, {"run": 1})])
@pytest.mark.parametrize("cancelled", [None, START])
def test_a_run_handed_back_that_may_go_on_is_looked_up_first(
    state: dict[str, Any] | None, kept: dict[str, Any], cancelled: Any
) -> None:
    new = after(end(a_task(runner_state=state, cancel_requested_at=cancelled), HandBack(), RESUMABLE))
    assert (new.status, new.holds_slot, new.runner_state) == (S.PENDING, True, kept)
    assert new.cancel_requested_at == cancelled


def test_handing_back_what_should_be_cancelled_cancels_it() -> None:
    assert end(a_task(cancel_requested_at=START), HandBack()).status is S.CANCELLED


# ── losing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_attempt() -> None:
    change = lose(a_task(runner_state={"run": 1}), RULES, NOW)
    new = after(change)
    assert (new.status, new.crashes, new.holds_slot, new.runner_state) == (S.PENDING, 0, False, None)
    assert change.attempt is not None
    assert (change.attempt.outcome, change.attempt.error_code) == (AttemptOutcome.LOST, "worker_lost")
    assert change.attempt.runner_state == {"run": 1}


@pytest.mark.parametrize("rules", [RULES, RESUMABLE], ids=["plain", "resumable"])
@pytest.mark.parametrize(
    ("state", "crashes"),
    [(None, 1), ({"run": 1}, 1), ({"attempt": 2}, 1), ({"saved_by": 1}, 1), ({"saved_by": 2}, 0)],
)
def test_a_crash_counts_only_without_a_sign_of_life(state: dict[str, Any] | None, crashes: int, rules: Rules) -> None:
    """What an earlier attempt saved is no sign of life in this one."""
    task = a_task(attempt_count=2, runner_state=state, crashes=1)
    assert after(lose(task, rules, NOW, NOW)).crashes == 1 + crashes


@pytest.mark.parametrize(("ran_for", "crashes"), [(-2.0, 1), (0.0, 1), (29.999, 1), (30.0, 0), (3600.0, 0)])
def test_a_crash_counts_only_for_what_had_just_begun(ran_for: float, crashes: int) -> None:
    """When the worker was last alive; that it lay dead for long makes nobody innocent. It may have begun since."""
    began = NOW - timedelta(days=1)
    last_beat = began + timedelta(seconds=ran_for)
    assert after(lose(a_task(started_at=began), RULES, NOW, last_beat)).crashes == crashes


def test_a_worker_that_left_alive_was_killed_by_nobody() -> None:
    new = after(lose(a_task(crashes=POISON_AFTER - 1), RULES, NOW, None))
    assert (new.status, new.crashes) == (S.PENDING, POISON_AFTER - 1)


def test_a_lost_run_that_may_go_on_keeps_its_place() -> None:
    new = after(lose(a_task(attempt_count=3), RESUMABLE, NOW))
    assert (new.status, new.holds_slot, new.runner_state) == (S.PENDING, True, {"attempt": 3})
    new = after(lose(a_task(attempt_count=3, runner_state={"run": 1}), RESUMABLE, NOW, NOW))
    assert (new.status, new.holds_slot, new.runner_state) == (S.PENDING, True, {"run": 1})


def test_poison_is_given_up() -> None:
    for crashes in range(POISON_AFTER - 1):
        assert lose(a_task(crashes=crashes), RULES, NOW, NOW).status is S.PENDING
    new = after(lose(a_task(crashes=POISON_AFTER - 1), RULES, NOW, NOW))
    assert (new.status, new.error_code, new.crashes) == (S.FAILED, "poison", POISON_AFTER)


def test_a_lost_attempt_of_a_task_that_should_be_cancelled() -> None:
    assert lose(a_task(cancel_requested_at=START), RULES, NOW).status is S.CANCELLED
    new = after(lose(a_task(cancel_requested_at=START), RESUMABLE, NOW))
    assert (new.status, new.holds_slot, new.cancel_requested_at) == (S.PENDING, True, START)


@pytest.mark.parametrize("state", [None, {}, {"run": 1}])
def test_unqueue_keeps_the_place_of_a_run_that_may_go_on(state: dict[str, Any] | None) -> None:
    new = after(unqueue(a_task(S.QUEUED, runner_state=state), NOW, "why."))
    assert (new.status, new.queued_at, new.holds_slot) == (S.PENDING, None, state is not None)
    assert new.runner_state == state


# ── asked for by a person ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [S.SCHEDULED, S.PENDING, S.QUEUED])
def test_what_does_not_run_is_cancelled_at_once(status: Status) -> None:
    change = cancel(a_task(status), NOW, "ann")
    new = after(change)
    assert (new.status, new.cancel_requested_at, new.finished_at) == (S.CANCELLED, NOW, NOW)
    assert change is not None
    assert change.line.message == "Cancelled by ann."


def test_a_running_task_is_asked_to_stop() -> None:
    new = after(cancel(a_task(), NOW))
    assert (new.status, new.cancel_requested_at, new.worker_id, new.holds_slot) == (S.PROCESSING, NOW, "w1", True)


@pytest.mark.parametrize("status", [S.SCHEDULED, S.PENDING, S.QUEUED])
def test_a_run_that_may_go_on_must_be_stopped_first(status: Status) -> None:
    task = a_task(status, runner_state={"run": 1}, holds_slot=True)
    new = after(cancel(task, NOW))
    wanted = S.PENDING if status is S.SCHEDULED else status
    assert (new.status, new.cancel_requested_at, new.holds_slot) == (wanted, NOW, True)
    assert new.runner_state == {"run": 1}
    assert new.worker_id == task.worker_id


def test_a_paused_run_must_be_stopped_by_a_worker() -> None:
    new = after(cancel(a_task(S.AWAITING_INPUT, runner_state={"run": 1}), NOW))
    assert (new.status, new.cancel_requested_at, new.runner_state) == (S.PENDING, NOW, {"run": 1})


def test_asking_twice_is_asking_once() -> None:
    for status in LIVE:
        assert cancel(a_task(status, cancel_requested_at=START), NOW) is None


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_what_has_ended_cannot_be_cancelled(status: Status) -> None:
    assert cancel(a_task(status), NOW) is None


@pytest.mark.parametrize("status", sorted(LIVE))
def test_what_lives_cannot_be_revived(status: Status) -> None:
    assert revive(a_task(status), NOW) is None


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_another_go(status: Status) -> None:
    task = a_task(
        status,
        priority=2,
        output_data={"old": 1},
        error_code="x",
        error_message="No.",
        started_at=START,
        queued_at=START,
        cancel_requested_at=START,
        expires_at=START,
        failures=3,
        crashes=3,
        deferrals=3,
        deferred_since=START,
        attempt_count=9,
    )
    change = revive(task, NOW, "ann", {"input_data": {"new": 1}})
    new = after(change)
    assert new == replace(
        task,
        status=S.PENDING,
        updated_at=NOW,
        input_data={"new": 1},
        output_data=None,
        error_code=None,
        error_message=None,
        started_at=None,
        queued_at=None,
        finished_at=None,
        cancel_requested_at=None,
        expires_at=None,
        failures=0,
        crashes=0,
        deferrals=0,
        deferred_since=None,
        run_at=NOW,
        sort_at=sort_at(NOW, 2),
    )
    assert change is not None
    assert change.line.message == "Retry asked for by ann."


# ── expiry ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [S.SCHEDULED, S.PENDING])
def test_a_waiting_task_expires_at_its_moment(status: Status) -> None:
    assert expire(a_task(status, expires_at=NOW + timedelta(microseconds=1)), NOW) is None
    new = after(expire(a_task(status, expires_at=NOW), NOW))
    assert (new.status, new.error_code) == (S.FAILED, "expired")


def test_what_has_no_expiry_does_not_expire() -> None:
    assert expire(a_task(S.PENDING), NOW) is None


@pytest.mark.parametrize("status", [S.QUEUED, S.PROCESSING, S.AWAITING_INPUT, *sorted(TERMINAL)])
def test_only_waiting_tasks_expire(status: Status) -> None:
    assert expire(a_task(status, expires_at=START), NOW) is None


def test_a_run_that_may_go_on_does_not_expire() -> None:
    assert expire(a_task(S.PENDING, expires_at=START, holds_slot=True, runner_state={}), NOW) is None
