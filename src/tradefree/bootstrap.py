"""The composition root: the only file that knows every adapter."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from celery import Celery

from tradefree.access.keys import Keys
from tradefree.access.quotas import quota_rate
from tradefree.access.secrets import SecretBox, key_beside
from tradefree.access.sessions import Sessions
from tradefree.backups.schedule import Plan, Schedule
from tradefree.backups.shelf import FolderShelf
from tradefree.broker.celery_app import make_celery
from tradefree.broker.doorbell import CeleryDoorbell
from tradefree.broker.redis_client import knock, refuse_unfit
from tradefree.broker.redis_signals import RedisSignals
from tradefree.broker.signals import LocalSignals
from tradefree.callbacks.guard import Guard
from tradefree.callbacks.health import HealthBook
from tradefree.callbacks.runner import CallbackRunner
from tradefree.callbacks.sender import Sender
from tradefree.clock import Clock, SystemClock
from tradefree.database.about import about
from tradefree.database.migrate import require_current
from tradefree.database.store import SqlStore
from tradefree.dify.examine import DifyEndpoints
from tradefree.dify.runner import dify_runners
from tradefree.errors import SettingsError, StorageUnavailable
from tradefree.events.hooks.book import HookBook, MessageCounter
from tradefree.events.hooks.reception import Reception
from tradefree.events.intake import Intake
from tradefree.events.retention import Retention
from tradefree.events.rules import Rules
from tradefree.events.schedules.keeper import Keeper
from tradefree.ids import new_id
from tradefree.metrics.happened import Happened
from tradefree.metrics.page import Page
from tradefree.runners.registry import load_runners
from tradefree.settings import Settings
from tradefree.tasks.callbacks.subscriptions import Subscriptions
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.dispatch import Dispatcher
from tradefree.tasks.endpoints import Endpoints
from tradefree.tasks.holding import Holding
from tradefree.tasks.leisure import Leisure
from tradefree.tasks.limiting import Limiting
from tradefree.tasks.measure import Measuring
from tradefree.tasks.ports import UNTRACED, Runner, Signals, Tracer
from tradefree.tasks.recover import Recovery
from tradefree.tasks.retention import Kept, TaskRetention
from tradefree.tasks.states import Status
from tradefree.tasks.submit import Submitter
from tradefree.tasks.tally import Tally
from tradefree.traces.start import tracing

if TYPE_CHECKING:
    from tradefree.traces.spans import Spans

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
    rules: Rules
    intake: Intake
    hooks: HookBook
    reception: Reception
    keeper: Keeper
    retention: Retention
    task_retention: TaskRetention
    tally: Tally
    holding: Holding
    backups: Schedule
    control: Control
    limiting: Limiting
    subscriptions: Subscriptions
    keys: Keys
    sessions: Sessions
    signals: Signals
    runners: Mapping[str, Runner]
    endpoints: Mapping[str, Endpoints]
    dispatcher: Dispatcher
    recovery: Recovery
    happened: Happened
    metrics: Page
    tracer: Spans | None
    stream_secret: bytes
    """Signs the short-lived links to task streams."""
    ping: Callable[[], Awaitable[Mapping[str, str | None]]]
    about: Callable[[], Awaitable[Mapping[str, Any]]]
    version: str = VERSION


@dataclass(frozen=True)
class WorkerParts:
    """What a worker's runtime is made of."""

    clock: Clock
    store: SqlStore
    catalog: Catalog
    signals: Signals
    runners: Mapping[str, Runner]
    tracer: Tracer


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
    return load_runners(dify_runners())


def make_guard(settings: Settings) -> Guard:
    """Where callbacks may go."""
    return Guard(settings.callback_hosts)


def make_subscriptions(
    settings: Settings, store: SqlStore, catalog: Catalog, signals: Signals, clock: Clock
) -> Subscriptions:
    """Who is told about tasks."""
    return Subscriptions(store, catalog, signals, clock, make_guard(settings))


def make_callback_runner(
    settings: Settings, store: SqlStore, catalog: Catalog, signals: Signals, clock: Clock
) -> CallbackRunner:
    """The runner of deliveries: workers have it, and nobody else may name it."""
    return CallbackRunner(
        Sender(make_guard(settings), user_agent=f"tradefree/{VERSION}"),
        catalog,
        make_subscriptions(settings, store, catalog, signals, clock),
        HealthBook(store, catalog, signals, clock),
        clock,
        settings.public_url,
    )


def make_plan(settings: Settings) -> Plan | None:
    """Which backups the leading service makes; None: none. SettingsError if it is not said where they should lie."""
    if not settings.backup_every_hours:
        return None
    folder = settings.backup_folder
    if folder is None or not folder.is_dir():
        wrong = "is needed" if folder is None else f"there is no folder {folder}; it is needed"
        raise SettingsError(f"TRADEFREE_BACKUP_FOLDER: {wrong} with TRADEFREE_BACKUP_EVERY_HOURS")
    every = timedelta(hours=settings.backup_every_hours)
    return Plan(folder.absolute(), every, settings.backup_keep, settings.backup_verify)


