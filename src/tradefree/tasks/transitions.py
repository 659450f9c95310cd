"""Every move of a task that is decided row by row: one named function each, pure, with the log line that tells it.

The moves to an end are in ``ends``, those that concern a person's answer in ``asking``.
The moves in bulk are elsewhere and few: admit and wake-up (the leader's round) and claim (the worker's).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tradefree.tasks.asking import answer, ask, hold, overdue
from tradefree.tasks.change import NO_RUN, Change, Rules, move
from tradefree.tasks.ends import cancel_now, complete, fail
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, HandBack, LetGo, NothingStarted, Report
from tradefree.tasks.questions import answer_of
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, AttemptOutcome, Task, Usage, sort_at

__all__ = [
    "POISON_AFTER",
    "SAVED_BY",
    "SUSPECT_AFTER",
    "Change",
    "Rules",
    "answer",
    "ask",
    "cancel",
    "cancel_now",
    "complete",
    "expire",
    "fail",
    "finish",
    "hand_back",
    "hasten",
    "hold",
    "lose",
    "overdue",
    "revive",
    "unqueue",
]

SUSPECT_AFTER = 2
"""Crashes after which a task runs alone on a worker."""
YOUNG = timedelta(seconds=30)
"""A task is suspected of a worker's death only if it had been running for less than this."""
SAVED_BY = "saved_by"
"""Where a runner's state tells which attempt saved it: a sign of life in that attempt."""
POISON_AFTER = 3
"""Crashes after which a task is given up."""


def expire(task: Task, now: datetime) -> Change | None:
    """scheduled or pending → failed, because nobody wants the result any more; awaiting_input: see ``overdue``."""
    if task.status is Status.AWAITING_INPUT:
        return overdue(task, now)
    if task.status not in (Status.SCHEDULED, Status.PENDING) or task.holds_slot:
        return None
    if task.expires_at is None or task.expires_at > now:
        return None
    return fail(task, "expired", "Its expiry time passed while it waited.", now)


# ── asked for by a person ───────────────────────────────────────────────────────────────────────────────────────────


def cancel(task: Task, now: datetime, by: str | None = None) -> Change | None:
    """Cancel at once where nothing runs; ask the worker where something does; None if it has ended already."""
    if task.terminal or task.cancel_requested_at:
        return None
    if task.status in (Status.SCHEDULED, Status.PENDING, Status.QUEUED) and task.runner_state is None:
        return cancel_now(task, now, by=by)
    stays = Status.PENDING if task.status in (Status.AWAITING_INPUT, Status.SCHEDULED) else task.status
    words = "Cancel asked for" + (f" by {by}" if by else "") + "; waiting for the run to let go."
    return move(
        task,
        stays,
        now,
        "warning",
        words,
        "task.cancel_requested",
        data={"by": by},
        cancel_requested_at=now,
        answer_by=None,
        **_as_it_was(task),
    )


def revive(task: Task, now: datetime, by: str | None = None, values: Mapping[str, Any] | None = None) -> Change | None:
    """completed, failed or cancelled → pending: a person wants another go. History stays, budgets start again."""
    if not task.terminal:
        return None
    return move(
        task,
        Status.PENDING,
        now,
        "info",
        "Retry asked for" + (f" by {by}." if by else "."),
        "task.retried",
        data={"by": by},
        **{
            "output_data": None,
            "error_code": None,
            "error_message": None,
            "finished_at": None,
            "started_at": None,
            "queued_at": None,
            "cancel_requested_at": None,
            "expires_at": None,
            "failures": 0,
            "crashes": 0,
            "deferrals": 0,
            "deferred_since": None,
            "run_at": now,
            "sort_at": sort_at(now, task.priority),
            **(values or {}),
        },
    )


def hasten(task: Task, now: datetime, by: str | None = None) -> Change | None:
    """scheduled → pending: what it waited for has come before its time."""
    if task.status is not Status.SCHEDULED:
        return None
    return move(
        task,
        Status.PENDING,
        now,
        "info",
        "Its next attempt is due at once" + (f": {by} asked for it." if by else "."),
        "task.hastened",
        data={"by": by},
        run_at=now,
        sort_at=sort_at(now, task.priority),
        holds_slot=task.holds_slot,
    )


