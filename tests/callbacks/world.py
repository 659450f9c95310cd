"""A worker with the runner of deliveries, on an in-memory store and a clock that stands still."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tradefree.callbacks.guard import Guard
from tradefree.callbacks.health import HealthBook
from tradefree.callbacks.runner import CallbackRunner
from tradefree.callbacks.sender import Sender
from tradefree.runners.echo import EchoRunner
from tradefree.tasks.admit import Admission
from tradefree.tasks.callbacks.delivery import EVENT, Delivery, delivery_task
from tradefree.tasks.callbacks.subscription import Subscription
from tradefree.tasks.callbacks.subscriptions import Subscriptions
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.ports import Submission
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask, Submitter
from tradefree.tasks.task import Task
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.doubles import RecordingSignals
from tradefree.testing.memory import MemoryStore
from tradefree.testing.receiver import CallbackReceiver, Told
from tradefree.worker.runtime import Runtime

PUBLIC = "https://tasks.example.com"


class Callbacks:
    """``admit`` stands for the dispatcher; whoever waits for something lets it admit."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.store = MemoryStore(self.clock)
        self.signals = RecordingSignals()
        self.catalog = Catalog(self.store, self.clock)
        self.submitter = Submitter(self.store, self.catalog, self.signals, self.clock)
        self.control = Control(self.store, self.store, self.catalog, self.signals, self.clock)
        self.subscriptions = Subscriptions(self.store, self.catalog, self.signals, self.clock)
        self.runner = CallbackRunner(
            Sender(Guard(["127.0.0.1"])),
            self.catalog,
            self.subscriptions,
            HealthBook(self.store, self.catalog, self.signals, self.clock),
            self.clock,
            PUBLIC,
        )
        self.runtime = Runtime(
            store=self.store,
            catalog=self.catalog,
            runners={"echo": EchoRunner(), "callback": self.runner},
            signals=self.signals,
            clock=self.clock,
            name="test",
            address="test.queue",
            queues=("default",),
            capacity=50,
            max_output_bytes=100_000,
            version="0",
        )
        self._admission = Admission()
        self._heard = 0

    async def subscribe(self, name: str, url: str, **rules: Any) -> None:
        await self.subscriptions.put(Subscription(name=name, url=url, **rules), None, by="a test")

    async def ended(self, input_data: Any = None, **more: Any) -> str:
        """The id of a task that has completed."""
        task = (await self.submitter.submit(NewTask("echo", input_data or {}, **more))).task
        await self.until(self._is(task.id, Status.COMPLETED))
        return task.id

    async def send_now(self, url: str, **more: Any) -> None:
        """A delivery that tells of nothing, to this address."""
        said = Delivery(f"{EVENT}completed", self.clock.now(), {}, url=url, **more)
        await self.store.submit([Submission(delivery_task(said, self.clock.now()))])
        await self.admit()

    async def deliveries(self, task_id: str, status: Status, *, error_code: str | None = None) -> list[Task]:
        """The deliveries that tell of the task, as soon as all have this status (and the last attempt met that)."""

        async def there() -> bool:
            found = await self.store.deliveries_of(task_id, 10)
            return bool(found) and all(d.status is status and error_code in (None, d.error_code) for d in found)

        await self.until(there)
        found = [await self.store.task(delivery.id) for delivery in await self.store.deliveries_of(task_id, 10)]
        return [task for task in found if task is not None]

    async def heard(self, receiver: CallbackReceiver) -> Told:
        """What the receiver is told next."""

        async def more() -> bool:
            return len(receiver.told) > self._heard

        await self.until(more)
        self._heard += 1
        return receiver.told[self._heard - 1]

    def failures(self, name: str, number: int) -> Callable[[], Awaitable[bool]]:
        """Whether so many failures in a row are written down."""

        async def there() -> bool:
            health = (await self.store.healths())[name]
            return health.failures == number and (number > 0 or health.last_success_at is not None)

        return there

    def _is(self, task_id: str, status: Status) -> Callable[[], Awaitable[bool]]:
        async def there() -> bool:
            task = await self.store.task(task_id)
            return task is not None and task.status is status

        return there

    async def admit(self) -> list[str]:
        """One round of a dispatcher, with the rings."""
        epoch = await self.store.lead("leader", 3)
        assert epoch is not None
        async with self.store.round("leader", epoch, 3) as round_:
            self._admission.configure(await self.catalog.book(version=round_.config_version))
            self._admission.hear(await self.store.waiting_lanes())
            admitted = await self._admission.run(round_, self.clock.now())
        ids = [task_id for of_worker in admitted.by_worker.values() for task_id in of_worker]
        self.runtime.hear(ids)
        return ids

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Let the dispatcher work until it is so."""
        async with asyncio.timeout(20):
            while not await condition():
                await self.admit()
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[Callbacks]:
    """With a worker at work and the task type ``echo``."""
    world = Callbacks()
    await world.store.put_task_type(TaskType(name="echo", runner="echo"))
    await world.runtime.start()
    working = asyncio.create_task(world.runtime.run())
    try:
        yield world
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await world.runner.close()
