"""Following a task: its server-sent events over reconnects, each log line once, to its end (WHATWG HTML §9.2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Any

from tradefree.client.transport import Transport
from tradefree.errors import ServiceUnavailable
from tradefree.tasks.states import TERMINAL

RETRY = 2.0
"""Seconds before a reconnect, unless the service says otherwise."""
LONGEST_RETRY = 10.0
PATIENCE = 12
"""Reconnects in a row without a single event before it is given up: a minute and a half."""
REMEMBERED = 20_000
"""Log lines whose ids are kept, to leave out those that come again after a reconnect."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``status``, ``log``, ``partial`` or ``end``, and what it carries."""

    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class Place:
    """Where in the stream we are."""

    last_id: str = ""
    retry: float = field(default_factory=lambda: RETRY)
    failures: int = 0
    seen: dict[int, None] = field(default_factory=dict)
    """Ids of log lines handed out, oldest first. Lines may come out of the order of their ids."""

    def fresh(self, event: Event) -> bool:
        """False for a log line that was handed out before."""
        if event.name != "log":
            return True
        line_id = event.data.get("id")
        if not isinstance(line_id, int):
            return True
        if line_id in self.seen:
            return False
        self.seen[line_id] = None
        if len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]
        return True


def unnoticed(_: ServiceUnavailable) -> None:
    """What is done where nobody wants to hear of a lost connection."""


async def follow(
    service: Transport, task_id: str, *, on_lost: Callable[[ServiceUnavailable], object] = unnoticed
) -> AsyncGenerator[Event]:
    """The events of a task until it has ended. A lost connection is made again and goes on where it was.

    ``on_lost`` hears of the first loss of each in a row.
    """
    place = Place()
    while True:
        try:
            async with contextlib.aclosing(_connection(service, task_id, place)) as events:
                async for event in events:
                    place.failures = 0
                    if place.fresh(event):
                        yield event
                    if event.name == "end":
                        return
        except ServiceUnavailable as error:
            if not place.seen and not place.last_id and not place.failures:
                raise
            if place.failures == 0:
                on_lost(error)
        place.failures += 1
        if place.failures > PATIENCE:
            raise ServiceUnavailable("the stream was lost and could not be taken up again; the task goes on without us")
        await asyncio.sleep(min(LONGEST_RETRY, place.retry * 2 ** max(0, place.failures - 2)))


async def final_status(
    service: Transport, task_id: str, *, on_lost: Callable[[ServiceUnavailable], object] = unnoticed
) -> str:
    """The status a task ended with, as soon as it has one."""
    async with contextlib.aclosing(follow(service, task_id, on_lost=on_lost)) as events:
        async for event in events:
            status = event.data.get("status")
            if event.name == "end" or (event.name == "status" and status in TERMINAL):
                return str(status)
    raise AssertionError("unreachable")


async def _connection(service: Transport, task_id: str, place: Place) -> AsyncGenerator[Event]:
    headers = {"Last-Event-ID": place.last_id} if place.last_id else {}
    async with service.stream(f"/tasks/{task_id}/stream", headers) as content:
        async for event in _events(content, place):
            yield event


async def _events(lines: AsyncIterable[bytes], place: Place) -> AsyncGenerator[Event]:
    """Parse a stream. Comments are heartbeats; a block without data may still carry an id."""
    name, last_id = "message", place.last_id
    data: list[str] = []
    async for raw in lines:
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            place.last_id = last_id
            if data:
                yield Event(name, _object("\n".join(data)))
            name, data = "message", []
            continue
        key, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif key == "id" and "\0" not in value:
            last_id = value
        elif key == "retry" and value.isdecimal():
            place.retry = int(value) / 1000


def _object(text: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            return value
    return {}
