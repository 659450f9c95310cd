"""Tracing begins if the standard ``OTEL_…`` variables name an endpoint, and if OpenTelemetry is installed."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog

from tradefree.settings import traces_wanted

if TYPE_CHECKING:
    from tradefree.traces.spans import Spans

END_WITHIN = 2.0
"""Seconds that the last spans have at a stop: nobody waits for an endpoint that is away."""
SAY_EVERY = 60.0
"""Seconds between two words about an endpoint that does not take spans."""
LIBRARY = "opentelemetry"

log = structlog.get_logger(__name__)


@contextlib.contextmanager
def tracing(version: str, instance: str) -> Iterator[Spans | None]:
    """What draws spans while the block runs; None where nobody asked for it."""
    spans = _make(version, instance) if traces_wanted() else None
    try:
        yield spans
    finally:
        if spans is not None:
            ending = threading.Thread(target=spans.close, name="tradefree-traces-end", daemon=True)
            ending.start()
            ending.join(END_WITHIN)


def _make(version: str, instance: str) -> Spans | None:
    try:
        from tradefree.traces.spans import Spans
    except ImportError:
        log.warning("traces are asked for, and OpenTelemetry is not installed: pip install 'tradefree[otel]'")
        return None
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, Seldom) for known in handler.filters):
            handler.addFilter(Seldom())
    return Spans.exported(version, instance)


class Seldom(logging.Filter):
    """Lets one line of OpenTelemetry's through a minute, without traceback: it says of each batch that it failed."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """See ``logging.Filter``."""
        if not record.name.startswith(LIBRARY):
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + SAY_EVERY
        record.exc_info = record.exc_text = None
        return True
