"""Waits: what a task waited for, piece by piece, from its attempts and from what held its type meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, AttemptOutcome, Task


class Cause(NamedTuple):
    """What holds: the kind and scope of a ``why.Hold``."""

    kind: str
    scope: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """So long one cause held tasks of one type. Those of a type do not overlap."""

    type: str
    began_at: datetime
    ended_at: datetime
    """When it was last seen."""
    cause: Cause


class Wait(NamedTuple):
    """A piece of a task's life in which it waited for one thing."""

    began_at: datetime
    ended_at: datetime
    cause: Cause


LATER = Cause("later", "task")
"""It was not yet due: its start was set for later, or a pause followed a failure."""
PERSON = Cause("answer", "task")
TURN = Cause("turn", "task")
"""Nothing held all of its type: others were before it, or it was on its way."""
_PAUSES = (AttemptOutcome.FAILED, AttemptOutcome.DEFERRED)


def waits(
    task: Task, attempts: Sequence[Attempt], stretches: Sequence[Stretch], otherwise: Cause, now: datetime
) -> list[Wait]:
    """All of a task's waits, in order. ``otherwise`` is what it waits for in line while nothing holds its whole type:
    its key, or its turn."""
    found: list[Wait] = []
    for began_at, ended_at, cause in _gaps(task, attempts, now):
        pieces = [Wait(began_at, ended_at, cause)] if cause else _in_line(began_at, ended_at, stretches, otherwise)
        found += (piece for piece in pieces if piece.ended_at > piece.began_at)
    return found


def _gaps(task: Task, attempts: Sequence[Attempt], now: datetime) -> Iterator[tuple[datetime, datetime, Cause | None]]:
    """The times in which nobody performed it, and why if it was not in line. ``run_at`` is known of the last alone."""
    begun = [attempt for attempt in attempts if attempt.started_at is not None]
    at, before = task.created_at, None
    for attempt in begun:
        assert attempt.started_at is not None
        yield from _gap(at, attempt.started_at, before, task.run_at if attempt is begun[-1] else None)
        if attempt.finished_at is None:
            return
        at, before = attempt.finished_at, attempt.outcome
    if not task.terminal:
        waits_for = AttemptOutcome.ASKED if task.status is Status.AWAITING_INPUT else before
        due = now if task.status is Status.SCHEDULED else task.run_at
        yield from _gap(at, max(now, at), waits_for, due)


def _gap(
    began_at: datetime, ended_at: datetime, before: AttemptOutcome | None, due: datetime | None
) -> Iterator[tuple[datetime, datetime, Cause | None]]:
    if before is AttemptOutcome.ASKED:
        yield began_at, ended_at, PERSON
        return
    if due is None:
        due = ended_at if before in _PAUSES else began_at
    due = min(max(due, began_at), ended_at)
    yield began_at, due, LATER
    yield due, ended_at, None


def _in_line(began_at: datetime, ended_at: datetime, stretches: Iterable[Stretch], otherwise: Cause) -> Iterator[Wait]:
    at = began_at
    for stretch in stretches:
        first, last = max(at, stretch.began_at), min(ended_at, stretch.ended_at)
        if last > first:
            yield Wait(at, first, otherwise)
            yield Wait(first, last, stretch.cause)
            at = last
    yield Wait(at, ended_at, otherwise)
