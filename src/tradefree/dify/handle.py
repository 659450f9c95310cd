"""What is known of a run, and stored so that another worker can find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from tradefree.dify.models import StreamEvent

LOOK_BACK = 10
"""Attempts before this one whose runs are looked for, at most: one request each."""


def user_of(task_id: str, attempt: int) -> str:
    """Dify's ``user`` of an attempt: unlike any other, so that its run can be found in the app's log.

    Dify 1.14.2 has no idempotency key; this is how a run is found whose id nobody has seen. At most 255 characters.
    """
    return f"tf-{task_id}-{attempt}"


@dataclass(frozen=True, slots=True)
class Handle:
    """A run, as far as it is known. Without ``run_id`` only the request is known, not whether it came to a run."""

    user: str
    attempt: int
    """The attempt that asked for the run."""
    run_id: str | None = None
    task_id: str | None = None
    """What Dify's ``stop`` wants. Only the run's own events tell it."""
    started_at: float | None = None
    """Unix seconds on our clock."""

    @classmethod
    def of(cls, state: Mapping[str, Any], task_id: str) -> Handle:
        """From what an earlier attempt of our task ``task_id`` saved; ``{}`` is a state too."""
        attempt = state.get("attempt")
        attempt = attempt if isinstance(attempt, int) else 0
        return cls(
            user=state.get("user") or user_of(task_id, attempt),
            attempt=attempt,
            run_id=state.get("run_id"),
            task_id=state.get("task_id"),
            started_at=state.get("started_at"),
        )

    def state(self) -> dict[str, Any]:
        """What to store."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def with_ids_of(self, event: StreamEvent, now: float) -> Handle:
        """The same, with what the event adds; equal to this one if nothing."""
        known = self.run_id is not None and self.task_id is not None
        if known or event.run_id is None or self.run_id not in (None, event.run_id):
            return self
        return replace(
            self,
            run_id=event.run_id,
            task_id=self.task_id or event.task_id,
            started_at=self.started_at or now,
        )


def earlier_attempts(handle: Handle, attempt: int) -> range:
    """Attempts before ``attempt`` that may have started a run nobody has accounted for, newest first."""
    oldest = max(handle.attempt, attempt - LOOK_BACK, 1)
    return range(attempt - 1, oldest - 1, -1)
