"""Moves that are decided row by row, the worker's units, and the care for the dead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tradefree.tasks.ports.defining import Entry
from tradefree.tasks.task import LogLine, Pressure, Task, Worker
from tradefree.tasks.transitions import Change

Decide = Callable[[Task], Change | None]


class DecideStore(Protocol):
    async def decide(self, ids: Sequence[str], decide: Decide, *, believed: Sequence[Task] = ()) -> list[Change]:
        """Lock these tasks (without payloads), let ``decide`` choose a move for each, write all moves at once.

        ``believed`` are the same tasks as the caller knows them, in all that ``decide`` looks at: then they need not be
        read first. Status and attempt are guarded; if one of them is another by now, all are read and decided anew.

        Returns the moves made. None from ``decide`` leaves a task as it is; unknown ids are passed over.
        ``decide`` is pure and may be called again when the database asks for a repeat.
        """
        ...


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker learns from a beat; ``alive`` is False once it has been declared dead."""

    alive: bool
    status: str = "live"
    queued: tuple[str, ...] = ()
    """Tasks admitted to it that it has not claimed."""
    cancels: tuple[str, ...] = ()
    """Tasks it performs that somebody wants cancelled."""
    config_version: int = 0


@dataclass(frozen=True, slots=True)
class RunState:
    """What the runner of a running attempt wants to be stored."""

    task_id: str
    attempt: int
    state: dict[str, Any]


class WorkStore(Protocol):
    async def enlist(self, worker: Worker, lease: float) -> None:
        """Register a worker incarnation with a lease of so many seconds. Raises Outdated."""
        ...

    async def beat(
        self,
        worker_id: str,
        lease: float,
        *,
        ahead: int = 0,
        draining: bool = False,
        pressure: Mapping[str, Pressure] | None = None,
    ) -> Beat:
        """Extend the lease, say how many tasks it wants at hand and how its connections do, and read what is new.
        Raises Outdated."""
        ...

    async def drain_worker(self, worker_id: str, entry: Entry) -> Worker | None:
        """Let a live worker get no more tasks: it hears of it at its next beat. The worker as it is then; None if there
        is none. Of one that is not live, nothing changes."""
        ...

    async def leave(self, worker_id: str) -> None:
        """End the incarnation. Tasks it still has are orphans, for the leader to move."""
        ...

    async def claim(self, worker_id: str, ids: Sequence[str], token: str) -> list[Task]:
        """Take queued tasks of this worker, with their input. Repeating with the same token returns the same tasks."""
        ...

    async def save_states(self, worker_id: str, states: Sequence[RunState]) -> list[bool]:
        """Store the runners' states of running attempts; for each, False if the worker no longer has the task."""
        ...

    async def append_logs(self, lines: Sequence[LogLine], *, again: bool = False) -> None:
        """Append lines to task logs. ``again``: some may be there, as an earlier answer was lost; those are left out
        (a line is known by task, attempt, time, kind and words)."""
        ...


class RecoverStore(Protocol):
    async def lapsed(self, *, everyone: bool = False) -> list[Worker]:
        """Workers still counted as alive whose lease ran out; ``everyone``: whatever their lease."""
        ...

    async def live_count(self) -> int:
        """Workers not marked dead, whatever their lease."""
        ...

    async def bury(self, worker_id: str, *, at_once: bool = False) -> bool:
        """Mark a worker dead if its lease (still) has run out, or ``at_once``; False if it came back in time."""
        ...

    async def orphans(self, limit: int, claim_within: float) -> list[str]:
        """Tasks queued at or performed by workers that are gone, and tasks not claimed within so many seconds."""
        ...

    async def gone_workers(self) -> dict[str, datetime | None]:
        """Workers that are dead, with the end of their last lease, and those that left themselves, with None."""
        ...

    async def forget_workers(self, before: datetime) -> int:
        """Delete dead workers that were last seen before this."""
        ...
