"""The composition root: the only file that knows every adapter."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from celery import Celery

from tradefree.access.keys import Keys
from tradefree.access.secrets import SecretBox, key_beside
from tradefree.broker.celery_app import make_celery
from tradefree.broker.doorbell import CeleryDoorbell
from tradefree.broker.redis_client import knock, refuse_unfit
from tradefree.broker.redis_signals import RedisSignals
from tradefree.broker.signals import LocalSignals
from tradefree.clock import Clock, SystemClock
from tradefree.database.migrate import require_current
from tradefree.database.store import SqlStore
from tradefree.dify.runner import WorkflowRunner
from tradefree.errors import SettingsError, StorageUnavailable
from tradefree.ids import new_id
from tradefree.runners.registry import load_runners
from tradefree.settings import Settings
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.dispatch import Dispatcher
from tradefree.tasks.ports import Runner, Signals
from tradefree.tasks.recover import Recovery
from tradefree.tasks.submit import Submitter

VERSION = version("tradefree")


class RunningSignals(Signals, Protocol):
    """Signals that must be kept running in the event loop that uses them."""

    def running(self) -> contextlib.AbstractAsyncContextManager[None]: ...


@dataclass(frozen=True)
class System:
    """Everything one task service is made of."""

    settings: Settings
    clock: Clock
    store: SqlStore
    catalog: Catalog
    submitter: Submitter
    control: Control
    keys: Keys
    signals: Signals
    runners: Mapping[str, Runner]
    dispatcher: Dispatcher
    recovery: Recovery
    stream_secret: bytes
    """Signs the short-lived links to task streams."""
    ping: Callable[[], Awaitable[Mapping[str, str | None]]]
    version: str = VERSION


@dataclass(frozen=True)
class WorkerParts:
    """What a worker's runtime is made of."""

    clock: Clock
    store: SqlStore
    catalog: Catalog
    signals: Signals
    runners: Mapping[str, Runner]


def secret_keys(settings: Settings) -> str:
    """The Fernet keys: from the settings or, with SQLite, from beside the database file."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if settings.database.get_backend_name() == "sqlite" and settings.database.database:
        file = Path(settings.database.database)
        try:
            return key_beside(file)
        except OSError as error:
            raise SettingsError(f"TRADEFREE_DATABASE_URL: cannot write beside {file}: {error.strerror}") from None
    raise SettingsError(
        "TRADEFREE_SECRET_KEY: is needed with this database; `tradefree keys secret` prints a fresh one"
    )


def make_store(settings: Settings, clock: Clock) -> SqlStore:
    """The store on the configured database. Use it in one event loop only."""
    return SqlStore(settings.database, clock, SecretBox(secret_keys(settings)))


def make_runners() -> dict[str, Runner]:
    """Every runner there is."""
    return load_runners([WorkflowRunner()])


def make_signals(settings: Settings) -> RunningSignals:
    """Signals for these settings; with the in-memory broker all parts must share the one object."""
    return LocalSignals() if settings.embedded else RedisSignals(settings, SecretBox(secret_keys(settings)))


@contextlib.asynccontextmanager
async def open_system(settings: Settings, signals: RunningSignals, celery: Celery) -> AsyncIterator[System]:
    """A task service's parts, with a dispatcher that is not yet running; closed at the end."""
    clock = SystemClock()
    store = make_store(settings, clock)
    doorbell = CeleryDoorbell(celery)
    runners = make_runners()
    try:
        await _require_fitting(settings, store)
        catalog = Catalog(store, clock)
        resumable = frozenset(name for name, runner in runners.items() if runner.resumable)
        recovery = Recovery(store, catalog, doorbell, signals, clock, resumable)
        holder = f"{socket.gethostname()[:20]}:{os.getpid()}:{new_id()[-8:]}"
        system = System(
            settings=settings,
            clock=clock,
            store=store,
            catalog=catalog,
            submitter=Submitter(store, catalog, signals, clock),
            control=Control(store, store, catalog, signals, clock),
            keys=Keys(store, clock),
            signals=signals,
            runners=runners,
            dispatcher=Dispatcher(holder, store, catalog, doorbell, signals, recovery, clock),
            recovery=recovery,
            stream_secret=hashlib.sha256(b"stream:" + secret_keys(settings).encode()).digest(),
            ping=lambda: _ping(settings, store),
        )
        _collect_less_often()
        async with signals.running():
            yield system
    finally:
        doorbell.close()
        await store.close()


@contextlib.asynccontextmanager
async def open_worker(settings: Settings, signals: RunningSignals) -> AsyncIterator[WorkerParts]:
    """A worker's parts; closed at the end."""
    clock = SystemClock()
    store = make_store(settings, clock)
    runners = make_runners()
    try:
        await _require_fitting(settings, store)
        _collect_less_often()
        async with signals.running():
            yield WorkerParts(clock, store, Catalog(store, clock), signals, runners)
    finally:
        for runner in runners.values():
            if (close := getattr(runner, "close", None)) is not None:
                await close()
        await store.close()


def _collect_less_often() -> None:
    """What is there at the start stays for good, so the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _require_fitting(settings: Settings, store: SqlStore) -> None:
    """Raise SettingsError, saying what to do, if database or broker are there but cannot be worked with."""
    await require_current(store.database)
    if not settings.embedded:
        await refuse_unfit(settings)


async def _ping(settings: Settings, store: SqlStore) -> dict[str, str | None]:
    """What is wrong with each part, in a sentence; None if nothing is."""
    trouble: dict[str, str | None] = {"database": None, "broker": None}
    if not settings.embedded:
        trouble["broker"] = await knock(settings)
    try:
        await store.database.read(lambda connection: connection.scalar(sa.text("SELECT 1 FROM leaders")))
    except StorageUnavailable as error:
        trouble["database"] = str(error)
    return trouble


__all__ = [
    "System",
    "WorkerParts",
    "make_celery",
    "make_runners",
    "make_signals",
    "make_store",
    "open_system",
    "open_worker",
]
