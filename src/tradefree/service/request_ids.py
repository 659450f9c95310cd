"""The outermost layer: gives every request an id, answers it with that id, with what its key has left and with headers
for browsers, and turns accidents into problem details."""

from __future__ import annotations

import re

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradefree.ids import new_id
from tradefree.service.headers import with_security
from tradefree.service.problems import answer_for
from tradefree.tasks.tracing import HEADER, trace_id_of

_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
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
                headers = with_security(message.get("headers", ()), scope["path"])
                limits = scope["state"].get("rate_headers") or {}
                headers += [(name.lower().encode(), value.encode()) for name, value in limits.items()]
                message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        trace_id = trace_id_of(_header(scope, HEADER.encode()))
        names = {"request_id": request_id} | ({"trace_id": trace_id} if trace_id else {})
        with structlog.contextvars.bound_contextvars(**names):
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
    value = _header(scope, b"x-request-id")
    return value if value is not None and _GOOD_ID.fullmatch(value) else None


def _header(scope: Scope, wanted: bytes) -> str | None:
    """The first header of this name."""
    return next((bytes(value).decode("latin-1") for name, value in scope["headers"] if name == wanted), None)
