"""Celery's consumer, calmer: a broker that is away is tried every second, and the log hears of it once."""

from __future__ import annotations

import time
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from tradefree.broker.redis_client import in_words

RECONNECT_EVERY = 1
"""Seconds between tries. Celery's own way ends at 30 s, in which rings go unheard though the broker is back."""
SURE_AFTER = 3
"""Seconds a connection must last to be called good: a Redis that refuses to be read lets everybody connect."""

log = structlog.get_logger(__name__)


class CalmConsumer(Consumer):
    """Set as Celery's ``worker_consumer``. What Celery itself says of lost connections is kept out in ``logs.py``."""

    _well = True

    def ensure_connected(self, conn: Any) -> Any:
        """Try until it works or the worker stops."""

        def note(error: Exception, _: float) -> None:
            self._note_away(error)

        every = RECONNECT_EVERY
        conn.ensure_connection(
            note, None, interval_start=every, interval_step=0, interval_max=every, callback=maybe_shutdown
        )
        self.first_connection_attempt = False
        if not self._well:
            self.timer.call_after(SURE_AFTER, self._note_back)  # cancelled if the connection breaks before
        return conn

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """The connection broke while it was being set up."""
        self._note_away(exc)
        time.sleep(RECONNECT_EVERY)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """The connection broke, or Redis refuses to be read. Celery cleans up after it."""
        self._note_away(exc)
        super().on_connection_error_after_connected(exc)
        time.sleep(RECONNECT_EVERY)

    def _note_away(self, error: Exception) -> None:
        if self._well:
            self._well = False
            log.warning("the broker is away; tasks are found by the beat", error=in_words(error))

    def _note_back(self) -> None:
        self._well = True
        log.info("rings are heard again")
