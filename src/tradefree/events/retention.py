"""Retention: what is old is deleted, a little at a time, so that nobody who works notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.leisure import Leisure, Place

BATCH = 200
"""Rows deleted in one transaction: some 20 ms on a slow disk."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one transaction deleted, and the id to go on behind; None: nothing is left."""

    number: int
    last_id: str | None = None


class RetentionStore(Protocol):
    async def prune_events(self, before: datetime, limit: int) -> int:
        """Delete the oldest events received before this, with what was decided about them; how many."""
        ...

    async def prune_fires(self, before: datetime, limit: int) -> int:
        """Delete the oldest runs of schedules decided before this; how many."""
        ...

    async def prune_tasks(self, task_type: str, before: datetime, limit: int, *, after_id: str = "") -> Pruned:
        """Delete ended tasks of a type created before this, with their attempts, logs and labels, oldest first and with
        ids behind ``after_id``."""
        ...


class Retention:
    """Deletes in the service that leads."""

    def __init__(
        self, store: RetentionStore, leisure: Leisure, *, events: timedelta | None, deliveries: timedelta | None
    ) -> None:
        """``events`` and ``deliveries``: how long they are kept; None: for ever."""
        self._store = store
        self._leisure = leisure
        self._events = events
        self._deliveries = deliveries

    async def run(self) -> None:
        """Delete what is old while this service leads, until cancelled."""
        await self._leisure.run("old events and deliveries are kept", self.sweep)

    async def sweep(self) -> Mapping[str, int]:
        """Delete everything that is too old now; how much of each kind."""
        now = self._leisure.clock.now()
        deleted = {"events": 0, "runs": 0, "deliveries": 0}
        if self._events is not None:
            before = now - self._events
            deleted["events"] = await self._leisure.until_short(partial(self._store.prune_events, before, BATCH), BATCH)
            deleted["runs"] = await self._leisure.until_short(partial(self._store.prune_fires, before, BATCH), BATCH)
        if self._deliveries is not None:
            deleted["deliveries"] = await self._leisure.through(partial(self._part, now - self._deliveries))
        if any(deleted.values()):
            log.info("old rows deleted", **deleted)
        return deleted

    async def _part(self, before: datetime, place: str) -> tuple[Place, int]:
        pruned = await self._store.prune_tasks(CALLBACK, before, BATCH, after_id=place)
        return pruned.last_id, pruned.number
