"""The leader's round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tradefree.limits.scopes import Scope
from tradefree.tasks.task import Worker


@dataclass(frozen=True, slots=True)
class Held:
    """Places in use: tasks of one lane on one worker (None: a run nobody could account for yet)."""

    lane: str
    worker_id: str | None
    count: int
    suspects: int = 0
    """How many of them have crashed workers before and must run alone."""


@dataclass(frozen=True, slots=True)
class Head:
    """A task at the front of its lane."""

    id: str
    lane: str
    crashes: int


class Round(Protocol):
    """The inside of one dispatcher round: a transaction that only the leader can be in."""

    config_version: int
    """Changes whenever a task type, a connection or a limit does."""

    async def windows(self) -> dict[Scope, int]:
        """The states of the rates, as they were kept."""
        ...

    async def refunds(self) -> dict[str, int]:
        """Starts by lane that were counted and never began, since this was last asked. They are forgotten with it."""
        ...

    async def keep_windows(self, windows: Mapping[Scope, int]) -> None:
        """Keep these states of rates."""
        ...

    async def ceilings(self) -> dict[str, dict[str, Any]]:
        """What was learnt of connections, as it was kept."""
        ...

    async def keep_ceilings(self, ceilings: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what was learnt of these connections."""
        ...

    async def queued(self, lanes: Sequence[str], limit: int) -> list[tuple[str, str]]:
        """(task id, lane) of tasks that were admitted and not begun, the last that were admitted first."""
        ...

    async def wake_due(self, limit: int) -> set[str]:
        """Move due tasks from ``scheduled`` to ``pending``; the lanes they went to."""
        ...

    async def expired(self, limit: int) -> list[str]:
        """Ids of waiting tasks whose ``expires_at``, or the time for an answer, has passed."""
        ...

    async def held(self) -> list[Held]:
        """Every place in use."""
        ...

    async def workers(self) -> list[Worker]:
        """Workers with a lease that has not run out, draining ones left out."""
        ...

    async def unaccounted(self, limit: int) -> list[Head]:
        """Pending tasks that still hold their place: they are admitted before all others and need no new place."""
        ...

    async def heads(self, wanted: Mapping[str, int]) -> dict[str, list[Head]]:
        """The first tasks of each wanted lane, at most so many, in the order they should run."""
        ...

    async def admit(self, places: Sequence[tuple[str, str]]) -> list[str]:
        """Move (task id, worker id) pairs from ``pending`` to ``queued``; the ids that moved."""
        ...

    async def next_due(self) -> datetime | None:
        """When the earliest scheduled task becomes due."""
        ...


class LeadStore(Protocol):
    async def lead(self, holder: str, ttl: float) -> int | None:
        """Become or stay the leader for ``ttl`` seconds; the epoch, or None while another leads. Raises Outdated."""
        ...

    async def resign(self, holder: str) -> None:
        """Let another take over at once."""
        ...

    def round(self, holder: str, epoch: int, ttl: float) -> AbstractAsyncContextManager[Round]:
        """A round under the leader's row lock; extends the leadership. Raises LeadershipLost, Outdated."""
        ...

    async def waiting_lanes(self) -> list[str]:
        """Every lane that has a pending task. Costs the number of lanes, not of tasks."""
        ...
