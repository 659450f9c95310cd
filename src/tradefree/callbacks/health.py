"""Health: how deliveries to each subscription go is written down, many in one go; one that fails for long is paused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.tasks.callbacks.subscription import Outcomes, Pause
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import DISPATCH, Entry, Signals, SubscriptionStore

EVERY = 1.0
"""Seconds between writes at the least."""
SYSTEM = "system"
"""Who pauses, where no person does."""
GONE = "its receiver answers 410 Gone: it wants no more of these"

log = structlog.get_logger(__name__)


class HealthBook:
    """What runners say of subscriptions. Best effort: what was to be noted while the database is away is not."""

    def __init__(self, store: SubscriptionStore, catalog: Catalog, signals: Signals, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._signals = signals
        self._clock = clock
        self._noted: dict[str, Outcomes] = {}
        """Not yet written."""
        self._writer: asyncio.Task[None] | None = None

    def note(self, name: str, error: str | None = None) -> None:
        """A delivery went well or, with what was wrong, did not. Returns at once; nobody waits for this."""
        before = self._noted.get(name, Outcomes(0, succeeded=False, at=self._clock.now()))
        if error is None:
            self._noted[name] = replace(before, failures=0, succeeded=True)
        else:
            self._noted[name] = replace(before, failures=before.failures + 1, error=error)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())

    async def close(self) -> None:
        """Write what there is to write."""
        if self._writer is not None:
            await self._writer

    async def gone(self, name: str) -> None:
        """The receiver wants no more: pause now."""
        try:
            await self._pause(name, GONE)
        except StorageUnavailable as error:
            log.warning("a subscription could not be paused", subscription=name, error=str(error))

    async def _write_all(self) -> None:
        while self._noted:
            noted, self._noted = self._noted, {}
            try:
                await self._write(noted)
            except StorageUnavailable as error:
                log.warning("how deliveries went could not be written down", error=str(error))
            except Exception:  # a fault in here must not keep what comes later from being noted
                log.exception("how deliveries went could not be written down")
            if self._noted:
                await asyncio.sleep(EVERY)

    async def _write(self, noted: Mapping[str, Outcomes]) -> None:
        for name, health in (await self._store.note_deliveries(noted)).items():
            if health.too_long(self._clock.now()):
                since = f"{health.failing_since:%Y-%m-%d %H:%M} UTC"
                await self._pause(
                    name, f"{health.failures} deliveries in a row failed since {since}: {health.last_error}"
                )

    async def _pause(self, name: str, reason: str) -> None:
        now = self._clock.now()
        entry = Entry.new(now, SYSTEM, "subscription.pause", f"subscription:{name}", {"reason": reason})
        if await self._store.pause_subscription(name, Pause(by=SYSTEM, at=now, reason=reason), entry):
            log.warning("subscription paused", subscription=name, reason=reason)
            self._catalog.forget()
            self._signals.publish(DISPATCH, {"lanes": []})
