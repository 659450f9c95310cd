"""The stores that the conformance suite runs over. Add an engine here and every test holds it, too."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from private_servers import DATABASES, database_on
from tradefree.access.keys import KeyStore
from tradefree.access.secrets import SecretBox, new_key
from tradefree.access.sessions import SessionStore
from tradefree.clock import Clock
from tradefree.database.migrate import upgrade
from tradefree.database.store import SqlStore
from tradefree.database.tables import metadata
from tradefree.events.hooks.ports import HookStore
from tradefree.events.ports import EventStore
from tradefree.events.retention import RetentionStore
from tradefree.events.schedules.ports import ScheduleStore
from tradefree.tasks.ports import (
    BrowseStore,
    CatalogStore,
    FollowStore,
    HoldStore,
    MeasureStore,
    Store,
    SubscriptionStore,
    TallyStore,
)
from tradefree.tasks.retention import TaskRetentionStore
from tradefree.testing.memory import MemoryStore


class AnyStore(
    Store,
    BrowseStore,
    FollowStore,
    TallyStore,
    HoldStore,
    CatalogStore,
    MeasureStore,
    SubscriptionStore,
    KeyStore,
    SessionStore,
    EventStore,
    HookStore,
    ScheduleStore,
    RetentionStore,
    TaskRetentionStore,
    Protocol,
):
    """Every storage port."""


Engine = Callable[[Clock], AbstractAsyncContextManager[AnyStore]]
"""Opens an empty store whose time is the clock's."""


@asynccontextmanager
async def memory(clock: Clock) -> AsyncIterator[AnyStore]:
    yield MemoryStore(clock)


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A folder for files that no machine's death need spare: nobody waits for a disk there."""


@asynccontextmanager
async def sqlite(clock: Clock) -> AsyncIterator[AnyStore]:
    with TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder) / "tasks.db"
        url = sa.make_url(f"sqlite+aiosqlite:///{file}")
        shutil.copy(await migrated_file(clock), file)
        store = SqlStore(url, clock, SecretBox(new_key()))
        try:
            yield store
        finally:
            await store.close()


_template = TemporaryDirectory(prefix="tradefree-tests-")


async def migrated_file(clock: Clock) -> Path:
    """An empty database with all tables, made once: migrating takes longer than most tests."""
    file = Path(_template.name) / "empty.db"
    if not file.exists():
        made = file.with_suffix(".new")
        store = SqlStore(sa.make_url(f"sqlite+aiosqlite:///{made}"), clock, SecretBox(new_key()))
        await upgrade(store.database)
        await store.close()
        made.rename(file)
    return file


@asynccontextmanager
async def server(url: str, clock: Clock) -> AsyncIterator[AnyStore]:
    """A store on a database server: the same database each time, emptied before use."""
    store = SqlStore(sa.make_url(url), clock, SecretBox(new_key()))
    if url not in _migrated_servers:
        await upgrade(store.database)
        _migrated_servers.add(url)

    async def empty(connection: AsyncConnection) -> None:
        for name in await connection.scalars(sa.text(_FILLED)):
            await connection.execute(sa.text(f"DELETE FROM {name}"))
        await connection.execute(
            sa.text("UPDATE leaders SET holder = NULL, lease_until = NULL, epoch = 0, config_version = 0")
        )

    await store.database.write(empty)
    store.database.time_is_the_clocks()
    try:
        yield store
    finally:
        await store.close()


_migrated_servers: set[str] = set()
_FILLED = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in metadata.tables if name != "leaders")
"""Finds the tables that have rows: a test fills few, and emptying all of them takes longer than most tests."""


def on_server(kind: str) -> Engine:
    """An engine on the private server of this kind."""

    @asynccontextmanager
    async def opened(clock: Clock) -> AsyncIterator[AnyStore]:
        async with server(database_on(kind), clock) as store:
            yield store

    return opened


ENGINES: dict[str, Engine] = {"memory": memory, "sqlite": sqlite} | {kind: on_server(kind) for kind in DATABASES}
