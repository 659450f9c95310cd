"""One timer for any number of things that repeat at the same interval."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_SLACK = 0.01
"""Share of the interval by which a tick may be late, so that ticks close together share a wake-up."""


class Ticker(Generic[T]):
    """Calls `tick(item)` every `seconds` after the item was added, until it returns False.

    All items share the interval, so the queue is in the order of the due times by itself and one timer is enough.
    """

    def __init__(self, seconds: float, tick: Callable[[T], bool]) -> None:
        self._seconds = seconds
        self._tick = tick
        self._queue: deque[tuple[float, T]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: T) -> None:
        loop = asyncio.get_running_loop()
        self._queue.append((loop.time() + self._seconds, item))
        if self._timer is None:
            self._arm(loop)

    def catch_up(self, until: float) -> None:
        """Give all ticks that were due by this loop time, so that a stall of the process changes no order."""
        while self._queue and self._queue[0][0] <= until:
            due, item = self._queue.popleft()
            if self._tick(item):
                self._queue.append((due + self._seconds, item))

    def stop(self) -> None:
        self._queue.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._queue:
            self._timer = None
            return
        until = self._queue[0][0] + self._seconds * _SLACK
        self._timer = loop.call_at(until, self._fire, loop, until)

    def _fire(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        # Not by the present time: after a stall, later ticks must still come after other timers that were due before.
        self.catch_up(until)
        self._arm(loop)
