"""A client of one Dify app's Service API (as of Dify 1.14.2; older servers work, less what they lack).

    async with DifyClient("https://dify.example.com", "app-…") as dify:
        async with aclosing(dify.run_workflow_stream({"query": "hi"}, user="u-1")) as events:
            async for event in events:
                ...

Nothing is ever sent twice: Dify has no idempotency keys, and a POST that may have arrived may be running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from tradefree.dify.errors import Answer, DifyError, DifyRejected, DifyUncertain, error_of_answer, error_of_event
from tradefree.dify.models import WORKFLOW_ENDS, AppInfo, LogPage, Parameters, RunDetail, StreamEvent
from tradefree.dify.wire import Timeouts, api_root, encoded, events_of, new_session, read_some, translated


class DifyClient:
    """Talks to one app: one base URL, one app key. Connections are made when first needed; ``close`` ends them.

    ``base_url`` with or without ``/v1`` (see ``api_root``). A ``session`` that is handed in is used for everything
    but ``stop_workflow`` and is not closed; without one the client has its own, without a limit on connections.

    Every method raises a ``DifyError``: ``DifyBusy`` if nothing was sent or there is no room, ``DifyRejected`` if
    Dify refuses, ``DifyUnavailable`` if it fails, ``DifyUncertain`` if a run may be under way all the same.
    """

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

    def __repr__(self) -> str:
        return f"DifyClient({self.root!r})"

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

    # ── workflows ───────────────────────────────────────────────────────────────────────────────────────────────────

    def run_workflow_stream(
        self,
        inputs: Mapping[str, Any],
        user: str,
        *,
        workflow_id: str | None = None,
        files: Collection[Mapping[str, Any]] | None = None,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Start a run and yield what it tells, up to and with the event that ends it.

        Stops at that event; it does not wait for the connection to end (Dify 1.14.2 keeps it open 1 to 300 s more).
        Between events it yields ``SILENCE`` each ``timeouts.quiet`` seconds in which nothing came, so that the caller
        can look around while the stream stays open. ``workflow_id``: a published version instead of the latest.
        ``user``: at most 255 characters. ``total``: seconds for the whole, instead of ``timeouts.total``.

        Dify 1.14.2 accepts a stream before it looks at the inputs: bad ones end in silence, not in an error.
        Raises DifyUncertain when the stream breaks, falls silent for good or ends without its last event.
        """
        body: dict[str, Any] = {"inputs": dict(inputs), "response_mode": "streaming", "user": user}
        if files is not None:
            body["files"] = [dict(file) for file in files]
        path = f"/workflows/{_segment(workflow_id)}/run" if workflow_id else "/workflows/run"
        return self._stream("POST", path, body=body, starts=True, ends=WORKFLOW_ENDS, total=total)

    def workflow_events(
        self, run_id: str, user: str, *, snapshot: bool = True, total: float | None = None
    ) -> AsyncGenerator[StreamEvent, None]:
        """Listen to a run that is under way (Dify 1.14.0 or newer), with what it told so far if ``snapshot``.

        ``user`` must be who started it, else DifyNotFound. A run that has ended tells its ``workflow_finished``.
        Pings may come from the API process here: they are no sign that the run lives.
        """
        query = {"user": user, "include_state_snapshot": "true" if snapshot else "false"}
        path = f"/workflow/{_segment(run_id)}/events"
        return self._stream("GET", path, query=query, starts=False, ends=WORKFLOW_ENDS, total=total)

    async def run_detail(self, run_id: str) -> RunDetail:
        """The run as Dify has stored it. Raises DifyNotFound for unknown runs and those still queued.

        Dify 1.14.2: ``running`` stays for ever when the worker died or the run was stopped in the middle of a node.
        """
        return RunDetail.of(await self._call("GET", f"/workflows/run/{_segment(run_id)}"))

    async def stop_workflow(self, task_id: str, user: str) -> None:
        """Ask to stop a run, by the ``task_id`` of its stream. Dify says yes to anything, also to unknown ids.

        Uses connections of its own, so that it never waits behind running streams.
        """
        if self._control is None:
            self._control = new_session(self.timeouts)
        path = f"/workflows/tasks/{_segment(task_id)}/stop"
        await self._call("POST", path, body={"user": user}, session=self._control)

    async def workflow_logs(
        self,
        *,
        created_by_end_user_session_id: str | None = None,
        keyword: str | None = None,
        status: str | None = None,
        page: int = 1,
        limit: int = 20,
    ) -> LogPage:
        """Runs of the app, newest first, running ones included and queued ones not. ``limit`` is at most 100.

        ``created_by_end_user_session_id`` is the ``user`` a run was started with; ``status`` may be succeeded, failed
        or stopped; ``keyword`` is searched in inputs and outputs, or is a run id. Chatflow runs never appear here.
        """
        wanted = {
            "created_by_end_user_session_id": created_by_end_user_session_id,
            "keyword": keyword,
            "status": status,
            "page": str(page),
            "limit": str(limit),
        }
        query = {name: value for name, value in wanted.items() if value is not None}
        return LogPage.of(await self._call("GET", "/workflows/logs", query=query))

    def error_of(self, event: StreamEvent) -> DifyError:
        """The error that an ``error`` event tells of."""
        return error_of_event(event.fields, self._api_key)

    # ── the app ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def info(self) -> AppInfo:
        """Name and mode of the app. Needs no published workflow: a good test of address and key."""
        return AppInfo.of(await self._call("GET", "/info"))

    async def parameters(self) -> Parameters:
        """The published app's input form. Raises DifyRejected (``app_unavailable``) if nothing is published."""
        return Parameters.of(await self._call("GET", "/parameters"))

    # ── the wire ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _stream(
        self,
        method: str,
        path: str,
        *,
        starts: bool,
        ends: Collection[str],
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        total: float | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        timeouts = self.timeouts.within(total)
        response = await self._send(method, path, body=body, query=query, starts=starts, wait=timeouts.first_event)
        try:
            if response.status != 200 or response.content_type != "text/event-stream":
                raise await self._unexpected(response, starts=starts)
            with translated(starts=True):
                async with aclosing(events_of(response, timeouts)) as events:
                    async for event in events:
                        yield event
                        if event.event in ends:
                            return
        finally:
            response.close()
        raise DifyUncertain("Dify ended the stream without saying how the run ended.", code="no_end")

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> dict[str, Any]:
        wait = self.timeouts.answer
        response = await self._send(method, path, body=body, query=query, starts=False, wait=wait, session=session)
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
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {self._api_key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with translated(starts=starts):
            async with asyncio.timeout(wait):
                return await (session or self._session()).request(
                    method,
                    self.root + path,
                    data=encoded(body) if body is not None else None,
                    params=query,
                    headers=headers,
                    allow_redirects=False,
                )

    async def _unexpected(self, response: aiohttp.ClientResponse, *, starts: bool) -> Exception:
        if _fine(response):
            return _not_dify(response, self.root)
        body = await read_some(response, self.timeouts.answer)
        return error_of_answer(Answer(response.status, response.headers, body), starts=starts, secret=self._api_key)

    def _session(self) -> aiohttp.ClientSession:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = new_session(self.timeouts)
        return self._own


def _fine(response: aiohttp.ClientResponse) -> bool:
    return 200 <= response.status < 300


def _segment(text: str) -> str:
    return quote(text, safe="")


def _not_dify(response: aiohttp.ClientResponse, root: str) -> DifyRejected:
    kind = response.content_type
    return DifyRejected(
        f"{root} answered {response.status} with {kind}, which no Dify Service API does: is the base URL right?",
        code="not_dify",
        status=response.status,
    )
