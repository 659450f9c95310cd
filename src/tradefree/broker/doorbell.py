"""The doorbell: tells a worker, on the queue that only it reads, which tasks are its."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from celery import Celery

from tradefree.broker.celery_app import RING, own_queue

IDS_PER_RING = 100
"""Ids in one message: ten times cheaper than one each (measured), and no larger than 4 KB."""
PATIENCE = 1.0
"""Seconds a ring may take before it is given up; the worker's next beat finds the tasks."""

log = structlog.get_logger(__name__)


def ring(app: Celery, address: str, ids: list[str]) -> None:
    """To the queue itself, by the default exchange: no binding is needed, so a wiped broker loses only messages."""
    queue: Any = own_queue(address)
    app.send_task(RING, args=[ids], queue=queue, declare=[], retry=False, ignore_result=True)


def unhang(app: Celery, address: str) -> None:
    """Remove the queue, with the rings that nobody answered."""
    with app.connection_for_write() as connection:
        own_queue(address)(connection.default_channel).delete()


class CeleryDoorbell:
    """Publishes from a thread of its own, so that a slow broker holds up nobody."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="doorbell")
        self._well = True

    async def ring(self, address: str, ids: Sequence[str]) -> None:
        """See ``ports.Doorbell``."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(ids), IDS_PER_RING):
            some = list(ids[start : start + IDS_PER_RING])
            try:
                await asyncio.wait_for(loop.run_in_executor(self._thread, ring, self._app, address, some), PATIENCE)
            except Exception as error:  # whatever the broker's trouble is, the beat makes up for it
                self._note(well=False, error=error)
                return
        self._note(well=True)

    def forget(self, address: str) -> None:
        """See ``ports.Doorbell``."""
        self._thread.submit(self._forget, address)

    def _forget(self, address: str) -> None:
        try:
            unhang(self._app, address)
        except Exception as error:  # a few bytes stay behind in a broker that is away
            log.info("the queue of a worker that is gone could not be removed", address=address, error=repr(error))

    def _note(self, *, well: bool, error: Exception | None = None) -> None:
        if well != self._well:
            self._well = well
            if well:
                log.info("the broker takes messages again")
            else:
                log.warning("ring lost; workers find their tasks by the next beat", error=repr(error))

    def close(self) -> None:
        """Stop publishing."""
        self._thread.shutdown(wait=False, cancel_futures=True)
