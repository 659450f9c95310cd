"""What the service needs from the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, cast

from fastapi import FastAPI, Request

from tradefree.access.keys import Keys, KeyStore
from tradefree.clock import Clock
from tradefree.settings import Settings
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.ports import BrowseStore, CatalogStore, Runner, Signals, Store
from tradefree.tasks.submit import Submitter


class Storage(Store, BrowseStore, CatalogStore, KeyStore, Protocol):
    """Everything that is stored."""


class Leads(Protocol):
    """The dispatcher, as far as the service cares."""

    @property
    def epoch(self) -> int | None:
        """Not None while it leads."""
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
    def control(self) -> Control: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def runners(self) -> Mapping[str, Runner]: ...
    @property
    def dispatcher(self) -> Leads: ...
    @property
    def stream_secret(self) -> bytes:
        """Signs stream URLs; the same in every service that shares a database."""
        ...

    @property
    def version(self) -> str: ...

    @property
    def ping(self) -> Callable[[], Awaitable[Mapping[str, str | None]]]:
        """Asks each part the service needs (``database``, ``broker``): what is wrong with it, None if nothing is."""
        ...


def keep(app: FastAPI, system: System) -> None:
    """Put the system where requests find it, and the flag that ends open streams at shutdown."""
    app.state.system = system
    app.state.closing = asyncio.Event()


def system_of(request: Request) -> System:
    """The system that this request is served by."""
    return cast(System, request.app.state.system)


def closing_of(app: FastAPI) -> asyncio.Event:
    """Set it to end open streams: a server that stops waits for its answers, and a stream is one."""
    return cast(asyncio.Event, app.state.closing)
