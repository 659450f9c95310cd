"""The whole domain on in-memory parts, moved by hand: nothing runs by itself, time stands still."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from tradefree.errors import LeadershipLost
from tradefree.events.intake import Intake
from tradefree.events.rules import Rules
from tradefree.ids import new_id
from tradefree.tasks.admit import Admitted
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.dispatch import TTL, Dispatcher
from tradefree.tasks.outcome import Outcome, Report
from tradefree.tasks.ports import DISPATCH, Accepted
from tradefree.tasks.recover import LEASE, Recovery, rules_of
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask, Submitter
from tradefree.tasks.task import Task, Worker
from tradefree.tasks.transitions import Change, finish
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.doubles import RecordingDoorbell, RecordingSignals
from tradefree.testing.memory import MemoryStore

RESUMABLE = frozenset({"resumable"})
"""Runners whose runs may outlive their worker."""


class System:
    """A system with one dispatcher that leads and as many workers as are enlisted."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.store = MemoryStore(self.clock)
        self.signals = RecordingSignals()
        self.doorbell = RecordingDoorbell()
        self.catalog = Catalog(self.store, self.clock)
        self.rules = Rules(self.store, self.store, self.clock)
        self.intake = Intake(self.store, self.rules, self.catalog, self.signals, self.clock)
        self.submitter = Submitter(self.store, self.catalog, self.signals, self.clock)
        self.control = Control(self.store, self.store, self.catalog, self.signals, self.clock)
        self.recovery = Recovery(self.store, self.catalog, RecordingDoorbell(), self.signals, self.clock, RESUMABLE)
        self.dispatcher = Dispatcher(
            "leader", self.store, self.catalog, self.doorbell, self.signals, self.recovery, self.clock
        )

    async def define(self, name: str = "echo", *, runner: str = "echo", **values: Any) -> TaskType:
        task_type = TaskType.model_validate({"name": name, "runner": runner, **values})
        await self.store.put_task_type(task_type)
        self.catalog.forget()
        return task_type

    async def worker(self, worker_id: str = "w1", capacity: int = 10, queues: Sequence[str] = ("default",)) -> None:
        now = self.clock.now()
        worker = Worker(worker_id, worker_id, f"queue.{worker_id}", tuple(queues), capacity, "1.0", now, now)
        await self.store.enlist(worker, LEASE)

    async def submit(self, type_: str = "echo", **values: Any) -> Task:
        return (await self.accept(type_, **values)).task

    async def submit_many(self, number: int, **values: Any) -> list[Task]:
        """Together, as many callers at once are taken in."""
        return await asyncio.gather(*(self.submit(**values) for _ in range(number)))

    async def accept(self, type_: str = "echo", *, key: str | None = None, **values: Any) -> Accepted:
        return await self.submitter.submit(NewTask(type_, **values), key=key)

    async def round(self) -> Admitted:
        """A round of the dispatcher, which leads if it does not yet; it has heard of every waiting lane."""
        if self.dispatcher.epoch is None:
            self.dispatcher.epoch = await self.store.lead("leader", TTL)
        self.dispatcher._admission.hear(await self.store.waiting_lanes())
        try:
            return await self.dispatcher.round()
        except LeadershipLost:
            self.dispatcher.epoch = None
            raise

    async def rounds(self) -> list[str]:
        """The ids that rounds admit until one asks for no other. The dispatcher knows only what it was told."""
        if self.dispatcher.epoch is None:
            self.dispatcher.epoch = await self.store.lead("leader", TTL)
        ids: list[str] = []
        more = True
        while more:
            for message in self.signals.on(DISPATCH):
                self.dispatcher._admission.hear(message["lanes"])
            self.signals.published.clear()
            self.dispatcher._rescan_at = math.inf
            admitted = await self.dispatcher.round()
            ids += [id_ for of_worker in admitted.by_worker.values() for id_ in of_worker]
            more = admitted.more
        return ids

    async def claim(self, *tasks: Task, by: str = "w1") -> list[Task]:
        return await self.store.claim(by, [task.id for task in tasks], new_id())

    async def running(self, type_: str = "echo", *, by: str = "w1", **values: Any) -> Task:
        """A task that the worker performs, admitted without regard to limits."""
        task = await self.submit(type_, **values)
        await self.place(task, by=by)
        (claimed,) = await self.claim(task, by=by)
        return claimed

    async def place(self, *tasks: Task, by: str = "w1") -> None:
        """Admit these tasks to a worker without asking anyone."""
        epoch = await self.store.lead("leader", TTL)
        assert epoch is not None
        self.dispatcher.epoch = epoch
        async with self.store.round("leader", epoch, TTL) as round_:
            assert await round_.admit([(task.id, by) for task in tasks]) == [task.id for task in tasks]

    async def finish(self, task: Task, outcome: Outcome) -> list[Change]:
        """Hand in what the attempt that ``task`` was claimed for came to."""
        assert task.worker_id is not None
        report = Report(task.id, task.attempt_count, task.worker_id, outcome)
        rules = rules_of((await self.catalog.types()).get(task.type), RESUMABLE)
        now = self.clock.now()
        return await self.store.decide([task.id], lambda t: finish(t, report, rules, now, 0.5))

    async def see(self, task: Task) -> Task:
        found = await self.store.task(task.id)
        assert found is not None
        return found

    async def status(self, task: Task) -> Status:
        return (await self.see(task)).status

    async def beat(self, *workers: str) -> None:
        for worker in workers:
            await self.store.beat(worker, LEASE)