def make_task_retention(settings: Settings, store: SqlStore, leisure: Leisure) -> TaskRetention:
    """What deletes old tasks. SettingsError if they are to be put aside in a folder that is not there."""
    days = {
        Status.COMPLETED: _days(settings.keep_completed_days),
        Status.FAILED: _days(settings.keep_failed_days),
        Status.CANCELLED: _days(settings.keep_cancelled_days),
    }
    kept = Kept({status: age for status, age in days.items() if age is not None}, _days(settings.keep_audit_days))
    folder = settings.archive_folder
    if folder is not None and not folder.is_dir():
        raise SettingsError(f"TRADEFREE_ARCHIVE_FOLDER: there is no folder {folder}")
    return TaskRetention(store, leisure, kept, FolderShelf(folder, leisure.clock) if folder is not None else None)


def make_happened() -> Happened:
    """What counts what happens in this process."""
    return Happened(VERSION)


def make_endpoints() -> dict[str, Endpoints]:
    """Who looks at connections, by their kind."""
    return {"dify": DifyEndpoints()}


def make_signals(settings: Settings) -> RunningSignals:
    """Signals for these settings; with the in-memory broker all parts must share the one object."""
    return LocalSignals() if settings.embedded else RedisSignals(settings, SecretBox(secret_keys(settings)))


@contextlib.asynccontextmanager
async def open_system(
    settings: Settings, signals: RunningSignals, celery: Celery, happened: Happened | None = None
) -> AsyncIterator[System]:
    """A task service's parts, with a dispatcher that is not yet running; closed at the end. ``happened`` counts for
    all parts of this process."""
    clock, happened = SystemClock(), happened or make_happened()
    store = make_store(settings, clock)
    doorbell = CeleryDoorbell(celery)
    runners = make_runners()
    holder = f"{socket.gethostname()[:20]}:{os.getpid()}:{new_id()[-8:]}"
    drawing = contextlib.ExitStack()
    try:
        await _require_fitting(settings, store)
        spans = drawing.enter_context(tracing(VERSION, holder))
        catalog = Catalog(store, clock)
        rules = Rules(store, store, clock)
        intake = Intake(store, rules, catalog, signals, clock)
        hooks = HookBook(store, clock)
        resumable = frozenset(name for name, runner in runners.items() if runner.resumable)
        recovery = Recovery(store, catalog, doorbell, signals, clock, resumable)
        dispatcher = Dispatcher(holder, store, catalog, doorbell, signals, recovery, clock, happened)

        def leads() -> bool:
            return dispatcher.epoch is not None

        leisure = Leisure(clock, leads)
        keys = Keys(store, clock, quota_rate(settings.key_rate) if settings.key_rate else None)
        system = System(
            settings=settings,
            clock=clock,
            store=store,
            catalog=catalog,
            submitter=Submitter(store, catalog, signals, clock, guard=make_guard(settings)),
            rules=rules,
            intake=intake,
            hooks=hooks,
            reception=Reception(hooks, MessageCounter(store, clock), intake, clock),
            keeper=Keeper(store, intake, clock, leads),
            retention=Retention(
                store,
                leisure,
                events=_days(settings.keep_events_days),
                deliveries=_days(settings.keep_deliveries_days),
            ),
            task_retention=make_task_retention(settings, store, leisure),
            tally=Tally(store, clock, leads),
            holding=Holding(store, clock, lambda: dispatcher.held, leisure),
            backups=Schedule(store, clock, leads, make_plan(settings)),
            control=Control(store, store, catalog, signals, clock),
            subscriptions=make_subscriptions(settings, store, catalog, signals, clock),
            limiting=Limiting(store, store, catalog, signals, clock),
            keys=keys,
            sessions=Sessions(store, keys, clock),
            signals=signals,
            runners=runners,
            endpoints=make_endpoints(),
            dispatcher=dispatcher,
            recovery=recovery,
            happened=happened,
            metrics=Page(happened, Measuring(store, catalog, clock).picture),
            tracer=spans,
            stream_secret=hashlib.sha256(b"stream:" + secret_keys(settings).encode()).digest(),
            ping=lambda: _ping(settings, store),
            about=lambda: about(store.database),
        )
        _collect_less_often()
        async with signals.running():
            yield system
    finally:
        doorbell.close()
        await store.close()
        drawing.close()


@contextlib.asynccontextmanager
async def open_worker(settings: Settings, signals: RunningSignals) -> AsyncIterator[WorkerParts]:
    """A worker's parts; closed at the end."""
    clock = SystemClock()
    store = make_store(settings, clock)
    runners = make_runners()
    drawing = contextlib.ExitStack()
    try:
        await _require_fitting(settings, store)
        spans = drawing.enter_context(tracing(VERSION, f"{socket.gethostname()[:20]}:{os.getpid()}"))
        _collect_less_often()
        catalog = Catalog(store, clock)
        callback = make_callback_runner(settings, store, catalog, signals, clock)
        runners[callback.name] = callback
        async with signals.running():
            yield WorkerParts(clock, store, catalog, signals, runners, spans or UNTRACED)
    finally:
        for runner in runners.values():
            if (close := getattr(runner, "close", None)) is not None:
                await close()
        await store.close()
        drawing.close()


def _days(number: float) -> timedelta | None:
    """So many days; none are for ever."""
    return timedelta(days=number) if number else None


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
    "make_callback_runner",
    "make_celery",
    "make_endpoints",
    "make_guard",
    "make_happened",
    "make_plan",
    "make_runners",
    "make_signals",
    "make_store",
    "make_subscriptions",
    "make_task_retention",
    "open_system",
    "open_worker",
]
