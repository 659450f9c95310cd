"""One open event stream: a bounded buffer between a run and its reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from tradefree.testing.dify_standin.behaviour import CutStream
from tradefree.testing.dify_standin.replies import PING

_BUFFERED = 1024
"""Dify 1.14.2: a reader that falls behind by more loses the oldest events."""


_TOLERANCE_SECONDS = 0.001
"""Timers may fire a little early."""


class Stream:
    """Events for one reader. Events that wait together leave in one write, as from the real server."""

    __slots__ = (
        "_closed",
        "_cut_after",
        "_events",
        "_frames",
        "_idle",
        "_loop",
        "_mid_frame",
        "_timer",
        "_touched",
        "_wake",
        "cut",
        "outlasts_pauses",
    )

    def __init__(self, cut: CutStream | None = None, *, outlasts_pauses: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque(maxlen=_BUFFERED)
        self._wake: asyncio.Future[None] | None = None
        self._closed = False
        self._events = 0
        self._cut_after = cut.after_events if cut else None
        self._mid_frame = cut is not None and cut.mid_frame
        self._timer: asyncio.TimerHandle | None = None
        self._idle = 0.0
        self._touched = self._loop.time()
        self.cut = False
        """The connection must be dropped, not ended."""
        self.outlasts_pauses = outlasts_pauses
        """It is for what comes after a pause, too."""
        if self._cut_after == 0 and not self._mid_frame:
            self.cut = self._closed = True

    def send(self, frame: bytes) -> None:
        """Put an event; the cut, if one was asked for, happens here."""
        if self._closed:
            return
        self._events += 1
        if self._cut_after is not None and self._events > self._cut_after:
            frame = frame[: len(frame) // 2]
        self._put(frame)
        if self._cut_after is not None and self._events >= self._cut_after + self._mid_frame:
            self.cut = self._closed = True

    def ping(self) -> None:
        """Put a ping of the worker."""
        if not self._closed:
            self._put(PING)

    def ping_after(self, silence: float) -> bool:
        """Put a ping of the API process if nothing came for so many seconds; False if the stream is closed."""
        if not self._closed and self._loop.time() - self._touched >= silence:
            self._frames.append(PING)
            self._rouse()
        return not self._closed

    def close(self) -> None:
        """End the stream cleanly once everything is read."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._rouse()

    def close_when_idle(self, seconds: float) -> None:
        """End the stream after so many seconds without an event or a ping of the worker."""
        self._idle = seconds
        self._timer = self._loop.call_later(seconds, self._close_if_idle)

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
                self._wake = self._loop.create_future()
                await self._wake

    def _put(self, frame: bytes) -> None:
        self._touched = self._loop.time()
        self._frames.append(frame)
        self._rouse()

    def _rouse(self) -> None:
        wake, self._wake = self._wake, None
        if wake and not wake.done():
            wake.set_result(None)

    def _close_if_idle(self) -> None:
        due = self._touched + self._idle
        if self._loop.time() >= due - _TOLERANCE_SECONDS:
            self.close()
        else:
            self._timer = self._loop.call_at(due, self._close_if_idle)
