"""One timer for any number of things that repeat at the same interval."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


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

    def stop(self) -> None:
        self._queue.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_at(self._queue[0][0], self._fire, loop) if self._queue else None

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._queue and self._queue[0][0] <= now:
            due, item = self._queue.popleft()
            if self._tick(item):
                self._queue.append((due + self._seconds, item))
        self._arm(loop)
