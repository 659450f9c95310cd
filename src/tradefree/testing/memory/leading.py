"""Leadership and rounds, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tradefree.errors import LeadershipLost
from tradefree.limits.scopes import Scope
from tradefree.tasks.ports import Head, Held, Round
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, Worker, WorkerStatus
from tradefree.tasks.transitions import SUSPECT_AFTER
from tradefree.testing.memory.tables import Tables, check, through_json


class Leading:
    """Implements ``ports.LeadStore``."""

    _tables: Tables

    async def lead(self, holder: str, ttl: float) -> int | None:
        async with self._tables.write():
            leader, now = self._tables.leader, self._tables.now
            if leader.holder != holder and leader.lease_until is not None and leader.lease_until >= now:
                return None
            leader.holder, leader.lease_until = holder, now + timedelta(seconds=ttl)
            leader.epoch += 1
            return leader.epoch

    async def resign(self, holder: str) -> None:
        async with self._tables.write():
            if self._tables.leader.holder == holder:
                self._tables.leader.holder = self._tables.leader.lease_until = None

    @asynccontextmanager
    async def round(self, holder: str, epoch: int, ttl: float) -> AsyncIterator[Round]:
        async with self._tables.write():
            leader = self._tables.leader
            if (leader.holder, leader.epoch) != (holder, epoch):
                raise LeadershipLost(f"{leader.holder or 'nobody'} leads now, epoch {leader.epoch}")
            round_ = MemoryRound(self._tables)
            yield round_
            self._tables.answer()
            leader.lease_until = self._tables.now + timedelta(seconds=ttl)
            round_.commit()

    async def waiting_lanes(self) -> list[str]:
        await self._tables.read()
        return sorted({task.lane for task in self._tables.tasks.values() if _waits_for_place(task)})


class MemoryRound:
    """Implements ``ports.Round``. Its moves are seen by nobody else until it is committed."""

    def __init__(self, tables: Tables) -> None:
        self.config_version = tables.config_version
        self._tables = tables
        self._now = tables.now
        self._moved: dict[str, Task] = {}
        self._windows: dict[Scope, int] = {}
        self._ceilings: dict[str, dict[str, Any]] = {}
        self._refunds: Counter[str] = Counter()

    def commit(self) -> None:
        """Make the moves."""
        self._tables.tasks.update(self._moved)
        self._tables.windows.update(self._windows)
        self._tables.ceilings.update(self._ceilings)
        self._tables.refunds -= self._refunds

    async def wake_due(self, limit: int) -> set[str]:
        due = [t for t in self._tasks() if t.status is Status.SCHEDULED and t.run_at <= self._now]
        first = sorted(due, key=lambda t: (t.run_at, t.id))[:limit]
        for task in first:
            self._move(replace(task, status=Status.PENDING, updated_at=self._now))
        return {task.lane for task in first}

    async def expired(self, limit: int) -> list[str]:
        return [t.id for t in self._tasks() if (at := _expires(t)) is not None and at <= self._now][:limit]

    async def held(self) -> list[Held]:
        counts: Counter[tuple[str, str | None]] = Counter()
        suspects: Counter[tuple[str, str | None]] = Counter()
        for task in self._tasks():
            if task.holds_slot:
                counts[task.lane, task.worker_id] += 1
                suspects[task.lane, task.worker_id] += task.crashes >= SUSPECT_AFTER
        return [Held(lane, worker, n, suspects[lane, worker]) for (lane, worker), n in counts.items()]

    async def workers(self) -> list[Worker]:
        self._tables.answer()
        live = (w for w in self._tables.workers.values() if w.status is WorkerStatus.LIVE)
        return [worker for worker in live if worker.lease_until > self._now]

    async def unaccounted(self, limit: int) -> list[Head]:
        pending = (t for t in self._tasks() if t.status is Status.PENDING and t.holds_slot)
        return [_head(task) for task in sorted(pending, key=_order)[:limit]]

    async def heads(self, wanted: Mapping[str, int]) -> dict[str, list[Head]]:
        found: dict[str, list[Head]] = {lane: [] for lane in wanted}
        waiting = [
            t for t in self._tasks() if _waits_for_place(t) and (t.expires_at is None or t.expires_at > self._now)
        ]
        for task in sorted(waiting, key=_order):
            if len(found.get(task.lane, ())) < wanted.get(task.lane, 0):
                found[task.lane].append(_head(task))
        return found

    async def admit(self, places: Sequence[tuple[str, str]]) -> list[str]:
        self._tables.answer()
        admitted: list[str] = []
        for task_id, worker_id in places:
            task = self._moved.get(task_id) or self._tables.tasks.get(task_id)
            if task is not None and task.status is Status.PENDING:
                values = {"worker_id": worker_id, "holds_slot": True, "queued_at": self._now, "updated_at": self._now}
                self._move(replace(task, status=Status.QUEUED, **values))  # type: ignore[arg-type]
                admitted.append(task_id)
        return admitted

    async def windows(self) -> dict[Scope, int]:
        self._tables.answer()
        return {**self._tables.windows, **self._windows}

    async def refunds(self) -> dict[str, int]:
        self._tables.answer()
        found = self._tables.refunds - self._refunds
        self._refunds += found
        return dict(found)

    async def keep_windows(self, windows: Mapping[Scope, int]) -> None:
        self._tables.answer()
        self._windows.update(windows)

    async def ceilings(self) -> dict[str, dict[str, Any]]:
        self._tables.answer()
        return {name: through_json(document) for name, document in {**self._tables.ceilings, **self._ceilings}.items()}

    async def keep_ceilings(self, ceilings: Mapping[str, Mapping[str, Any]]) -> None:
        self._tables.answer()
        self._ceilings.update({name: through_json(dict(document)) for name, document in ceilings.items()})

    async def queued(self, lanes: Sequence[str], limit: int) -> list[tuple[str, str]]:
        mine = (t for t in self._tasks() if t.status is Status.QUEUED and t.lane in lanes and t.runner_state is None)
        return [(task.id, task.lane) for task in sorted(mine, key=_order, reverse=True)[:limit]]

    async def next_due(self) -> datetime | None:
        runs = (t.run_at for t in self._tasks() if t.status is Status.SCHEDULED)
        ends = (at for t in self._tasks() if (at := _expires(t)) is not None)
        return min((*runs, *ends), default=None)

    def _tasks(self) -> list[Task]:
        self._tables.answer()
        return [self._moved.get(id_, task) for id_, task in self._tables.tasks.items()]

    def _move(self, task: Task) -> None:
        self._moved[task.id] = check(task)


def _waits_for_place(task: Task) -> bool:
    return task.status is Status.PENDING and not task.holds_slot


def _expires(task: Task) -> datetime | None:
    if task.status is Status.AWAITING_INPUT:
        return task.answer_by
    waits = task.status in (Status.SCHEDULED, Status.PENDING) and not task.holds_slot
    return task.expires_at if waits else None


def _order(task: Task) -> tuple[datetime, str]:
    return task.sort_at, task.id


def _head(task: Task) -> Head:
    return Head(task.id, task.lane, task.crashes)
