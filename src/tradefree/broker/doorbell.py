"""The doorbell: tells a worker, on the queue that only it reads, which tasks are its."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

import structlog
from celery import Celery

from tradefree.broker.celery_app import RING, RING_LASTS, own_queue
from tradefree.broker.redis_client import in_words

IDS_PER_RING = 100
"""Ids in one message: ten times cheaper than one each (measured), and no larger than 4 KB."""
PATIENCE = 1.0
"""Seconds a ring may wait for its turn; then the worker's next beat is likely to have found the tasks."""

log = structlog.get_logger(__name__)


def ring(app: Celery, address: str, ids: list[str]) -> None:
    """To the queue itself, by the default exchange: no binding is needed, so a wiped broker loses only messages."""
    queue: Any = own_queue(address, lasts=RING_LASTS)
    app.send_task(RING, args=[ids], queue=queue, declare=[queue], retry=False, ignore_result=True)


def unhang(app: Celery, address: str) -> None:
    """Remove the queue, with the rings that nobody answered. May take as long as the broker hangs."""
    with app.connection_for_write() as connection:
        own_queue(address)(connection.default_channel).purge()  # ``delete`` removes only what has bindings


def unhang_soon(app: Celery, address: str) -> None:
    """``unhang``, but never in the way of a process that ends. What stays is forgotten by Redis after a while."""

    def try_it() -> None:
        try:
            unhang(app, address)
        except Exception as error:
            log.info("the queue of a worker that left stays for a while", address=address, error=in_words(error))

    thread = threading.Thread(target=try_it, name="unhang", daemon=True)
    thread.start()
    thread.join(PATIENCE)


class CeleryDoorbell:
    """Publishes from a thread of its own, so that a slow broker holds up nobody, not even the end of the process."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._well = True
        self._thread = threading.Thread(target=self._work, name="doorbell", daemon=True)
        self._thread.start()

    async def ring(self, address: str, ids: Sequence[str]) -> None:
        """See ``ports.Doorbell``. Returns at once."""
        until = time.monotonic() + PATIENCE
        for start in range(0, len(ids), IDS_PER_RING):
            some = list(ids[start : start + IDS_PER_RING])
            self._jobs.put(lambda some=some: self._ring(address, some, until))  # type: ignore[misc]

    def forget(self, address: str) -> None:
        """See ``ports.Doorbell``."""
        self._jobs.put(lambda: self._forget(address))

    def close(self) -> None:
        """Publish no more."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _ring(self, address: str, ids: list[str], until: float) -> None:
        if time.monotonic() > until:
            return
        try:
            ring(self._app, address, ids)
        except Exception as error:  # whatever the broker's trouble is, the beat makes up for it
            if self._well:
                log.warning("ring lost; workers find their tasks by the next beat", error=in_words(error))
            self._well = False
        else:
            if not self._well:
                log.info("the broker takes messages again")
            self._well = True

    def _forget(self, address: str) -> None:
        try:
            unhang(self._app, address)
        except Exception as error:
            log.info("the queue of a worker that is gone stays for a while", address=address, error=in_words(error))
