"""A worker inside another process: the same Celery worker, in a thread."""

from __future__ import annotations

import asyncio
import os
import threading
from types import TracebackType

from celery import Celery
from celery.signals import worker_shutting_down
from celery.worker import WorkController
from celery.worker import state as celery_state

from tradefree.broker.celery_app import address_of
from tradefree.broker.doorbell import ring
from tradefree.errors import TradefreeError
from tradefree.worker.main import node_name, options


class EmbeddedWorker:
    """``async with EmbeddedWorker(celery):`` starts the worker and, at the end, drains it."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._name = node_name()
        self.address = address_of(self._name)
        """Its queue."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="celery-worker", daemon=True)
        self._trouble: str | None = None
        self.ended = asyncio.Event()
        """Set when the worker has ended, asked or not."""
        self.failed = False
        """True if it ended without being asked to."""

    async def __aenter__(self) -> EmbeddedWorker:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        await asyncio.to_thread(self._ready.wait)
        if self._trouble is not None:
            raise TradefreeError(self._trouble)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.failed = self.ended.is_set()
        celery_state.should_stop = os.EX_OK  # type: ignore[assignment]
        worker_shutting_down.send(sender=self._name, sig="SIGTERM", how="Warm", exitcode=os.EX_OK)
        for _ in range(2):  # its loop looks at the flag between messages, then goes round once more
            ring(self._celery, self.address, [])
        await asyncio.to_thread(self._thread.join)
        celery_state.should_stop = None

    def _main(self) -> None:
        try:
            self._celery.set_current()  # in this thread: the job is looked up in the current app
            worker = WorkController(app=self._celery, ready_callback=lambda _: self._ready.set(), **options(self._name))
            worker.start()
        except BaseException as error:
            self._trouble = f"the worker could not start: {error}"
        finally:
            self._trouble = self._trouble or (
                None if self._ready.is_set() else "the worker could not start; see the log"
            )
            self._ready.set()
            self._loop.call_soon_threadsafe(self.ended.set)
