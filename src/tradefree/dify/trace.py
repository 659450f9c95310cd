"""The trace that calls belong to: what is asked inside ``traced`` carries its header."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "traceparent"
"""W3C trace context."""

_current: ContextVar[str | None] = ContextVar("dify_traceparent", default=None)


@contextmanager
def traced(traceparent: str | None) -> Generator[None, None, None]:
    """Calls of this asyncio task, and of those it begins, belong to this trace."""
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def trace_headers() -> dict[str, str]:
    """The header of the current trace, if there is one."""
    traceparent = _current.get()
    return {HEADER: traceparent} if traceparent is not None else {}
