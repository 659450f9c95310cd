"""What the leader does at its leisure: now and then, a little at a time, so that nobody who works notices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable

EVERY = 600.0
"""Seconds between sweeps."""
LEADS_EVERY = 1.0
"""Seconds between looks whether this service leads now. They ask nobody."""
PAUSE = 0.2
"""Seconds between transactions at the least."""
SHARE = 5.0
"""A transaction is followed by a pause so many times as long as it took: a database that is busy is left in peace."""

Place = str | None
"""Where the next part begins: behind this id; None: nothing is left."""
log = structlog.get_logger(__name__)


class Leisure:
    """The pace of such work in a service that leads now and then. Two services at once would only be quicker."""

    def __init__(self, clock: Clock, leads: Callable[[], bool], *, pause: float = PAUSE) -> None:
        self.clock = clock
        self._leads = leads
        self._pause = pause

    async def run(self, what: str, sweep: Callable[[], Awaitable[Any]]) -> None:
        """Sweep while this service leads, until cancelled. Trouble is logged (``what`` it means), and no end."""
        while True:
            if leads := self._leads():
                try:
                    await sweep()
                except StorageUnavailable as error:
                    log.warning("database unavailable", so=what, error=str(error))
                except Exception:  # a fault in one sweep must not end them for good
                    log.exception("a fault", so=what)
            await asyncio.sleep(EVERY if leads else LEADS_EVERY)

    async def through(self, part: Callable[[str], Awaitable[tuple[Place, int]]]) -> int:
        """Do part after part, each behind the place where the one before ended, until nothing is left or another
        leads; how much that was in all."""
        total = 0
        place: Place = ""
        while place is not None and self._leads():
            began = self.clock.monotonic()
            place, number = await part(place)
            total += number
            if self._pause:
                await asyncio.sleep(max(self._pause, (self.clock.monotonic() - began) * SHARE))
        return total

    async def until_short(self, part: Callable[[], Awaitable[int]], batch: int) -> int:
        """The same for parts that find by themselves where to begin: one that is short of ``batch`` is the last."""

        async def placed(_: str) -> tuple[Place, int]:
            number = await part()
            return "" if number >= batch else None, number

        return await self.through(placed)
