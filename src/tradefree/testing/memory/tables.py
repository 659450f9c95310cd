"""The tables in memory, and how a unit of work takes hold of them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson

from tradefree.access.keys import ApiKey
from tradefree.access.sessions import Session
from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.events.decide import Decision
from tradefree.events.event import Event
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import Received, Tally
from tradefree.events.schedules.ports import FireRecord, Standing
from tradefree.events.trigger import Kept, Version
from tradefree.limits.scopes import Scope
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import Health, Subscriber
from tradefree.tasks.ports import Entry, Limits
from tradefree.tasks.series import Cell, Place
from tradefree.tasks.states import ON_WORKER, Status
from tradefree.tasks.task import Attempt, Json, LogLine, Task, Worker
from tradefree.tasks.types import Connection, TaskType
from tradefree.tasks.waits import Stretch


@dataclass(slots=True)
class Leader:
    """The leader's row."""

    holder: str | None = None
    epoch: int = 0
    lease_until: datetime | None = None


class Tables:
    """Everything that is stored. A unit computes first and writes last, so it happens whole or not at all."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.away = False
        self.tasks: dict[str, Task] = {}
        self.claim_tokens: dict[str, str] = {}
        self.logs: dict[str, list[LogLine]] = defaultdict(list)
        self.attempts: dict[tuple[str, int], Attempt] = {}
        self.keys: dict[tuple[str, str], tuple[str, str]] = {}
        """Request hash and task id by submitter and idempotency key."""
        self.workers: dict[str, Worker] = {}
        self.leader = Leader()
        self.totals: Counter[tuple[str, Status]] = Counter()
        """Ended tasks by type and status."""
        self.config_version = 1
        self.task_types: dict[str, TaskType] = {}
        self.connections: dict[str, Connection] = {}
        self.limits = Limits({}, {})
        self.windows: dict[Scope, int] = {}
        self.refunds: Counter[str] = Counter()
        self.ceilings: dict[str, dict[str, Any]] = {}
        self.subscribers: dict[str, Subscriber] = {}
        self.healths: dict[str, Health] = {}
        self.callback_secrets: Secrets | None = None
        self.audit: dict[str, Entry] = {}
        self.hooks: dict[str, Hook] = {}
        self.hook_totals: dict[str, dict[Received, Tally]] = {}
        self.schedules: dict[str, Standing] = {}
        self.schedule_fires: dict[tuple[str, datetime], FireRecord] = {}
        self.api_keys: dict[str, tuple[str, ApiKey]] = {}
        """Secret's hash and key by the key's id."""
        self.series: dict[Place, Cell] = {}
        self.stretches: dict[tuple[str, datetime], Stretch] = {}
        self.tallied: int | None = None
        """The last log line that is in the series."""
        self.sessions: dict[str, Session] = {}
        """By their token's hash."""
        self.events: dict[str, Event] = {}
        self.event_ids: dict[str, str] = {}
        """By digest of source and the sender's id."""
        self.decisions: dict[str, tuple[Decision, ...]] = {}
        """By event."""
        self.triggers: dict[str, Kept] = {}
        self.trigger_versions: dict[tuple[str, int], Version] = {}
        self._lock = asyncio.Lock()
        self._log_ids = count(1)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """One writer at a time. Others get a turn before it begins, as they would with a real database."""
        await asyncio.sleep(0)
        async with self._lock:
            self.answer()
            yield

    async def read(self) -> None:
        """Wait as long as a read would."""
        await asyncio.sleep(0)
        self.answer()

    def answer(self) -> None:
        """Raise StorageUnavailable while the database is away."""
        if self.away:
            raise StorageUnavailable("the database does not answer")

    def note(self, entry: Entry | None) -> None:
        """Add a line to the audit trail."""
        if entry is not None:
            self.audit[entry.id] = replace(entry, detail=through_json(dict(entry.detail)))

    def append(self, lines: Iterable[LogLine]) -> None:
        """Add log lines: all of them, or none if one cannot be stored."""
        for line in [replace(line, data=through_json(line.data)) for line in lines]:
            self.logs[line.task_id].append(replace(line, id=next(self._log_ids)))


def through_json(value: Json) -> Any:
    """The value as it comes back from a JSON column: a copy; TypeError for what JSON cannot carry."""
    return None if value is None else orjson.loads(orjson.dumps(value))


JSON_COLUMNS = ("labels", "input_data", "output_data", "runner_state", "question")


def clone(task: Task, *, payloads: tuple[str, ...] = ("input_data", "output_data")) -> Task:
    """A copy that shares nothing, with these payloads only."""
    return replace(
        task,
        labels=dict(task.labels),
        input_data=through_json(task.input_data) if "input_data" in payloads else None,
        output_data=through_json(task.output_data) if "output_data" in payloads else None,
        runner_state=through_json(task.runner_state),
        question=through_json(task.question),
    )


def in_utc(task: Task) -> Task:
    """The task with its times as a database gives them back."""
    return replace(
        task,
        created_at=task.created_at.astimezone(UTC),
        updated_at=task.updated_at.astimezone(UTC),
        run_at=task.run_at.astimezone(UTC),
        sort_at=task.sort_at.astimezone(UTC),
        expires_at=task.expires_at.astimezone(UTC) if task.expires_at else None,
    )


def check(task: Task) -> Task:
    """The task, unless it is nonsense: what the database's CHECK constraints refuse."""
    if task.status in ON_WORKER:
        assert task.holds_slot, f"{task.status} without a place"
        assert task.worker_id is not None, f"{task.status} without a worker"
    if task.terminal:
        assert not task.holds_slot, f"{task.status} and still holds a place"
        assert task.finished_at is not None, f"{task.status} without an end"
    return task