# ── the end of an attempt ───────────────────────────────────────────────────────────────────────────────────────────


def finish(task: Task, report: Report, rules: Rules, now: datetime, luck: float) -> Change | None:
    """processing → whatever the attempt's outcome asks for; None if the worker no longer has the task (fenced)."""
    mine = (
        task.status is Status.PROCESSING and task.attempt_count == report.attempt and task.worker_id == report.worker_id
    )
    if not mine:
        return None
    change, kind, usage = _outcome(task, report, rules, now, luck)
    ended = Attempt(
        task_id=task.id,
        number=task.attempt_count,
        worker_id=task.worker_id,
        started_at=task.started_at,
        finished_at=now,
        outcome=kind,
        error_code=getattr(report.outcome, "code", None),
        error_message=getattr(report.outcome, "message", None),
        usage=usage,
        runner_state=task.runner_state,
    )
    return Change(task, change.values, change.line, ended, report.lines)


def _outcome(
    task: Task, report: Report, rules: Rules, now: datetime, luck: float
) -> tuple[Change, AttemptOutcome, Usage]:
    match report.outcome:
        case Completed(output, usage, note):
            return complete(task, output, now, note), AttemptOutcome.COMPLETED, usage
        case DidNotWork() as no:
            return _after_failure(task, no, rules, now, luck), AttemptOutcome.FAILED, no.usage
        case NothingStarted() as busy:
            return _after_deferral(task, busy, rules, now, luck), AttemptOutcome.DEFERRED, Usage()
        case LetGo(confirmed, note, usage):
            code = None if confirmed else "cancel_unconfirmed"
            change = cancel_now(task, now, note=note, case=None if confirmed else "unseen")
            values = {**change.values, "error_code": code}
            return Change(task, values, change.line), AttemptOutcome.CANCELLED, usage
        case Asked(question, usage):
            return ask(task, question, rules, now), AttemptOutcome.ASKED, usage
        case HandBack():
            return hand_back(task, rules, now), AttemptOutcome.HANDED_BACK, Usage()


def _after_failure(task: Task, no: DidNotWork, rules: Rules, now: datetime, luck: float) -> Change:
    if no.unknown and rules.hold and not task.cancel_requested_at:
        return hold(task, no.message, rules, now, no.code)
    failures = task.failures + 1
    budget = task.max_attempts or rules.retry.max_attempts
    if no.retryable and task.cancel_requested_at and not no.unresolved:
        note = f"The last attempt failed: {no.message}"
        return cancel_now(task, now, note=note, case="failed", code=no.code, error=no.message)
    if not no.retryable or failures >= budget:
        change = fail(task, no.code, no.message, now)
        return Change(task, {**change.values, "failures": failures}, change.line)
    wait = 0.0 if task.cancel_requested_at else rules.retry.delay(failures, luck=luck, retry_after=no.retry_after)
    return _later(
        task,
        now,
        wait,
        f"Attempt {task.attempt_count} failed: {_sentence(no.message)} Next attempt in {wait:.1f} s "
        f"({failures} of {budget} used).",
        "attempt.failed",
        {"code": no.code, "error": no.message, "wait": f"{wait:.1f}", "failures": failures, "budget": budget},
        failures=failures,
        error_code=no.code,
        error_message=no.message,
        **_HAD_ROOM,
        **(_to_be_looked_up(task, rules) if no.unresolved else NO_RUN),
    )


def _after_deferral(task: Task, busy: NothingStarted, rules: Rules, now: datetime, luck: float) -> Change:
    since = task.deferred_since or now
    if task.cancel_requested_at:
        return cancel_now(task, now)
    if (now - since).total_seconds() >= rules.max_deferral:
        return fail(task, "upstream_busy", f"The upstream had no room for too long: {busy.reason}", now)
    growing = RetryPolicy(initial=1.0, maximum=60.0)
    wait = growing.delay(task.deferrals + 1, luck=luck, retry_after=busy.retry_after)
    return _later(
        task,
        now,
        wait,
        f"Deferred {wait:.1f} s, nothing was started: {busy.reason}",
        "attempt.deferred",
        {"case": "unreachable" if busy.unreachable else None, "wait": f"{wait:.1f}", "reason": busy.reason},
        deferrals=task.deferrals + 1,
        deferred_since=since,
        **({} if answer_of(task.question) else NO_RUN),
    )


