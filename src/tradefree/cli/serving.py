"""Serving HTTP: the listening socket, uvicorn, and beside it the dispatcher, schedules, retention and backups."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator

import structlog
import uvicorn
from celery.signals import worker_shutting_down
from fastapi import FastAPI

from tradefree.bootstrap import System
from tradefree.errors import SettingsError
from tradefree.service.app import create_app
from tradefree.service.context import closing_of, leaving_of
from tradefree.settings import Settings

GRACE = 3
"""Seconds that open requests and streams have to end at a stop."""

log = structlog.get_logger(__name__)


def listen(settings: Settings) -> socket.socket:
    """The listening socket; SettingsError in one sentence if it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"TRADEFREE_PORT: cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another port"
        ) from None
    listener.setblocking(False)
    return listener


async def serve(system: System, listener: socket.socket, on_ready: Callable[[str], Awaitable[None]]) -> None:
    """Serve and dispatch until a signal says stop. Raises what ended the dispatcher before that (Outdated)."""
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    dispatching: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        dispatching.append(asyncio.create_task(system.dispatcher.run()))
        dispatching[0].add_done_callback(lambda _: server.stop())
        working = (
            system.keeper.run(),
            system.retention.run(),
            system.task_retention.run(),
            system.tally.run(),
            system.holding.run(),
            system.backups.run(),
        )
        beside = [asyncio.create_task(work) for work in working]
        await on_ready(url)
        yield
        for task in (*dispatching, *beside):
            task.cancel()
        await asyncio.wait([*dispatching, *beside])
        await system.reception.close()

    app = create_app(system, lifespan=lifespan)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE, lifespan="on"
    )
    server = _Server(config, system.settings.stop_delay, on_leave=leaving_of(app).set, on_stop=closing_of(app).set)
    await server.serve(sockets=[listener])
    for task in dispatching:
        if not task.cancelled():
            task.result()


class _Server(uvicorn.Server):
    """Uvicorn sends itself the signal again once it has stopped, which would end us before the worker has drained."""

    def __init__(
        self, config: uvicorn.Config, delay: float, *, on_leave: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._delay = delay
        """Seconds between the first signal and the stop."""
        self._on_leave = on_leave
        self._on_stop = on_stop
        self._leaving = False

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """The first signal stops serving, after the delay; a second one ends all patience."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_or_hurry)
        yield  # the handlers stay: the second signal may come while the worker drains

    def stop(self) -> None:
        """Answer what was asked, then end."""
        self.should_exit = True
        self._on_stop()

    def _stop_or_hurry(self) -> None:
        if self._delay and not self._leaving:
            self._leaving = True
            log.info("load balancers are told to go elsewhere; stopping later", seconds=self._delay)
            self._on_leave()
            asyncio.get_running_loop().call_later(self._delay, self.stop)
            return
        if self.should_exit:
            self.force_exit = True
            worker_shutting_down.send(sender="tradefree", sig="SIGTERM", how="Cold", exitcode=os.EX_OK)
        self.stop()
