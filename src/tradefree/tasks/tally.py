"""Tally: the leader sums up what the log tells, a little at a time, so that charts need not count tasks.

The log lines of all tasks have rising ids, so a mark says what is summed up; it moves in the transaction that adds to
the sums, and whoever leads next goes on from there: nothing counts twice, nothing is left out. On MySQL a line may
become visible after a later one, so the newest lines are left alone for ``SETTLE`` seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import structlog

from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.tasks.ports import TallyStore
from tradefree.tasks.series import KEPT, sorted_in

EVERY = 2.0
"""Seconds between looks: a chart is behind by this and ``SETTLE``."""
SETTLE = 5.0
"""Seconds: the longest that a transaction that writes log lines is open (statements are cut off after three)."""
STEP = 2000
"""Ids of lines summed up in one transaction: some 30 ms on MariaDB."""
SHARE = 2.0
"""A transaction is followed by a pause so many times as long as it took: a database that is busy is left in peace."""
HISTORY = timedelta(days=30)
"""How far back it begins where nothing is summed up yet."""
FORGET_EVERY = 600.0

log = structlog.get_logger(__name__)


class Tally:
    """Sums up in the service that leads. Two at once would only hinder each other."""

    def __init__(self, store: TallyStore, clock: Clock, leads: Callable[[], bool], *, settle: float = SETTLE) -> None:
        self._store = store
        self._clock = clock
        self._leads = leads
        self._settle = settle
        self._newest: deque[tuple[float, int]] = deque()
        """When which id was the greatest."""
        self._forgot_at = float("-inf")

    async def run(self) -> None:
        """Sum up while this service leads, until cancelled."""
        while True:
            if self._leads():
                await self._try()
            else:
                self._newest.clear()
            await asyncio.sleep(EVERY)

    async def _try(self) -> None:
        try:
            await self.catch_up()
            if self._clock.monotonic() - self._forgot_at >= FORGET_EVERY:
                self._forgot_at = self._clock.monotonic()
                await self.forget()
        except StorageUnavailable as error:
            log.warning("database unavailable; charts fall behind", error=str(error))
        except Exception:  # a fault in one look must not end the tally for good
            log.exception("what happened could not be summed up")

    async def catch_up(self, *, share: float = SHARE) -> None:
        """Sum up all lines that have settled."""
        settled = self._settled(await self._store.newest_line())
        if settled is None:
            return
        mark = await self._store.tallied()
        if mark is None:
            mark = min(settled, await self._store.line_at(self._clock.now() - HISTORY))
            await self._store.tally(None, mark, {})
        while mark < settled and self._leads():
            began = self._clock.monotonic()
            up_to = min(settled, mark + STEP)
            cells = sorted_in(await self._store.happened(mark, up_to))
            if not await self._store.tally(mark, up_to, cells):
                return  # somebody else leads by now
            mark = up_to
            await asyncio.sleep((self._clock.monotonic() - began) * share)

    async def forget(self) -> None:
        """Delete what is older than its length is kept."""
        for span, kept in KEPT.items():
            await self._store.forget_cells(span, self._clock.now() - kept)

    def _settled(self, newest: int) -> int | None:
        """The greatest id below which nothing can appear any more; None while that is not known."""
        now = self._clock.monotonic()
        self._newest.append((now, newest))
        while len(self._newest) > 1 and now - self._newest[1][0] >= self._settle:
            self._newest.popleft()
        seen_at, settled = self._newest[0]
        return settled if now - seen_at >= self._settle else None
