"""What the service needs from the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, cast

from fastapi import FastAPI, Request

from tradefree.access.keys import Keys, KeyStore
from tradefree.access.sessions import Sessions, SessionStore
from tradefree.clock import Clock
from tradefree.events.hooks.book import HookBook
from tradefree.events.hooks.ports import HookStore
from tradefree.events.hooks.reception import Reception
from tradefree.events.intake import Intake
from tradefree.events.ports import EventStore
from tradefree.events.rules import Rules
from tradefree.events.schedules.ports import ScheduleStore
from tradefree.service.pages import Pages
from tradefree.settings import Settings
from tradefree.tasks.callbacks.subscriptions import Subscriptions
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.endpoints import Endpoints
from tradefree.tasks.limiting import Limiting
from tradefree.tasks.measure import Picture
from tradefree.tasks.ports import (
    BrowseStore,
    CatalogStore,
    FollowStore,
    HoldStore,
    Runner,
    Signals,
    Store,
    SubscriptionStore,
    TallyStore,
)
from tradefree.tasks.submit import Submitter


class Storage(
    Store,
    BrowseStore,
    FollowStore,
    TallyStore,
    HoldStore,
    CatalogStore,
    SubscriptionStore,
    KeyStore,
    SessionStore,
    EventStore,
    HookStore,
    ScheduleStore,
    Protocol,
):
    """Everything that is stored."""


class Leads(Protocol):
    """The dispatcher, as far as the service cares."""

    @property
    def epoch(self) -> int | None:
        """Not None while it leads."""
        ...


class Counts(Protocol):
    """Who counts requests."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request to a route (its pattern, never its path) was answered; seconds until the answer began."""
        ...


class MetricsPage(Protocol):
    """The page of metrics."""

    async def picture(self) -> Picture | None:
        """How all tasks and queues look now or, where that takes long to find out, looked a while ago; None while the
        database is away."""
        ...

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The text and its media type, as the scraper likes it."""
        ...


class RequestTrace(Protocol):
    """One request, drawn."""

    @property
    def traceparent(self) -> str | None:
        """What tasks made by the request belong to."""
        ...

    def ended(self, route: str, status: int | None) -> None:
        """The answer has gone out; no status: there was none."""
        ...


class RequestTracer(Protocol):
    """Draws requests."""

    def request(self, method: str, traceparent: str | None) -> RequestTrace:
        """A request begins, in this trace."""
        ...


class System(Protocol):
    """The parts of one process, put together."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def store(self) -> Storage: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def submitter(self) -> Submitter: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def hooks(self) -> HookBook: ...
    @property
    def reception(self) -> Reception: ...
    @property
    def control(self) -> Control: ...
    @property
    def limiting(self) -> Limiting: ...
    @property
    def subscriptions(self) -> Subscriptions: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def runners(self) -> Mapping[str, Runner]: ...
    @property
    def endpoints(self) -> Mapping[str, Endpoints]:
        """Who looks at connections, by their kind."""
        ...

    @property
    def dispatcher(self) -> Leads: ...
    @property
    def happened(self) -> Counts: ...
    @property
    def metrics(self) -> MetricsPage: ...
    @property
    def tracer(self) -> RequestTracer | None: ...
    @property
    def stream_secret(self) -> bytes:
        """Signs stream URLs; the same in every service that shares a database."""
        ...

    @property
    def version(self) -> str: ...

    @property
    def about(self) -> Callable[[], Awaitable[Mapping[str, Any]]]:
        """Reads what is to be known of the database: see ``database.about``."""
        ...

    @property
    def ping(self) -> Callable[[], Awaitable[Mapping[str, str | None]]]:
        """Asks each part the service needs (``database``, ``broker``): what is wrong with it, None if nothing is."""
        ...


def keep(app: FastAPI, system: System, pages: Pages) -> None:
    """Put the system and the console where requests find them, and the flag that ends open streams at shutdown."""
    app.state.system = system
    app.state.pages = pages
    app.state.closing = asyncio.Event()
    app.state.leaving = asyncio.Event()


def system_of(request: Request) -> System:
    """The system that this request is served by."""
    return cast(System, request.app.state.system)


def pages_of(request: Request) -> Pages:
    """The console's pages."""
    return cast(Pages, request.app.state.pages)


def closing_of(app: FastAPI) -> asyncio.Event:
    """Set it to end open streams: a server that stops waits for its answers, and a stream is one."""
    return cast(asyncio.Event, app.state.closing)


def leaving_of(app: FastAPI) -> asyncio.Event:
    """Set it some time before the end: load balancers shall send nothing more."""
    return cast(asyncio.Event, app.state.leaving)
