"""Recorded exchanges of a real Dify 1.14.2, and a small server that says what a test tells it to say."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TRANSCRIPTS = Path(__file__).parent / "transcripts"
KEY = "app-SECRET0123456789"

_EXCHANGE = re.compile(rb"^######## exchange \d+ .*\n", re.MULTILINE)
_AFTER_BODY = re.compile(rb"\n+(---- arrival of events|\[client |#### notes).*", re.DOTALL)


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    request: bytes
    status: int
    headers: dict[str, str]
    body: bytes

    def reply(self, *extra: Step) -> Reply:
        """The same answer, followed by what else happens on the wire."""
        kept = {name: value for name, value in self.headers.items() if name in ("Content-Type", "X-Version")}
        return Reply(self.status, kept, (self.body, *extra))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def exchanges(name: str) -> list[Exchange]:
    """All exchanges of a transcript, by the beginning of its file name (``06e-``)."""
    exact = TRANSCRIPTS / f"{name}.txt"
    [file] = [exact] if exact.exists() else TRANSCRIPTS.glob(f"{name}*.txt")
    return [_exchange(part) for part in _EXCHANGE.split(file.read_bytes())[1:]]


def _exchange(text: bytes) -> Exchange:
    request, response = text.split(b"<<<< response\n", 1)
    head, _, request_body = request.removeprefix(b">>>> request\n").partition(b"\n\n")
    method, path, _ = head.split(b"\n", 1)[0].split(b" ", 2)
    top, _, body = response.partition(b"\n\n")
    first, *lines = top.decode().split("\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    length = headers.get("Content-Length")
    body = body[: int(length)] if length else _AFTER_BODY.sub(b"", body) + b"\n\n"
    status = int(first.split(" ")[1]) if first.startswith("HTTP/") else 0
    return Exchange(method.decode(), path.decode(), request_body.strip(), status, headers, body)


class Cut:
    """The server drops the connection."""


Step = bytes | asyncio.Event | Cut


@dataclass(frozen=True)
class Reply:
    """An answer: bytes are sent as one chunk each, an event is waited for, a Cut ends the connection rudely."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()


def said(value: Any, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON."""
    return Reply(status, {"Content-Type": "application/json", **headers}, (json.dumps(value).encode(),))


def stream(*steps: Step) -> Reply:
    """An answer as an event stream."""
    return Reply(200, {"Content-Type": "text/event-stream; charset=utf-8"}, steps)


def frame(event: str, run_id: str = "run-1", task_id: str = "task-1", **data: Any) -> bytes:
    """One event in Dify's words."""
    fields = {"event": event, "workflow_run_id": run_id, "task_id": task_id, "data": {"id": run_id, **data}}
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


PING = b"event: ping\n\n"


def detail(status: str, run_id: str = "run-1", **more: Any) -> Reply:
    """Dify's record of a run."""
    fields: dict[str, Any] = {
        "id": run_id,
        "workflow_id": "wf",
        "status": status,
        "inputs": "{}",
        "outputs": {},
        "error": None,
    }
    return said({**fields, **more})


def logged(*run_ids: str, status: str = "running", user: str | None = None) -> Reply:
    """A page of the app's log."""
    by = {"session_id": user} if user else None
    rows = [{"id": f"log-{i}", "workflow_run": {"id": i, "status": status}, "created_by_end_user": by} for i in run_ids]
    return said({"page": 1, "limit": 20, "total": len(rows), "has_more": False, "data": rows})


NOT_FOUND = said({"code": "not_found", "message": "Workflow run not found.", "status": 404}, 404)


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answering = Reply | Callable[[Seen], Reply]


class FakeDify:
    """Answers each path with the replies it was given, in order; the last one is repeated."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.closed_by_client = asyncio.Event()
        self._asked = asyncio.Event()
        self._replies: dict[tuple[str, str], list[Answering]] = defaultdict(list)
        self.url = ""

    def on(self, method: str, path: str, *replies: Answering) -> None:
        """``path`` without ``/v1`` and query; ``*`` stands for one segment."""
        self._replies[method, path] = list(replies)

    def asked(self, method: str, path: str) -> list[Seen]:
        """Requests that came for a path."""
        return [seen for seen in self.seen if seen.method == method and _matches(path, seen.path)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until a condition on what was asked holds; five seconds at most."""
        async with asyncio.timeout(5):
            while not holds():
                self._asked.clear()
                await self._asked.wait()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix("/v1")
        seen = Seen(request.method, path, dict(request.query), dict(request.headers), await request.read())
        self.seen.append(seen)
        self._asked.set()
        reply = self._reply(seen)
        response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
        try:
            return await self._play(request, response, reply.steps)
        except (ConnectionResetError, asyncio.CancelledError):
            self.closed_by_client.set()
            raise

    def _reply(self, seen: Seen) -> Reply:
        for (method, path), replies in self._replies.items():
            if method == seen.method and _matches(path, seen.path):
                found = replies.pop(0) if len(replies) > 1 else replies[0]
                return found if isinstance(found, Reply) else found(seen)
        return Reply(404, {"Content-Type": "text/html"}, (b"<h1>Not Found</h1> no such page",))

    async def _play(
        self, request: web.Request, response: web.StreamResponse, steps: Sequence[Step]
    ) -> web.StreamResponse:
        if steps and isinstance(steps[0], Cut):
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.prepare(request)
        for step in steps:
            if isinstance(step, bytes):
                await response.write(step)
            elif isinstance(step, asyncio.Event):
                await step.wait()
            else:
                assert request.transport is not None
                request.transport.abort()
                return response
        await response.write_eof()
        return response


def _matches(pattern: str, path: str) -> bool:
    return re.fullmatch(pattern.replace("*", "[^/]+"), path) is not None


@asynccontextmanager
async def fake_dify() -> AsyncIterator[FakeDify]:
    """The server, running on a free port."""
    dify = FakeDify()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", dify.answer)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    dify.url = str(server.make_url(""))
    try:
        yield dify
    finally:
        await server.close()
