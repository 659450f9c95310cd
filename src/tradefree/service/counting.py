"""Counts every request by the pattern of its route, and how long its answer took to begin."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradefree.service.context import Counts
from tradefree.service.documents import PREFIX

NO_ROUTE = "none"
"""The route of a request that no route is for: a path comes from outside and is never a label."""


class Counting:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, counts: Counts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = perf_counter() - began
                self._counts.answered(scope["method"], route_of(scope), message["status"], seconds)
            await send(message)

        await self._app(scope, receive, send_and_count)


def route_of(scope: Scope) -> str:
    """The pattern of the route that serves the request, with the prefix that FastAPI may leave out."""
    pattern = getattr(scope.get("route"), "path_format", None)
    if pattern is None:
        return NO_ROUTE
    below = scope["path"].startswith(f"{PREFIX}/") and not pattern.startswith(f"{PREFIX}/")
    return f"{PREFIX}{pattern}" if below else str(pattern)
