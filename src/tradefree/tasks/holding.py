"""Holding: what held the tasks of a type, and when, so that a wait that is over can be told as well.

The leader looks each second at what its last round found, and keeps stretches of time, not tasks: what they cost is
bounded by the number of types, however many tasks wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.tasks.leisure import Leisure
from tradefree.tasks.ports import HoldStore
from tradefree.tasks.waits import Cause, Stretch

EVERY = 1.0
"""Seconds between looks. What two looks in a row do not see was no hold that anybody noticed."""
KEEP_EVERY = timedelta(seconds=5)
"""How often a stretch that goes on is written anew: so much is lost with a leader that dies."""
GONE = timedelta(seconds=1.5)
"""A hold that was not seen for so long is over."""
GOES_ON = timedelta(seconds=30)
"""A hold that a new leader finds goes on if the one before saw it not longer ago."""
KEPT = timedelta(days=30)

log = structlog.get_logger(__name__)


class Holding:
    """Keeps the stretches. ``held`` tells what holds which type now; None while this service does not lead."""

    def __init__(
        self, store: HoldStore, clock: Clock, held: Callable[[], Mapping[str, Cause] | None], leisure: Leisure
    ) -> None:
        self._store = store
        self._clock = clock
        self._held = held
        self._leisure = leisure
        self._open: dict[str, Stretch] | None = None
        """The stretch of each type that goes on; None before the first look of a leader."""
        self._over: list[Stretch] = []
        """Those that ended and are not kept yet."""
        self._seen: Mapping[str, Cause] = {}
        self._seen_at = self._kept_at = clock.now()

    async def run(self) -> None:
        """Look while this service leads, and delete what is old, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_on())
            group.create_task(self._leisure.run("old holds stay", self.forget))

    async def _look_on(self) -> None:
        while True:
            try:
                await self.look()
            except StorageUnavailable as error:
                log.warning("database unavailable; what holds tasks is not kept", error=str(error))
            except Exception:  # a fault in one look must not end them for good
                log.exception("what holds tasks could not be kept")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """See what holds now, and keep what has changed."""
        held, now = self._held(), self._clock.now()
        if held is None:
            self._open = None
            return
        if self._open is None:
            found = await self._store.open_stretches(now - GOES_ON)
            self._open, self._over, self._seen = {stretch.type: stretch for stretch in found}, [], {}
        changed = self._follow(self._open, held, now)
        self._seen, self._seen_at = held, now
        if changed or self._over or now - self._kept_at >= KEEP_EVERY:
            await self._store.keep_stretches([*self._over, *self._open.values()])
            self._over, self._kept_at = [], now

    async def forget(self) -> None:
        """Delete what ended too long ago."""
        await self._store.forget_stretches(self._clock.now() - KEPT)

    def _follow(self, going_on: dict[str, Stretch], held: Mapping[str, Cause], now: datetime) -> bool:
        """Prolong, end and begin stretches; True if any began or ended."""
        changed = False
        for name, stretch in list(going_on.items()):
            if held.get(name) == stretch.cause:
                going_on[name] = replace(stretch, ended_at=now)
            elif now - stretch.ended_at >= GONE:
                self._over.append(going_on.pop(name))
                changed = True
        for name, cause in held.items():
            if name not in going_on and self._seen.get(name) == cause:
                going_on[name] = Stretch(name, self._seen_at, now, cause)
                changed = True
        return changed
