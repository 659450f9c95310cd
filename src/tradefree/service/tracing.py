"""Draws every request as a span, and lets what the request makes belong to it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradefree.service.context import RequestTracer
from tradefree.service.counting import route_of
from tradefree.tasks.tracing import HEADER

NAME = HEADER.encode()
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for again and again by machines: they would be most of all spans."""


class Tracing:
    """ASGI middleware. Inside, ``traceparent`` is that of the request's own span."""

    def __init__(self, app: ASGIApp, *, tracer: RequestTracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self._app(scope, receive, send)
            return
        came = next((bytes(value).decode("latin-1") for name, value in scope["headers"] if name == NAME), None)
        drawn = self._tracer.request(scope["method"], came)
        if drawn.traceparent is not None:
            others = [header for header in scope["headers"] if header[0] != NAME]
            scope["headers"] = [*others, (NAME, drawn.traceparent.encode())]
        status: int | None = None

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            drawn.ended(route_of(scope), status)
