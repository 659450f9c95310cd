"""A task's life as server-sent events (WHATWG HTML §9.2): ``status``, ``log``, ``partial`` and, at last, ``end``.

The row is the truth here, too: signals only say when to look. Every event but ``partial`` carries the log's low-water
mark as its id, so ``Last-Event-ID`` resumes without a gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from tradefree.errors import StorageUnavailable
from tradefree.service.context import System
from tradefree.service.follow import LogFollower
from tradefree.service.models.logs import LogDocument
from tradefree.service.models.stream import StatusEvent
from tradefree.service.news import News, listening


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between things."""

    heartbeat: float = 15.0
    """Between comments when nothing else is sent: proxies close connections that are silent for a minute or so."""
    reread: float = 1.0
    """Between looks at the rows when no signal comes."""
    pause: float = 0.05
    """Between looks at the least, so that a chatty task costs its watchers little."""
    last_look: float = 1.0
    """After the end, until the log is read once more: a line written before may be committed a little later."""


PACE = Pace()


class TaskStream:
    """One watcher of one task."""

    def __init__(
        self,
        system: System,
        task_id: str,
        closing: asyncio.Event,
        *,
        after: int = 0,
        partial: bool = False,
        pace: Pace = PACE,
    ) -> None:
        self._system = system
        self._task_id = task_id
        self._closing = closing
        self._partial = partial
        self._pace = pace
        self._log = LogFollower(system.store, task_id, system.clock, after=after)
        self._status: StatusEvent | None = None
        self._ended_at: float | None = None
        self._quiet_since = 0.0

    async def events(self) -> AsyncIterator[bytes]:
        """The events, encoded, until the task has ended, the watcher leaves or the service stops."""
        yield b"retry: 2000\n\n"
        self._quiet_since = _now()
        async with listening(self._system.signals, self._task_id) as news:
            while not self._closing.is_set():
                news.looked()
                try:
                    async for event in self._look():
                        yield self._sent(event)
                except StorageUnavailable:
                    yield self._sent(b": the database does not answer; trying on\n\n")
                if self._over():
                    yield self._event("end", {"id": self._task_id, "status": self._status and self._status.status})
                    return
                async for event in self._wait(news):
                    yield self._sent(event)

    async def _look(self) -> AsyncIterator[bytes]:
        """Read the rows: the status first, so that the lines of the move that made it are there when they are read."""
        task = await self._system.store.task(self._task_id, payloads=False)
        if task is None:
            self._ended_at = float("-inf")
            return
        status = StatusEvent.of(task)
        if status != self._status:
            self._status = status
            yield self._event("status", status.model_dump(mode="json"))
        async for line in self._log.read():
            yield self._event("log", LogDocument.of(line, payloads=self._partial).model_dump(mode="json"))
        if not task.terminal:
            self._ended_at = None
        elif self._ended_at is None:
            self._ended_at = _now()

    def _over(self) -> bool:
        return self._ended_at is not None and _now() - self._ended_at >= self._pace.last_look

    async def _wait(self, news: News) -> AsyncIterator[bytes]:
        """Until it is time to look again; partial text is passed on at once."""
        began = _now()
        until = began + (self._pace.reread if self._ended_at is None else self._pace.last_look)
        while (left := until - _now()) > 0 and not self._closing.is_set():
            if (news.moved or news.logged) and self._ended_at is None:
                until = min(until, began + self._pace.pause)
            await news.wait(min(left, max(0.0, until - _now()), self._until_heartbeat()))
            replaced, news.replaced = news.replaced, False
            text = news.take_text()
            if (text or replaced) and self._partial:
                told = {"text": text, "replace": True} if replaced else {"text": text}
                yield self._event("partial", told, with_id=False)
            if self._until_heartbeat() <= 0:
                yield f": heartbeat\nid: {self._log.mark}\n\n".encode()

    def _until_heartbeat(self) -> float:
        return self._quiet_since + self._pace.heartbeat - _now()

    def _sent(self, event: bytes) -> bytes:
        self._quiet_since = _now()
        return event

    def _event(self, name: str, data: Any, *, with_id: bool = True) -> bytes:
        place = b"id: %d\n" % self._log.mark if with_id else b""
        return b"event: %s\n%sdata: %s\n\n" % (name.encode(), place, orjson.dumps(data))


def _now() -> float:
    return asyncio.get_running_loop().time()
