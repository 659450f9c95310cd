"""The outermost layer: gives every request an id, answers it with that id, and turns accidents into problem details."""

from __future__ import annotations

import re

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradefree.ids import new_id
from tradefree.service.problems import answer_for

_GOOD_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
log = structlog.get_logger(__name__)


class RequestIds:
    """ASGI middleware. A caller's own ``X-Request-Id`` is kept if it is short and plain."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                return  # nobody is there to be answered
            except Exception as error:
                log.exception("request failed", method=scope["method"], path=scope["path"])
                if started:
                    raise
                await answer_for(error, Request(scope))(scope, receive, send_with_id)


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GOOD_ID.fullmatch(value):
            return bytes(value).decode()
    return None
