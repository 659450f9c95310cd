"""The calls as they go over the wire: sessions, answers, streams. What is asked is the business of the other parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from tradefree.dify.errors import Answer, DifyError, DifyRejected, DifyUncertain, error_of_answer, error_of_event
from tradefree.dify.models import StreamEvent
from tradefree.dify.trace import trace_headers
from tradefree.dify.wire import Timeouts, api_root, encoded, events_of, new_session, read_some, translated

Body = Mapping[str, Any] | aiohttp.FormData
"""JSON, or a form with a file in it."""


class Transport:
    """One base URL, one app key, and the connections to it. They are made when first needed; ``close`` ends them."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        self.root = api_root(base_url)
        self.timeouts = timeouts
        self._api_key = api_key
        self._given = session
        self._own: aiohttp.ClientSession | None = None
        self._control: aiohttp.ClientSession | None = None
        self.server_version: str | None = None
        """Dify's version, as its latest answer said."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections that this client made."""
        sessions, self._own, self._control = (self._own, self._control), None, None
        for session in sessions:
            if session is not None:
                await session.close()

    def error_of(self, event: StreamEvent) -> DifyError:
        """The error that an ``error`` event tells of."""
        return error_of_event(event.fields, self._api_key)

    async def _stream(
        self,
        method: str,
        path: str,
        *,
        starts: bool,
        ends: Callable[[StreamEvent], bool],
        body: Body | None = None,
        query: Mapping[str, str] | None = None,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events up to and with the one for which ``ends`` holds. ``starts``: the request may start something."""
        timeouts = self.timeouts.within(total)
        response = await self._send(method, path, body=body, query=query, starts=starts, wait=timeouts.first_event)
        try:
            if response.status != 200 or response.content_type != "text/event-stream":
                raise await self._unexpected(response, starts=starts)
            with translated(starts=True):
                async with aclosing(events_of(response, timeouts)) as events:
                    async for event in events:
                        yield event
                        if ends(event):
                            return
        finally:
            response.close()
        raise DifyUncertain("Dify ended the stream without saying how the run ended.", code="no_end")

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str] | None = None,
        control: bool = False,
    ) -> dict[str, Any]:
        """The JSON object that Dify answers; empty for an empty answer. ``control``: over connections of its own."""
        wait = self.timeouts.answer
        response = await self._send(method, path, body=body, query=query, starts=False, wait=wait, control=control)
        try:
            if not _fine(response):
                raise await self._unexpected(response, starts=False)
            with translated(starts=False):
                async with asyncio.timeout(wait):
                    text = await response.read()
        finally:
            response.close()
        fields = Answer(response.status, response.headers, text).fields()
        if not fields and text.strip() not in (b"", b"{}"):
            raise _not_dify(response, self.root)
        return fields

    async def _send(
        self,
        method: str,
        path: str,
        *,
        starts: bool,
        wait: float,
        body: Body | None = None,
        query: Mapping[str, str] | None = None,
        control: bool = False,
    ) -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {self._api_key}", **trace_headers()}
        if isinstance(body, Mapping):
            headers["Content-Type"] = "application/json"
        with translated(starts=starts):
            async with asyncio.timeout(wait):
                response = await self._session(control=control).request(
                    method,
                    self.root + path,
                    data=encoded(body) if isinstance(body, Mapping) else body,
                    params=query,
                    headers=headers,
                    allow_redirects=False,
                )
        self.server_version = response.headers.get("X-Version", self.server_version)
        return response

    async def _unexpected(self, response: aiohttp.ClientResponse, *, starts: bool) -> Exception:
        if _fine(response):
            return _not_dify(response, self.root)
        body = await read_some(response, self.timeouts.answer)
        return error_of_answer(Answer(response.status, response.headers, body), starts=starts, secret=self._api_key)

    def _session(self, *, control: bool) -> aiohttp.ClientSession:
        if control:
            if self._control is None:
                self._control = new_session(self.timeouts)
            return self._control
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = new_session(self.timeouts)
        return self._own


def _fine(response: aiohttp.ClientResponse) -> bool:
    return 200 <= response.status < 300


def segment(text: str) -> str:
    """A path segment; ids come from outside and may hold anything."""
    return quote(text, safe="")


def _not_dify(response: aiohttp.ClientResponse, root: str) -> DifyRejected:
    kind = response.content_type
    return DifyRejected(
        f"{root} answered {response.status} with {kind}, which no Dify Service API does: is the base URL right?",
        code="not_dify",
        status=response.status,
    )
