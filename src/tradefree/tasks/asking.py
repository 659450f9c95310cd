"""The moves of a task that waits for a person: asked, answered, overdue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tradefree.tasks.change import NO_RUN, Change, Rules, move
from tradefree.tasks.ends import cancel_now, complete, fail
from tradefree.tasks.questions import COMPLETE, FAIL, Question, about_unknown
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, sort_at


def ask(task: Task, question: Question, rules: Rules, now: datetime) -> Change:
    """processing → awaiting_input: no worker and no place held. After a cancel → pending: a worker stops the run.

    What was started does not expire unstarted any more.
    """
    if task.cancel_requested_at:
        if task.runner_state is None:
            return cancel_now(task, now)
        words = "The run waits for a person, but a cancel was asked for: it is told to stop."
        return move(
            task, Status.PENDING, now, "info", words, "attempt.asked", data={"case": "stopping"}, holds_slot=True
        )
    words, data = f"Waits for a person: {question.title}", {"question": question.title}
    return _waits(task, question, rules, now, "info", words, "attempt.asked", data)


def hold(task: Task, known: str, rules: Rules, now: datetime, code: str) -> Change:
    """processing → awaiting_input: nobody knows what became of the run, and a person decides."""
    words = f"{known} Nobody knows what it has done, and its type says that a person decides."
    data = {"code": code, "error": known}
    return _waits(task, about_unknown(known), rules, now, "warning", words, "task.held", data)


def answer(task: Task, action: str, inputs: Mapping[str, Any], now: datetime, by: str | None = None) -> Change | None:
    """awaiting_input → pending with a checked answer; if the system itself asked, whatever the person decided."""
    if task.status is not Status.AWAITING_INPUT or task.question is None:
        return None
    said = f"{by or 'Somebody'} answered {action!r}"
    if not task.question.get("about_unknown"):
        question = {**task.question, "answer": {"action": action, "inputs": dict(inputs), "by": by}}
        words, data = f"{said}; waits for a worker to hand it in.", {"action": action, "by": by}
        return _goes_on(task, now, words, data, question=question, answer_by=None)
    if action == FAIL:
        return fail(task, "outcome_unknown", f"{said}: what became of the run is not known.", now)
    if action == COMPLETE:
        words = f"{said}, with an output given by hand."
        return complete(task, inputs.get("output"), now, words, case="by_hand", by=by)
    return _goes_on(task, now, f"{said}: it is started again.", {"case": "rerun", "by": by}, **NO_RUN)


def overdue(task: Task, now: datetime) -> Change | None:
    """awaiting_input → failed: nobody answered in time. A paused run at an upstream costs nothing and is left alone."""
    if task.status is not Status.AWAITING_INPUT or task.answer_by is None or task.answer_by > now:
        return None
    return fail(task, "answer_overdue", f"Nobody answered by {task.answer_by:%Y-%m-%d %H:%M:%S} UTC.", now)


def _waits(
    task: Task,
    question: Question,
    rules: Rules,
    now: datetime,
    level: str,
    words: str,
    event: str,
    data: Mapping[str, Any],
) -> Change:
    ends = [question.expires_at] if question.expires_at else []
    if rules.answer_within is not None:
        ends.append(now + timedelta(seconds=rules.answer_within))
    return move(
        task,
        Status.AWAITING_INPUT,
        now,
        level,
        words,
        event,
        data=data,
        question=question.stored(task.attempt_count),
        answer_by=min(ends, default=None),
        expires_at=None,
        deferrals=0,
        deferred_since=None,
    )


def _goes_on(task: Task, now: datetime, words: str, data: Mapping[str, Any], **values: Any) -> Change:
    at = sort_at(now, task.priority)
    return move(task, Status.PENDING, now, "info", words, "task.answered", data=data, run_at=now, sort_at=at, **values)
