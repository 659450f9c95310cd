"""The rules that hold, kept at hand and read again when they changed."""

from __future__ import annotations

import structlog

from tradefree.clock import Clock
from tradefree.errors import StorageUnavailable
from tradefree.events.ports import EventStore
from tradefree.events.rulebook import Rulebook
from tradefree.events.trigger import Kept
from tradefree.tasks.catalog import MAX_AGE
from tradefree.tasks.ports import CatalogStore

log = structlog.get_logger(__name__)


class Rules:
    """A cache of triggers, compiled once for each version of the configuration."""

    def __init__(self, store: EventStore, catalog_store: CatalogStore, clock: Clock) -> None:
        self._store = store
        self._catalog_store = catalog_store
        self._clock = clock
        self._version = -1
        self._kept: list[Kept] = []
        self._book = Rulebook()
        self._read_at = float("-inf")

    async def book(self) -> Rulebook:
        """The rulebook, not older than ``MAX_AGE`` seconds. The same object as long as nothing has changed."""
        if self._clock.monotonic() - self._read_at >= MAX_AGE:
            await self._read()
        return self._book

    def forget(self) -> None:
        """Read again at the next call: something was changed here."""
        self._read_at = float("-inf")

    async def _read(self) -> None:
        """While the database is away, what was read before is believed on."""
        asked_at = self._clock.monotonic()
        try:
            if await self._catalog_store.config_version() != self._version:
                version, kept = await self._store.triggers()
                if kept != self._kept or self._version < 0:
                    self._tell(kept)
                    self._kept, self._book = kept, Rulebook(kept)
                self._version = version
        except StorageUnavailable:
            if self._version < 0:
                raise
            return
        self._read_at = asked_at

    def _tell(self, kept: list[Kept]) -> None:
        """Say which triggers the system has disabled since the last look."""
        known = {(each.trigger.name, each.version) for each in self._kept}
        for each in kept:
            if each.reason and (each.trigger.name, each.version) not in known:
                log.error("trigger disabled", trigger=each.trigger.name, version=each.version, reason=each.reason)
