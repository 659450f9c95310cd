"""A task service that answers what a test says and remembers what it was asked. Runs in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TASK_ID = "01a20a45-c9f6-756d-8e50-a97a5fbb66bf"
OTHER_ID = "01a20a45-8b81-7661-8d76-6229bebd1386"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass(frozen=True)
class Answer:
    """One response: a body, or the pieces of a stream."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    pieces: tuple[bytes, ...] | None = None
    hold: bool = False
    """Keep the stream open after the last piece."""
    headers: dict[str, str] = field(default_factory=dict)


Given = Answer | Callable[[Asked], Answer]


def ok(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def problem(status: int, detail: str, *errors: tuple[str, str]) -> Answer:
    fields = [{"field": name, "reason": reason} for name, reason in errors]
    body = {"type": "urn:x", "title": "No", "status": status, "detail": detail, "errors": fields}
    return Answer(status, json.dumps(body).encode(), "application/problem+json")


def stream(*pieces: str, hold: bool = False) -> Answer:
    return Answer(200, b"", "text/event-stream", tuple(piece.encode() for piece in pieces), hold)


def event(name: str, data: Any, event_id: int | None = None) -> str:
    place = f"id: {event_id}\n" if event_id is not None else ""
    return f"event: {name}\n{place}data: {json.dumps(data)}\n\n"


def task(**given: Any) -> dict[str, Any]:
    """A task document."""
    document = {
        "id": TASK_ID,
        "type": "hello",
        "status": "completed",
        "input_data": {"a": 1},
        "output_data": {"b": 2},
        "payloads_hidden": False,
        "error_code": None,
        "error_message": None,
        "created_at": "2026-01-31T08:00:00Z",
        "updated_at": "2026-01-31T08:00:05Z",
        "run_at": "2026-01-31T08:00:00Z",
        "queued_at": "2026-01-31T08:00:01Z",
        "started_at": "2026-01-31T08:00:02Z",
        "finished_at": "2026-01-31T08:00:05.5Z",
        "expires_at": None,
        "cancel_requested_at": None,
        "waiting": None,
        "attempt_count": 1,
        "failures": 0,
        "crashes": 0,
        "deferrals": 0,
        "concurrency_key": None,
        "priority": 0,
        "labels": {},
        "timeout": None,
        "max_attempts": None,
        "worker_id": None,
        "attempts": [],
    }
    return document | given


def log_line(line_id: int, message: str = "hello", level: str = "info") -> dict[str, Any]:
    created = "2026-01-31T08:00:02.5Z"
    return {"id": line_id, "created_at": created, "level": level, "event": "note", "message": message, "attempt": 1}


@dataclass
class ServiceDouble:
    """Answers in turn for each method and path; the last answer is repeated."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[Given]] = field(default_factory=dict)

    def __enter__(self) -> ServiceDouble:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,))
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def on(self, method: str, path: str, *answers: Given) -> None:
        self.answers[method, path if path.startswith("/readyz") else f"/api/v1{path}"] = list(answers)

    def only(self, path: str) -> Asked:
        """The one request for a path."""
        (found,) = self.all(path)
        return found

    def all(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == f"/api/v1{path}"]

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main(started))
        self._loop.close()

    async def _main(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/{rest:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = Asked(request.method, request.path, list(request.query.items()), dict(request.headers), body)
        self.asked.append(asked)
        given = self.answers.get((request.method, request.path))
        if not given:
            return self._plain(problem(404, f"the double knows no {request.method} {request.path}"))
        answer = given.pop(0) if len(given) > 1 else given[0]
        if not isinstance(answer, Answer):
            answer = answer(asked)
        return await self._pieces(request, answer) if answer.pieces is not None else self._plain(answer)

    def _plain(self, answer: Answer) -> web.Response:
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type, headers=answer.headers
        )

    async def _pieces(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": answer.content_type})
        await response.prepare(request)
        for piece in answer.pieces or ():
            await response.write(piece)
        if answer.hold:
            await self._stop.wait()
        return response
