"""The contracts between the domain and the world.

``testing`` ships a double for each, and one conformance suite holds all stores.

A method of a store is one unit of work: one transaction, committed when it returns, safe to repeat when the caller
does not know whether it was committed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tradefree.tasks.outcome import Completed
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, Json, LogLine, Task, Worker
from tradefree.tasks.transitions import Change
from tradefree.tasks.types import Connection, TaskType

# ── submit ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Submission:
    """A task to store and, if the caller gave one, the idempotency key it is stored under."""

    task: Task
    key: str | None = None
    """Scoped to the submitter; any text."""
    request_hash: str = ""
    """Digest of the request; the same key with another digest is refused."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stored task; ``replayed`` if an earlier submit with the same key made it."""

    task: Task
    replayed: bool = False


class SubmitStore(Protocol):
    async def submit(self, submissions: Sequence[Submission]) -> list[Accepted | Exception]:
        """Store tasks, their labels, keys and first log lines: one outcome for each, in order.

        An outcome is IdempotencyMismatch where the key was used with another request; the others are stored.
        """
        ...


# ── the leader's round ──────────────────────────────────────────────────────────────────────────────────────────────


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
    """Changes whenever a task type or limit does."""

    async def wake_due(self, limit: int) -> set[str]:
        """Move due tasks from ``scheduled`` to ``pending``; the lanes they went to."""
        ...

    async def expired(self, limit: int) -> list[str]:
        """Ids of waiting tasks whose ``expires_at`` has passed."""
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


# ── decide: every move that is not made in bulk ─────────────────────────────────────────────────────────────────────

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


# ── the worker's units ──────────────────────────────────────────────────────────────────────────────────────────────


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

    async def beat(self, worker_id: str, lease: float, *, ahead: int = 0, draining: bool = False) -> Beat:
        """Extend the lease, say how many tasks it wants at hand, and read what is new. Raises Outdated."""
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


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks; everything given must hold."""

    statuses: tuple[Status, ...] = ()
    types: tuple[str, ...] = ()
    concurrency_key: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    """In the id's beginning, the key, a label's value or the error message."""
    created_after: datetime | None = None
    created_before: datetime | None = None
    submitted_by: str | None = None
    only_types: tuple[str, ...] | None = None
    """The types the caller may see; None: all."""


class Store(SubmitStore, LeadStore, DecideStore, WorkStore, RecoverStore, Protocol):
    """Everything the life of a task needs."""


class BrowseStore(Protocol):
    async def find(
        self, wanted: TaskFilter, *, limit: int, before_id: str | None = None, payloads: bool = False
    ) -> list[Task]:
        """Newest first, ids below ``before_id``."""
        ...

    async def task(self, task_id: str, *, payloads: bool = True) -> Task | None: ...

    async def attempts(self, task_id: str) -> list[Attempt]:
        """Finished attempts, oldest first."""
        ...

    async def logs(self, task_id: str, *, after: int = 0, limit: int, level: str | None = None) -> list[LogLine]:
        """Lines with ids above ``after``, in the order of their ids; ``level`` is the least severe one wanted."""
        ...

    async def counts(self) -> dict[str, dict[Status, int]]:
        """Number of tasks by type and status: live ones counted, ended ones from the running totals."""
        ...

    async def all_workers(self) -> list[tuple[Worker, int]]:
        """Workers and how many tasks each has."""
        ...


# ── definitions ─────────────────────────────────────────────────────────────────────────────────────────────────────


class CatalogStore(Protocol):
    async def task_types(self) -> tuple[int, dict[str, TaskType]]:
        """The configuration's version and every task type by name."""
        ...

    async def put_task_type(self, task_type: TaskType) -> bool:
        """Create or replace; False if nothing changed."""
        ...

    async def delete_task_type(self, name: str) -> None:
        """Raises NotFound, or Conflict while live tasks of the type exist."""
        ...

    async def connections(self, *, strict: bool = False) -> dict[str, Connection]:
        """Every connection by name, secrets decrypted. One whose secret cannot be is left out, and logged;
        ``strict``: it raises SettingsError."""
        ...

    async def put_connection(self, connection: Connection) -> bool: ...

    async def delete_connection(self, name: str) -> None:
        """Raises NotFound, or Conflict while a task type uses it."""
        ...


# ── broker ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Doorbell(Protocol):
    async def ring(self, address: str, ids: Sequence[str]) -> None:
        """Tell a worker that these tasks are its. Best effort: a lost ring costs one beat, never a task."""
        ...

    def forget(self, address: str) -> None:
        """Nobody answers there any more. Best effort; returns at once."""
        ...


class Signals(Protocol):
    """Wake-ups and live updates: at most once, never the truth."""

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Tell whoever listens. Never blocks, never raises."""
        ...

    def subscribe(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Messages published to the topics from now on."""
        ...


DISPATCH = "dispatch"
"""Topic: ``{"lanes": [...]}`` have new work or new room; ``{"missed": true}``: some messages may have been lost."""


def task_topic(task_id: str) -> str:
    """Topic of one task: status moves, new log lines, partial text."""
    return f"task:{task_id}"


WORKERS = "workers"
"""Topic: ``{"ids": [...]}`` name workers that should beat now (a cancel was asked for); ``{"missed": true}``: all
should, some messages may have been lost."""


# ── runners ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Run(Protocol):
    """What a runner is given for one attempt."""

    task_id: str
    type: str
    attempt: int
    input_data: Json
    options: Mapping[str, Any]
    connection: Connection | None
    timeout: float
    """Seconds this attempt may take; the runtime ends it then."""
    state: dict[str, Any] | None
    """What an earlier attempt saved of a run that nobody has accounted for. None: a fresh start.
    ``{"attempt": n}`` alone: attempt n of a resumable runner was cut off before it saved anything, so a run may or may
    not have been started."""

    @property
    def cancelled(self) -> bool:
        """True once somebody asked to cancel; long-running synchronous functions should look at it."""
        ...

    def log(self, level: str, message: str, *, event: str = "note", **data: Any) -> None:
        """Add a line to the task's log: level is debug, info, warning or error."""
        ...

    def partial(self, text: str) -> None:
        """Show a piece of the result as it arrives; live only, not stored."""
        ...

    async def save(self, state: dict[str, Any]) -> None:
        """Store durably what another worker needs to find this run. Returns when it is stored."""
        ...


class Runner(Protocol):
    """Performs attempts. Raises ``Failed``, ``Busy`` or ``OutcomeUnknown``; other exceptions are retryable failures."""

    name: str
    resumable: bool
    """True if a run may go on without us: a task taken over then holds its place until the run is accounted for."""

    async def run(self, run: Run) -> Completed | Json:
        """Perform the task. With ``run.state`` set, first find out what became of that earlier run.

        The coroutine is cancelled without further ado when the worker is fenced or shuts down.
        """
        ...

    async def stop(self, run: Run) -> bool:
        """Ask the upstream to stop the run in ``run.state``; True if it was seen to have stopped.

        Called beside a running ``run`` (which should then end by itself),
        or alone for a run left behind.
        """
        ...

    def check(self, task_type: TaskType) -> None:
        """Raise InvalidInput if the type's options or connection do not fit this runner."""
        ...