def _later(
    task: Task, now: datetime, wait: float, message: str, event: str, data: Mapping[str, Any], **values: Any
) -> Change:
    due = now + timedelta(seconds=wait)
    return move(
        task,
        Status.SCHEDULED,
        now,
        "warning",
        message,
        event,
        data=data,
        run_at=due,
        sort_at=sort_at(due, task.priority),
        **values,
    )


def hand_back(task: Task, rules: Rules, now: datetime) -> Change:
    """processing → pending: the worker shuts down; nothing is counted."""
    if task.cancel_requested_at and not rules.resumable:
        return cancel_now(task, now)
    return move(
        task,
        Status.PENDING,
        now,
        "info",
        "Handed back: the worker is shutting down.",
        "attempt.handed_back",
        **_to_be_looked_up(task, rules),
    )


# ── recovery ────────────────────────────────────────────────────────────────────────────────────────────────────────


def unqueue(task: Task, now: datetime, reason: str, case: str = "unclaimed") -> Change:
    """queued → pending: the worker it was admitted to will not claim it."""
    return move(
        task,
        Status.PENDING,
        now,
        "info",
        f"Back in line: {reason}",
        "task.unqueued",
        data={"case": case},
        queued_at=None,
        holds_slot=task.runner_state is not None,
    )


def lose(task: Task, rules: Rules, now: datetime, last_beat: datetime | None = None) -> Change:
    """processing → pending: its worker is dead. A run that may go on upstream keeps its place until accounted for.

    ``last_beat`` is when the worker was last alive; None if it left alive, as one does that was fenced.
    """
    crashes = task.crashes + _may_have_killed(task, last_beat)
    code, words = "worker_lost", "The worker died or lost its lease."
    ended = Attempt(
        task.id,
        task.attempt_count,
        task.worker_id,
        task.started_at,
        now,
        AttemptOutcome.LOST,
        code,
        words,
        runner_state=task.runner_state,
    )
    change = _after_loss(task, rules, now, crashes, words)
    return Change(task, {**change.values, "crashes": crashes}, change.line, ended)


def _may_have_killed(task: Task, last_beat: datetime | None) -> bool:
    """Whether a worker's death is held against this task: it had only just begun, and its runner gave no sign of life.

    Tasks that ran on for a while beside the culprit are innocent, and so are all if the worker did not die.
    """
    if last_beat is None or task.started_at is None:
        return False
    state = task.runner_state or {}
    return last_beat - task.started_at < YOUNG and state.get(SAVED_BY) != task.attempt_count


def _after_loss(task: Task, rules: Rules, now: datetime, crashes: int, words: str) -> Change:
    may_go_on = rules.resumable
    if crashes >= POISON_AFTER:
        message = f"{crashes} workers died while performing it; it is taken for the cause and not tried again."
        return fail(task, "poison", message, now)
    if task.cancel_requested_at and not may_go_on:
        return cancel_now(task, now, note=words, case="lost")
    if rules.hold and not may_go_on:
        return hold(task, words, rules, now, "worker_lost")
    words += " Its run is looked up before anything is started again." if may_go_on else " It is started again."
    return move(
        task,
        Status.PENDING,
        now,
        "warning",
        words,
        "attempt.lost",
        data={"case": "looked_up" if may_go_on else "rerun"},
        queued_at=None,
        **_HAD_ROOM,
        **_to_be_looked_up(task, rules),
    )


_HAD_ROOM: dict[str, Any] = {"deferrals": 0, "deferred_since": None}
"""Something was started: if the upstream has no room later, the patience with it begins anew."""


def _to_be_looked_up(task: Task, rules: Rules) -> dict[str, Any]:
    """A run that may go on without us keeps its place. Without a state, we only know which attempt was cut off."""
    if not rules.resumable:
        return {"holds_slot": False, **NO_RUN}
    return {"holds_slot": True, "runner_state": task.runner_state or {"attempt": task.attempt_count}}


def _as_it_was(task: Task) -> dict[str, Any]:
    """The columns that a move to the same state must not reset."""
    return {"worker_id": task.worker_id, "holds_slot": task.holds_slot}


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "。", "！", "？")) else f"{text}."
