"""Short words for what tests do to a store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from stores.engines import AnyStore
from tradefree.ids import new_id, new_id_at
from tradefree.tasks.outcome import Completed, DidNotWork, Outcome, Report
from tradefree.tasks.ports import Round, RunState, Store, Submission
from tradefree.tasks.states import Status
from tradefree.tasks.task import LogLine, Task, Worker, lane_of, sort_at
from tradefree.tasks.transitions import Change, Rules, finish
from tradefree.testing.clock import FrozenClock

TTL = 3.0
LEASE = 15.0


def a_task(now: datetime, type_: str = "echo", *, run_in: float = 0.0, **values: Any) -> Task:
    """A task as ``submit.prepare`` makes it."""
    run_at = now + timedelta(seconds=run_in)
    key, priority = values.get("concurrency_key"), values.get("priority", 0)
    fields: dict[str, Any] = {
        "id": new_id_at(now),
        "type": type_,
        "status": Status.SCHEDULED if run_in > 0 else Status.PENDING,
        "created_at": now,
        "updated_at": now,
        "run_at": run_at,
        "sort_at": sort_at(run_at, priority),
        "lane": lane_of(type_, key),
        "input_data": {},
    }
    return Task(**(fields | values))


def a_worker(now: datetime, worker_id: str = "w1", **values: Any) -> Worker:
    """A live worker. The store sets its lease."""
    fields: dict[str, Any] = {
        "id": worker_id,
        "name": f"name of {worker_id}",
        "address": f"queue.{worker_id}",
        "queues": ("default",),
        "capacity": 10,
        "version": "1.0",
        "started_at": now,
        "lease_until": now,
    }
    return Worker(**(fields | values))


async def save_state(store: Store, task_id: str, attempt: int, worker_id: str, state: dict[str, Any]) -> bool:
    """Store one state; False if the worker no longer has the task."""
    (saved,) = await store.save_states(worker_id, [RunState(task_id, attempt, state)])
    return saved


class Acts:
    """A store and a clock in practised hands. ``w1`` is the worker unless another is named."""

    def __init__(self, store: AnyStore, clock: FrozenClock) -> None:
        self.store = store
        self.clock = clock

    def task(self, type_: str = "echo", **values: Any) -> Task:
        return a_task(self.clock.now(), type_, **values)

    def line(self, task: Task, message: str = "hello", level: str = "info", **values: Any) -> LogLine:
        return LogLine(task.id, self.clock.now(), level, message, **values)

    async def submitted(self, type_: str = "echo", **values: Any) -> Task:
        """A task, stored."""
        task = self.task(type_, **values)
        await self.submit(task)
        return task

    async def submit(self, *tasks: Task) -> None:
        await self.store.submit([Submission(task) for task in tasks])

    async def enlist(self, worker_id: str = "w1", **values: Any) -> Worker:
        worker = a_worker(self.clock.now(), worker_id, **values)
        await self.store.enlist(worker, LEASE)
        return worker

    @asynccontextmanager
    async def round(self, holder: str = "leader") -> AsyncIterator[Round]:
        epoch = await self.store.lead(holder, TTL)
        assert epoch is not None
        async with self.store.round(holder, epoch, TTL) as round_:
            yield round_

    async def admit(self, *tasks: Task, to: str = "w1") -> list[str]:
        async with self.round() as round_:
            return await round_.admit([(task.id, to) for task in tasks])

    async def claim(self, *tasks: Task, by: str = "w1", token: str | None = None) -> list[Task]:
        return await self.store.claim(by, [task.id for task in tasks], token or new_id())

    async def running(self, type_: str = "echo", *, on: str = "w1", **values: Any) -> Task:
        """A task that the worker performs."""
        if on not in {worker.id for worker, _ in await self.store.all_workers()}:
            await self.enlist(on)
        task = await self.submitted(type_, **values)
        await self.admit(task, to=on)
        (claimed,) = await self.claim(task, by=on)
        return claimed

    async def finish(self, task: Task, outcome: Outcome, lines: Sequence[LogLine] = (), **rules: Any) -> list[Change]:
        """Hand in the outcome of the attempt that ``task`` was claimed for."""
        assert task.worker_id is not None
        report = Report(task.id, task.attempt_count, task.worker_id, outcome, tuple(lines))
        now = self.clock.now()
        return await self.store.decide([task.id], lambda t: finish(t, report, Rules(**rules), now, 0.5))

    async def completed(self, type_: str = "echo", output: Any = None, **values: Any) -> Task:
        task = await self.running(type_, **values)
        await self.finish(task, Completed(output))
        return await self.see(task)

    async def failed(self, type_: str = "echo", code: str = "nope", message: str = "No.", **values: Any) -> Task:
        task = await self.running(type_, **values)
        await self.finish(task, DidNotWork(code, message, retryable=False))
        return await self.see(task)

    async def see(self, task: Task) -> Task:
        """The task as it is stored now, with payloads."""
        found = await self.store.task(task.id)
        assert found is not None
        return found

    async def status(self, task: Task) -> Status:
        return (await self.see(task)).status
