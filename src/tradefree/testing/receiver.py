"""A receiver of callbacks, for tests of your own: it remembers what it was told and answers as you say.

async with CallbackReceiver() as receiver:
    ...  # submit a task with "callback_url": receiver.url, on a system with TRADEFREE_CALLBACK_ALLOW=127.0.0.1
    told = await receiver.next()
    assert told.event["data"]["status"] == "completed"
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

MOST = 10_000_000
"""Bytes of a body."""


@dataclass(frozen=True, slots=True)
class Told:
    """One request: its headers (names in lower case) and its body, byte by byte, for checking the signature."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """``webhook-id``: the same at each attempt of a delivery."""
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The CloudEvent."""
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass(frozen=True, slots=True)
class Reply:
    """What the receiver answers."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before it."""


class CallbackReceiver:
    """An HTTP server on a free port of 127.0.0.1. Use as an async context manager."""

    def __init__(self, port: int = 0) -> None:
        self.told: list[Told] = []
        """Every request, in order."""
        self.replies: deque[Reply] = deque()
        """The next answers, one for each request; when there are none, ``reply``."""
        self.reply = Reply()
        self._port = port
        self._unread: asyncio.Queue[Told] = asyncio.Queue()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MOST)
        app.router.add_route("*", "/{path:.*}", self._hear)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}/hook"

    async def next(self, timeout: float = 30.0) -> Told:
        """The next request that was not yet read by this; TimeoutError if none comes in so many seconds."""
        async with asyncio.timeout(timeout):
            return await self._unread.get()

    async def _hear(self, request: web.Request) -> web.Response:
        told = Told({name.lower(): value for name, value in request.headers.items()}, await request.read())
        self.told.append(told)
        self._unread.put_nowait(told)
        reply = self.replies.popleft() if self.replies else self.reply
        await asyncio.sleep(reply.delay)
        return web.Response(status=reply.status, headers=dict(reply.headers))
