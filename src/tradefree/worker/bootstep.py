"""The bootstep: puts the runtime into an ordinary Celery worker, in a thread with an event loop of its own.

It is a step of the worker, not of the consumer, because the consumer's steps start again at every broker reconnect.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
import uvloop
from celery import Celery, bootsteps
from celery.signals import worker_shutting_down
from celery.worker import state as celery_state

from tradefree.broker.celery_app import RING, address_of, own_queue
from tradefree.broker.doorbell import unhang_soon
from tradefree.errors import TradefreeError
from tradefree.worker.runtime import Runtime

log = structlog.get_logger(__name__)

Factory = Callable[[str, str], contextlib.AbstractAsyncContextManager[Runtime]]
"""Makes the runtime of a node with this name and address, inside its event loop."""

Patience = Callable[[], float]
"""Seconds that running tasks may take to end at a stop; asked again and again."""


def _none_left() -> float:
    return 0.0


def _idle() -> None:
    """Nobody wants to know."""


WITHOUT_CHATTER = {"without_gossip": True, "without_heartbeat": True, "without_mingle": True}
"""Celery's workers need not know of one another: what one must know of the other is in the database."""


class Host(Protocol):
    """The part of Celery's worker that the step looks at."""

    hostname: str
    options: dict[str, Any]


class RuntimeThread:
    """The runtime's thread. ``start`` returns when the runtime works, or raises what kept it from that."""

    def __init__(self, factory: Factory, name: str, address: str, *, patience: Patience) -> None:
        self._factory = factory
        self._name = name
        self._address = address
        self._patience = patience
        self._runtime: Runtime | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="tradefree-runtime", daemon=True)

    def start(self) -> None:
        """Celery hides a thread that dies at its start, so wait for it."""
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            raise self._trouble

    def hear(self, ids: Sequence[str]) -> None:
        """Pass on what the doorbell said; called from Celery's thread."""
        log.debug("rung", tasks=len(ids))
        if self._loop is not None and self._runtime is not None:
            self._loop.call_soon_threadsafe(self._runtime.hear, list(ids))

    def begin_to_stop(self) -> None:
        """Start draining; returns at once."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def stop(self, impatient: Callable[[], bool]) -> None:
        """Drain and wait for the end; as soon as ``impatient`` says so, hand everything back at once."""
        self.begin_to_stop()
        while self._thread.is_alive():
            self._thread.join(0.1)
            if impatient():
                self._patience = _none_left

    def _main(self) -> None:
        try:
            # not asyncio.Runner: at its end that waits for whatever will not let go
            uvloop.new_event_loop().run_until_complete(self._work())
        except BaseException as error:
            self._trouble = error
            if self._ready.is_set():
                if isinstance(error, TradefreeError):
                    log.critical("the worker ends", reason=str(error))
                else:
                    log.critical("the worker's runtime ended", exc_info=error)
                celery_state.should_stop = os.EX_SOFTWARE  # type: ignore[assignment]
        finally:
            self._ready.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self._factory(self._name, self._address) as runtime:
            await runtime.start()
            self._runtime = runtime
            self._ready.set()
            work = asyncio.create_task(runtime.run())
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()  # raises: the runtime never ends by itself
            await runtime.drain(lambda: self._patience())
            work.cancel()
            await asyncio.wait({work}, timeout=5)


Troubles = list[TradefreeError]
"""What kept a worker from starting; Celery knows only that it must stop."""


def install(app: Celery, factory: Factory, *, patience: Patience, on_ready: Callable[[], None] = _idle) -> Troubles:
    """Add the runtime to every worker that this app starts. Its second signal to stop ends the draining."""
    troubles: Troubles = []
    signalled = 0
    threads_of_ours: list[RuntimeThread] = []

    def heed(**_: Any) -> None:
        nonlocal signalled
        signalled += 1
        for thread in threads_of_ours:
            thread.begin_to_stop()  # now, not when Celery's loop gets round to it

    worker_shutting_down.connect(heed, weak=False)

    class RuntimeStep(bootsteps.StartStopStep):
        """Starts the runtime before the consumer, stops it after."""

        requires = ("celery.worker.components:Pool",)

        def __init__(self, parent: Host, **options: Any) -> None:
            super().__init__(parent, **options)
            self._address = address_of(parent.hostname)
            app.amqp.queues[self._address] = own_queue(self._address)  # ``add`` would give it an exchange and a binding
            app.amqp.queues.select([self._address])
            parent.options.update(WITHOUT_CHATTER)
            self.thread = RuntimeThread(factory, parent.hostname, self._address, patience=patience)
            threads_of_ours.append(self.thread)

        def start(self, parent: Any) -> None:
            try:
                self.thread.start()
            except TradefreeError as error:
                troubles.append(error)
                raise SystemExit(f"Error: {error}") from error
            parent.app.task(self.thread.hear, name=RING, ignore_result=True, shared=False)
            on_ready()

        def stop(self, parent: Any) -> None:  # noqa: ARG002
            self.thread.stop(lambda: signalled > 1 or celery_state.should_terminate not in (None, False))
            unhang_soon(app, self._address)

        def terminate(self, parent: Any) -> None:  # noqa: ARG002
            self.thread.stop(lambda: True)

    app.steps["worker"].add(RuntimeStep)
    return troubles
