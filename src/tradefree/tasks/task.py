"""The records of the domain: task, attempt, log line, worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tradefree.ids import digest
from tradefree.tasks.states import LIVE, TERMINAL, Status

LEVELS = ("debug", "info", "warning", "error")
"""Levels of log lines, the least severe first."""
Json = Any
"""A value that JSON can carry."""

PRIORITY_STEP = timedelta(seconds=10)
"""One step of priority is worth this much waiting: priority and ageing in one sortable moment."""


def lane_of(task_type: str, concurrency_key: str | None) -> str:
    """The lane of a task: its type and a digest of its concurrency key, ``summarize-order/5feceb66ffc86f38``.

    Keys that differ by case, accent or trailing space are different lanes on every database.
    """
    return f"{task_type}/{digest(concurrency_key)[:32] if concurrency_key is not None else ''}"


def type_of_lane(lane: str) -> str:
    """The task type a lane belongs to."""
    return lane.partition("/")[0]


def has_key(lane: str) -> bool:
    """True if the tasks of the lane share a concurrency key; those without one are in a lane, but not alike."""
    return not lane.endswith("/")


def sort_at(eligible_at: datetime, priority: int) -> datetime:
    """The moment a waiting task is ordered by: earlier runs first. Fixed when the task becomes eligible."""
    return eligible_at - priority * PRIORITY_STEP


@dataclass(slots=True)
class Task:
    """What someone submitted, as the row in ``tasks`` has it.

    ``input_data`` and ``output_data`` are None where a reader did not ask for payloads.
    """

    id: str
    type: str
    status: Status
    created_at: datetime
    updated_at: datetime
    run_at: datetime
    """Not before this moment."""
    sort_at: datetime
    lane: str
    concurrency_key: str | None = None
    priority: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    input_data: Json = None
    output_data: Json = None
    error_code: str | None = None
    error_message: str | None = None
    expires_at: datetime | None = None
    timeout: float | None = None
    """Seconds one attempt may take; None: the type's."""
    max_attempts: int | None = None
    """How often the runner may say no; None: the type's."""
    callback_url: str | None = None
    submitted_by: str | None = None
    attempt_count: int = 0
    """Number of the latest attempt. It is the fence: it never goes down."""
    failures: int = 0
    crashes: int = 0
    deferrals: int = 0
    deferred_since: datetime | None = None
    worker_id: str | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    holds_slot: bool = False
    """In flight: counts in every limit. True while queued or processing and for a run nobody could account for yet."""
    runner_state: dict[str, Any] | None = None
    """What the runner stored so that another attempt can find the run it started (for Dify: run id, user).
    None: no run is under way. ``{"attempt": n}`` alone: attempt n was cut off before it stored anything; one may be."""
    question: dict[str, Any] | None = None
    """What a person is asked, and the answer once there is one; see ``questions``."""
    answer_by: datetime | None = None
    """Nobody waits for an answer after this moment."""
    event_id: str | None = None
    """The event that made it, if one did."""
    traceparent: str | None = None
    """The W3C trace context that it was submitted in, handed on to the upstream."""

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def live(self) -> bool:
        return self.status in LIVE


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEFERRED = "deferred"
    """Nothing was started; not counted against the task."""
    LOST = "lost"
    """The worker died or lost its lease."""
    ASKED = "asked"
    """It goes on when a person has answered."""
    HANDED_BACK = "handed_back"
    """The worker shut down and gave the task back."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run cost. Prices are decimals in ``currency``; None where the upstream did not say."""

    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    price: Decimal | None = None
    currency: str | None = None
    elapsed: float | None = None
    """Seconds, as the upstream counted them."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One performance of a task by one worker."""

    task_id: str
    number: int
    worker_id: str | None
    started_at: datetime | None
    finished_at: datetime | None = None
    outcome: AttemptOutcome | None = None
    """None while it runs."""
    error_code: str | None = None
    error_message: str | None = None
    usage: Usage = Usage()
    runner_state: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a task's log: ``event`` is its kind for machines (``attempt.started``), ``message`` is for people.

    ``data`` has the names and numbers of the message, so that it can be said in another language; where an event has
    several sentences, ``case`` tells which. ``code`` and ``error`` are those of a failure.
    """

    task_id: str
    created_at: datetime
    level: str
    message: str
    event: str = "note"
    attempt: int = 0
    data: dict[str, Any] | None = None
    id: int = 0
    """Set by the store."""

    @property
    def identity(self) -> tuple[str, int, datetime, str, str]:
        """What tells it from every other line."""
        return self.task_id, self.attempt, self.created_at, self.event, self.message


class WorkerStatus(StrEnum):
    LIVE = "live"
    DRAINING = "draining"
    """Finishes what it has, takes nothing new."""
    LEFT = "left"
    """It ended its incarnation itself."""
    DEAD = "dead"
    """Its lease ran out."""


GONE = frozenset({WorkerStatus.LEFT, WorkerStatus.DEAD})


@dataclass(frozen=True, slots=True)
class Pressure:
    """What a worker incarnation has seen of one connection since it began, and how its calls are now."""

    heard: int = 0
    """Calls that the upstream began to work at."""
    refused: int = 0
    """Calls for which it had no room."""
    down: int = 0
    """Calls that did not reach it."""
    silent: int = 0
    """Calls that it took and left without a word for long; now."""
    working: int = 0
    """Calls that it works at; now."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One incarnation of a worker process: a restart is another worker."""

    id: str
    name: str
    address: str
    """The queue that only this worker reads."""
    queues: tuple[str, ...]
    capacity: int
    version: str
    started_at: datetime
    lease_until: datetime
    status: WorkerStatus = WorkerStatus.LIVE
    ahead: int = 0
    """Tasks it wants at hand beyond its capacity: as many as it ends in a moment, at most its capacity once more, so
    that quick tasks follow one another without a pause and slow ones do not wait behind one worker."""
    pressure: Mapping[str, Pressure] = field(default_factory=dict)
    """By connection."""
