"""What submitting needs of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tradefree.limits.scopes import Scope
from tradefree.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Backlog:
    """A scope in which only so many tasks may wait: those of one lane, of these types, or (None) all."""

    scope: Scope
    most: int
    lane: str | None = None
    types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A task to store and, if the caller gave one, the idempotency key it is stored under."""

    task: Task
    key: str | None = None
    """Scoped to the submitter; any text."""
    request_hash: str = ""
    """Digest of the request; the same key with another digest is refused."""
    backlogs: tuple[Backlog, ...] = ()
    """Scopes in which only so many tasks may wait."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stored task; ``replayed`` if an earlier submit with the same key made it."""

    task: Task
    replayed: bool = False


class SubmitStore(Protocol):
    async def submit(self, submissions: Sequence[Submission]) -> list[Accepted | Exception]:
        """Store tasks, their labels, keys and first log lines: one outcome for each, in order.

        An outcome is IdempotencyMismatch where the key was used with another request, and BacklogFull where too many
        tasks wait already; the others are stored.
        """
        ...
