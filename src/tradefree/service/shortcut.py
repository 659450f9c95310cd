"""The way in for the busiest requests: past routing and FastAPI's layers, which take longer than the work does."""

from __future__ import annotations

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from tradefree.errors import TradefreeError
from tradefree.service.bodies import Handler
from tradefree.service.problems import answer_for


class Shortcut:
    """ASGI middleware: one method and path are answered by the route's own handler, all others by the application."""

    def __init__(self, app: ASGIApp, *, method: str, path: str, handler: Handler) -> None:
        self._app = app
        self._method = method
        self.path_format = self._path = path
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != self._method:
            await self._app(scope, receive, send)
            return
        scope["route"] = self
        request = Request(scope, receive)
        try:
            response = await self._handler(request)
        except (TradefreeError, RequestValidationError) as error:
            response = answer_for(error, request)
        await response(scope, receive, send)
