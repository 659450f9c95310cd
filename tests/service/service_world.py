"""A task service on the in-memory parts, without a socket: what every test here talks to."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from tradefree.access.keys import Keys
from tradefree.access.scopes import Scope
from tradefree.access.sessions import Sessions
from tradefree.bootstrap import make_endpoints
from tradefree.broker.signals import LocalSignals
from tradefree.callbacks.guard import Guard
from tradefree.clock import SystemClock
from tradefree.events.hooks.book import HookBook, MessageCounter
from tradefree.events.hooks.reception import Reception
from tradefree.events.intake import Intake
from tradefree.events.rules import Rules
from tradefree.metrics.happened import Happened
from tradefree.metrics.page import Page
from tradefree.runners.echo import EchoRunner
from tradefree.service.app import create_app
from tradefree.service.context import RequestTracer
from tradefree.settings import Settings
from tradefree.tasks.announce import announce
from tradefree.tasks.callbacks.subscriptions import Subscriptions
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.endpoints import Endpoints
from tradefree.tasks.limiting import Limiting
from tradefree.tasks.measure import Measuring
from tradefree.tasks.ports import Runner, TaskFilter
from tradefree.tasks.states import TERMINAL, Status
from tradefree.tasks.submit import Submitter
from tradefree.tasks.task import LogLine, Task, Worker
from tradefree.tasks.transitions import Change
from tradefree.tasks.types import TaskType
from tradefree.testing.memory import MemoryStore

API = "/api/v1"
ENDLESS = {"stream_task", "watch_everything"}
"""Operations whose answers end with the task, or never; ``test_stream`` and ``test_live`` have them."""
MAX_BODY = 50_000
STRICT = {"type": "object", "properties": {"customer_id": {"type": "string"}}, "required": ["customer_id"]}


class WatchedSignals(LocalSignals):
    """Signals of which a test can tell who listens."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Condition()
        self.listeners: Counter[str] = Counter()

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        async with super().subscribe(*topics) as messages:
            await self._count(topics, 1)
            try:
                yield messages
            finally:
                await self._count(topics, -1)

    async def _count(self, topics: tuple[str, ...], step: int) -> None:
        async with self._changed:
            self.listeners.update(dict.fromkeys(topics, step))
            self._changed.notify_all()

    async def until(self, topic: str, listeners: int) -> None:
        """Return when so many listen to the topic."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: self.listeners[topic] == listeners)


@dataclass
class Dispatcher:
    epoch: int | None = 1


@dataclass
class System:
    """The parts of a service, as the composition root would hand them over."""

    settings: Settings
    clock: SystemClock
    store: MemoryStore
    signals: WatchedSignals
    runners: Mapping[str, Runner] = field(default_factory=lambda: {"echo": EchoRunner()})
    endpoints: Mapping[str, Endpoints] = field(default_factory=make_endpoints)
    dispatcher: Dispatcher = field(default_factory=Dispatcher)
    stream_secret: bytes = hashlib.sha256(b"test").digest()
    version: str = "0.0.test"
    tracer: RequestTracer | None = None
    trouble: dict[str, str | None] = field(default_factory=lambda: {"database": None, "broker": None})

    def __post_init__(self) -> None:
        self.catalog = Catalog(self.store, self.clock)
        self.rules = Rules(self.store, self.store, self.clock)
        self.intake = Intake(self.store, self.rules, self.catalog, self.signals, self.clock)
        self.control = Control(self.store, self.store, self.catalog, self.signals, self.clock)
        self.limiting = Limiting(self.store, self.store, self.catalog, self.signals, self.clock)
        guard = Guard(["hooks.test"])
        self.submitter = Submitter(self.store, self.catalog, self.signals, self.clock, guard=guard)
        self.subscriptions = Subscriptions(self.store, self.catalog, self.signals, self.clock, guard)
        self.keys = Keys(self.store, self.clock)
        self.sessions = Sessions(self.store, self.keys, self.clock)
        self.hooks = HookBook(self.store, self.clock)
        self.happened = Happened(self.version)
        self.metrics = Page(self.happened, Measuring(self.store, self.catalog, self.clock).picture)
        self.reception = Reception(self.hooks, MessageCounter(self.store, self.clock), self.intake, self.clock)

    async def about(self) -> Mapping[str, Any]:
        return {
            "database": "none",
            "schema_version": None,
            "protocol": 1,
            "leader": None,
            "last_backup": None,
            "last_proved_backup": None,
        }

    async def ping(self) -> Mapping[str, str | None]:
        return self.trouble


@dataclass
class World:
    """The service, its parts, and hands to move tasks with."""

    system: System
    app: FastAPI
    api: httpx.AsyncClient = field(init=False)
    """A client that may do everything."""
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def key(self, *scopes: Scope, **rules: Any) -> str:
        """A fresh key's secret."""
        _, secret = await self.system.keys.create("a test", frozenset(scopes), **rules)
        return secret

    def client(self, secret: str | None = None) -> httpx.AsyncClient:
        """A client, with this key or with none."""
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://service", headers=headers
        )
        self.clients.append(client)
        return client

    async def as_key(self, *scopes: Scope, **rules: Any) -> httpx.AsyncClient:
        """A client with a fresh key."""
        return self.client(await self.key(*scopes, **rules))

    async def first_task(self) -> Task:
        """The newest task, as soon as there is one."""
        async with asyncio.timeout(10):
            while True:
                if found := await self.system.store.find(TaskFilter(), limit=1):
                    return found[0]
                await asyncio.sleep(0.005)

    async def tasks(self) -> int:
        """How many tasks are stored."""
        return sum(sum(counts.values()) for counts in (await self.system.store.counts()).values())

    async def move(self, task_id: str, status: Status, **values: Any) -> None:
        """Put a task into a state, whatever it was in before, and announce it."""
        now = self.system.clock.now()
        if status in TERMINAL:
            values = {"finished_at": now, "holds_slot": False, "worker_id": None, **values}
        if status is Status.PROCESSING:
            values = {"started_at": now, "holds_slot": True, "worker_id": "w-1", "attempt_count": 1, **values}

        def decide(task: Task) -> Change:
            line = LogLine(task.id, now, "info", f"Now {status}.", f"task.{status}", 1)
            return Change(task, {"status": status, "updated_at": now, **values}, line)

        announce(self.system.signals, await self.system.store.decide([task_id], decide))

    async def log(self, task_id: str, *messages: str, level: str = "info") -> None:
        """Append lines to a task's log."""
        now = self.system.clock.now()
        await self.system.store.append_logs([LogLine(task_id, now, level, message) for message in messages])

    async def enlist(self, name: str, capacity: int, lease: float = 60.0, worker_id: str | None = None) -> Worker:
        """A worker with a lease of so many seconds."""
        now = self.system.clock.now()
        worker = Worker(
            worker_id or f"id-{name}", name, f"{name}.dq", ("default",), capacity, "1", now, now + timedelta(seconds=60)
        )
        await self.system.store.enlist(worker, lease)
        return worker


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """A fresh world with two task types: ``echo`` and ``strict``."""
    clock = SystemClock()
    store = MemoryStore(clock)
    await store.put_task_type(TaskType(name="echo", runner="echo"))
    await store.put_task_type(TaskType(name="strict", runner="echo", input_schema=STRICT))
    system = System(Settings(max_body_bytes=MAX_BODY), clock, store, WatchedSignals())
    world = World(system, create_app(system))
    world.api = await world.as_key(Scope.ADMIN)
    try:
        yield world
    finally:
        for client in world.clients:
            await client.aclose()
