"""Retention of tasks and of the audit trail: what ended long ago is put aside, if that is wanted, and deleted, a little
at a time. Deliveries of callbacks have a time of their own (``events.retention``)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from tradefree.tasks.leisure import Leisure, Place
from tradefree.tasks.states import TERMINAL, Status

BATCH = 200
"""Tasks deleted in one transaction: some 20 ms on a slow disk."""
ARCHIVED = 20
"""Tasks put aside and deleted together. Each may have some MB, and all of it is in memory then."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """How long things are kept after their end; what is missing is kept for ever."""

    tasks: Mapping[Status, timedelta] = field(default_factory=dict)
    audit: timedelta | None = None

    def __post_init__(self) -> None:
        assert self.tasks.keys() <= TERMINAL


@dataclass(frozen=True, slots=True)
class Old:
    """Tasks that ended long ago, and the id to go on behind; None: nothing is left."""

    ids: Sequence[str]
    last_id: str | None = None


class TaskRetentionStore(Protocol):
    async def old_tasks(self, status: Status, before: datetime, limit: int, *, after_id: str = "") -> Old:
        """Tasks in a status in which they ended before this, oldest first and with ids behind ``after_id``. Deliveries
        are passed over."""
        ...

    async def whole_tasks(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """All there is of these tasks, as documents: their columns, ``attempts`` and ``logs``."""
        ...

    async def delete_tasks(self, ids: Sequence[str], before: datetime) -> int:
        """Delete those of these tasks that ended before this, with attempts, logs, labels and idempotency keys; how
        many. One that was run again meanwhile stays."""
        ...

    async def prune_audit(self, before: datetime, limit: int) -> int:
        """Delete the oldest lines of the audit trail from before this; how many."""
        ...


class Shelf(Protocol):
    """Where tasks are put aside before they are deleted."""

    def put(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Keep them for good: they are on disk when this returns. Raises OSError."""
        ...


class TaskRetention:
    """Deletes in the service that leads. Two at once would put some tasks aside twice."""

    def __init__(self, store: TaskRetentionStore, leisure: Leisure, kept: Kept, shelf: Shelf | None = None) -> None:
        self._store = store
        self._leisure = leisure
        self._kept = kept
        self._shelf = shelf

    async def run(self) -> None:
        """Delete what is old while this service leads, until cancelled."""
        if self._kept != Kept():
            await self._leisure.run("old tasks are kept", self.sweep)

    async def sweep(self) -> Mapping[str, int]:
        """Delete everything that is too old now; how much of each kind."""
        now = self._leisure.clock.now()
        deleted: Counter[str] = Counter()
        try:
            for status, age in self._kept.tasks.items():
                deleted[status] = await self._leisure.through(partial(self._part, status, now - age))
        except OSError as error:
            log.error("tasks could not be put aside, so none is deleted", error=error.strerror, file=error.filename)  # noqa: TRY400
        if self._kept.audit is not None:
            prune = partial(self._store.prune_audit, now - self._kept.audit, BATCH)
            deleted["audit"] = await self._leisure.until_short(prune, BATCH)
        if deleted.total():
            log.info("old tasks deleted", **deleted)
        return deleted

    async def _part(self, status: Status, before: datetime, place: str) -> tuple[Place, int]:
        old = await self._store.old_tasks(status, before, self._batch, after_id=place)
        if old.ids and self._shelf is not None:
            await asyncio.to_thread(self._shelf.put, await self._store.whole_tasks(old.ids))
        return old.last_id, await self._store.delete_tasks(old.ids, before) if old.ids else 0

    @property
    def _batch(self) -> int:
        return BATCH if self._shelf is None else ARCHIVED
