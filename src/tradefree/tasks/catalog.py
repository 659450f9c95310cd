"""Task types and connections, kept at hand and read again when they changed."""

from __future__ import annotations

from tradefree.clock import Clock
from tradefree.errors import InvalidInput, StorageUnavailable
from tradefree.tasks.book import Book
from tradefree.tasks.callbacks.delivery import CALLBACK_TYPE, pauses
from tradefree.tasks.callbacks.subscription import Subscriber
from tradefree.tasks.ports import CatalogStore, Limits
from tradefree.tasks.types import OURS, Connection, TaskType

MAX_AGE = 1.0
"""Seconds for which definitions are believed without a word from the database."""

NEWS_AGE = 0.05
"""Seconds between looks for a type that is not known: a batch of a thousand wrong ones is one look."""


class Catalog:
    """A cache of definitions. Dispatcher and workers learn of changes by the configuration's version."""

    def __init__(self, store: CatalogStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.version = -1
        """Of the definitions that were read last."""
        self._types: dict[str, TaskType] = {}
        self._connections: dict[str, Connection] = {}
        self._subscribers: dict[str, Subscriber] = {}
        self._limits = Limits()
        self._book: Book | None = None
        self._read_at = float("-inf")

    async def types(self, *, version: int | None = None) -> dict[str, TaskType]:
        """Task types by name, the built-in ones too, not older than ``MAX_AGE`` seconds or, if given, not older than
        that version."""
        fresh = self._age() < MAX_AGE if version is None else self.version >= version
        if not fresh:
            await self._read()
        return self._types

    async def task_type(self, name: str) -> TaskType:
        """One task type; raises InvalidInput with the field ``type`` if there is none."""
        types = await self.types()
        if name not in types and self._age() >= NEWS_AGE:  # another service may have defined it just now
            types = await self.anew()
        if name.startswith(OURS):
            raise InvalidInput(
                f"tasks of type {name[:80]!r} are made by the system itself", field="type", code="type_of_ours"
            )
        if name not in types:
            known = (
                ", ".join([name for name in sorted(types) if not name.startswith(OURS)][:10]) or "none is defined yet"
            )
            raise InvalidInput(
                f"unknown task type {name[:80]!r}; known: {known}", field="type", code="unknown", facts={"known": known}
            )
        return types[name]

    async def book(self, *, version: int | None = None) -> Book:
        """The book of limits, as fresh as the task types. The same object as long as nothing has changed."""
        await self.types(version=version)
        now = self._clock.now()
        ends = self._book.changes_at if self._book is not None else None
        if self._book is None or (ends is not None and ends <= now):
            limits = self._limits
            overrides = pauses(self._subscribers.values(), limits.overrides)
            self._book = Book.at(now, self._types, self._connections, limits.baselines, overrides)
        return self._book

    async def connection(self, name: str) -> Connection | None:
        """A connection with its secret, as fresh as the task types."""
        await self.types()
        return self._connections.get(name)

    async def subscribers(self) -> dict[str, Subscriber]:
        """Subscriptions by name with their secrets, as fresh as the task types."""
        await self.types()
        return self._subscribers

    async def anew(self) -> dict[str, TaskType]:
        """Task types read from the database now, whatever is cached: before saying that there is no such thing."""
        await self._read()
        return self._types

    def forget(self) -> None:
        """Read again at the next call: something was changed here."""
        self._read_at = float("-inf")

    def _age(self) -> float:
        return self._clock.monotonic() - self._read_at

    async def _read(self) -> None:
        """While the database is away, what was read before is believed on."""
        asked_at = self._clock.monotonic()
        try:
            if await self._store.config_version() != self.version:
                version, types = await self._store.task_types()
                connections = await self._store.connections()
                self._subscribers = await self._store.subscribers()
                self._limits = await self._store.limits()
                self.version, self._connections = version, connections
                self._types = {**types, CALLBACK_TYPE.name: CALLBACK_TYPE}
                self._book = None
        except StorageUnavailable:
            if self.version < 0:
                raise
            return
        self._read_at = asked_at
