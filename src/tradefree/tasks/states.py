"""The states of a task and the moves between them: drawn in docs/lifecycle.md, which a test compares with this."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a task is in its life."""

    SCHEDULED = "scheduled"
    """Not before ``run_at``: a delay, a retry or a deferral."""
    PENDING = "pending"
    """May run as soon as the limits allow."""
    QUEUED = "queued"
    """Admitted to one worker, not yet claimed by it."""
    PROCESSING = "processing"
    """That worker performs it."""
    AWAITING_INPUT = "awaiting_input"
    """Waits for a person's answer; holds no place."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


S = Status

TERMINAL = frozenset({S.COMPLETED, S.FAILED, S.CANCELLED})
LIVE = frozenset(Status) - TERMINAL
ON_WORKER = frozenset({S.QUEUED, S.PROCESSING})

MOVES: dict[Status, frozenset[Status]] = {
    S.SCHEDULED: frozenset({S.PENDING, S.CANCELLED, S.FAILED}),
    S.PENDING: frozenset({S.QUEUED, S.CANCELLED, S.FAILED}),
    S.QUEUED: frozenset({S.PROCESSING, S.PENDING, S.CANCELLED}),
    S.PROCESSING: frozenset(
        {S.COMPLETED, S.FAILED, S.CANCELLED, S.SCHEDULED, S.PENDING, S.AWAITING_INPUT},
    ),
    S.AWAITING_INPUT: frozenset({S.PENDING, S.COMPLETED, S.FAILED}),
    S.COMPLETED: frozenset({S.PENDING}),
    S.FAILED: frozenset({S.PENDING}),
    S.CANCELLED: frozenset({S.PENDING}),
}
"""Which states each state may be left for. Terminal states are left only when a person asks for a retry."""
