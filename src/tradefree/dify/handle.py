"""What is known of a run, and stored so that another worker can find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from tradefree.dify.models import StreamEvent, mapping_of, text_of

UPSTREAM = ("run_id", "message_id", "workflow_id", "dify_version")
"""What is shown of a run to everybody who may see its task."""
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
    message_id: str | None = None
    """The answer's id, of everything but workflows."""
    conversation_id: str | None = None
    workflow_id: str | None = None
    """The published version that ran."""
    dify_version: str | None = None
    flow: bool = False
    """True for the answer of a chatflow whose run has no known id: it goes on without us all the same."""

    @property
    def known(self) -> bool:
        """True once Dify has named what it does for us."""
        return self.run_id is not None or self.message_id is not None

    @property
    def outlives_us(self) -> bool:
        """A run goes on when nobody listens. The answer of a chat, agent or completion app is lost (Dify 1.14.2)."""
        return self.run_id is not None or self.flow

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return f"run {self.run_id}" if self.run_id else f"message {self.message_id}"

    @classmethod
    def of(cls, state: Mapping[str, Any], task_id: str) -> Handle:
        """From what an earlier attempt of our task ``task_id`` saved; ``{}`` is a state too."""
        attempt = state.get("attempt")
        attempt = attempt if isinstance(attempt, int) else 0
        upstream = mapping_of(state.get("upstream"))
        return cls(
            user=state.get("user") or user_of(task_id, attempt),
            attempt=attempt,
            run_id=state.get("run_id"),
            task_id=state.get("task_id"),
            started_at=state.get("started_at"),
            message_id=state.get("message_id"),
            conversation_id=state.get("conversation_id"),
            workflow_id=upstream.get("workflow_id"),
            dify_version=upstream.get("dify_version"),
            flow=state.get("flow") is True,
        )

    def state(self) -> dict[str, Any]:
        """What to store."""
        known = {name: value for name, value in asdict(self).items() if value not in (None, False)}
        upstream = {name: known[name] for name in UPSTREAM if name in known}
        kept = {name: value for name, value in known.items() if name not in ("workflow_id", "dify_version")}
        return {**kept, "upstream": upstream} if upstream else kept

    def with_ids_of(self, event: StreamEvent, now: float, version: str | None = None) -> Handle:
        """The same, with what the event adds; equal to this one if nothing. ``version``: of the Dify that told it."""
        if self.run_id is not None and event.run_id not in (None, self.run_id):
            return self
        told: dict[str, Any] = {
            "run_id": event.run_id,
            "task_id": event.task_id,
            "message_id": event.message_id,
            "conversation_id": event.conversation_id,
            "workflow_id": text_of(event.data.get("workflow_id")),
            "dify_version": version,
        }
        new = {name: value for name, value in told.items() if value is not None and getattr(self, name) is None}
        if not new or not (self.known or event.run_id or event.message_id):
            return self
        return replace(self, started_at=self.started_at or now, **new)


def earlier_attempts(handle: Handle, attempt: int) -> range:
    """Attempts before ``attempt`` that may have started a run nobody has accounted for, newest first."""
    oldest = max(handle.attempt, attempt - LOOK_BACK, 1)
    return range(attempt - 1, oldest - 1, -1)
