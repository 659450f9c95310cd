"""One open event stream: a bounded buffer between a run and its reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from tradefree.testing.dify_standin.behaviour import CutStream
from tradefree.testing.dify_standin.replies import PING

_BUFFERED = 1024
"""Dify 1.14.2: a reader that falls behind by more loses the oldest events."""


class Stream:
    """Events for one reader. Events that wait together leave in one write, as from the real server."""

    __slots__ = ("_closed", "_cut_after", "_events", "_frames", "_idle", "_mid_frame", "_timer", "_touched", "_wake", "cut")

    def __init__(self, cut: CutStream | None = None) -> None:
        self._frames: deque[bytes] = deque(maxlen=_BUFFERED)
        self._wake: asyncio.Future[None] | None = None
        self._closed = False
        self._events = 0
        self._cut_after = cut.after_events if cut else None
        self._mid_frame = cut is not None and cut.mid_frame
        self._timer: asyncio.TimerHandle | None = None
        self._touched = 0.0
        self._idle = 0.0
        self.cut = False
        """The connection must be dropped, not ended."""
        if self._cut_after == 0 and not self._mid_frame:
            self.cut = self._closed = True

    def send(self, frame: bytes) -> None:
        """Put an event; the cut, if one was asked for, happens here."""
        if self._closed:
            return
        self._events += 1
        if self._cut_after is not None and self._events > self._cut_after:
            frame = frame[: len(frame) // 2]
        self._frames.append(frame)
        if self._cut_after is not None and self._events >= self._cut_after + self._mid_frame:
            self.cut = self._closed = True
        self._rouse()

    def ping(self) -> None:
        if not self._closed:
            self._frames.append(PING)
            self._rouse()

    def close(self) -> None:
        """End the stream cleanly once everything is read."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._rouse()

    def close_when_idle(self, seconds: float) -> None:
        """End the stream after so many seconds without an event."""
        loop = asyncio.get_running_loop()
        self._idle = seconds
        self._touched = loop.time()
        self._timer = loop.call_later(seconds, self._close_if_idle, loop)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What to write, until the stream is closed."""
        while True:
            if self._frames:
                chunk = b"".join(self._frames)
                self._frames.clear()
                yield chunk
            elif self._closed:
                return
            else:
                self._wake = asyncio.get_running_loop().create_future()
                await self._wake

    def _rouse(self) -> None:
        wake, self._wake = self._wake, None
        if wake and not wake.done():
            self._touched = wake.get_loop().time()
            wake.set_result(None)

    def _close_if_idle(self, loop: asyncio.AbstractEventLoop) -> None:
        due = self._touched + self._idle
        if loop.time() >= due - 0.001:
            self.close()
        else:
            self._timer = loop.call_at(due, self._close_if_idle, loop)
