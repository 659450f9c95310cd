"""Looking at events, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from tradefree.events.decide import Decision
from tradefree.events.event import Event
from tradefree.events.ports import EventFilter
from tradefree.ids import first_id_at
from tradefree.tasks.task import Task
from tradefree.testing.memory.tables import Tables, clone
from tradefree.testing.memory.taking import copied


class Recalling:
    """Implements ``events.ports.EventStore``, as far as people look at events."""

    _tables: Tables

    async def events(
        self, wanted: EventFilter, *, limit: int, before_id: str | None = None, payloads: bool = True
    ) -> list[Event]:
        await self._tables.read()
        newest = (event for _, event in sorted(self._tables.events.items(), reverse=True))
        found = [e for e in newest if _fits(e, wanted) and (before_id is None or e.id < before_id)]
        return [copied(event, payloads=payloads) for event in found[:limit]]

    async def event(self, event_id: str, *, payloads: bool = True) -> Event | None:
        await self._tables.read()
        event = self._tables.events.get(event_id)
        return copied(event, payloads=payloads) if event is not None else None

    async def decisions(self, event_ids: Sequence[str]) -> dict[str, list[Decision]]:
        await self._tables.read()
        found = {id_: self._tables.decisions.get(id_, ()) for id_ in event_ids}
        return {id_: sorted(decided, key=lambda d: d.trigger) for id_, decided in found.items() if decided}

    async def decisions_of(
        self, trigger: str, *, limit: int, before_id: str | None = None
    ) -> list[tuple[str, Decision]]:
        await self._tables.read()
        every = [(id_, d) for id_, decided in self._tables.decisions.items() for d in decided if d.trigger == trigger]
        newest = sorted(every, key=lambda pair: pair[0], reverse=True)
        return [pair for pair in newest if before_id is None or pair[0] < before_id][:limit]

    async def tasks_of(self, event_id: str) -> list[Task]:
        await self._tables.read()
        ids = sorted(d.task_id for d in self._tables.decisions.get(event_id, ()) if d.task_id is not None)
        return [clone(self._tables.tasks[id_], payloads=()) for id_ in ids if id_ in self._tables.tasks]


def _fits(event: Event, wanted: EventFilter) -> bool:
    pattern = wanted.type
    fits_type = pattern is None or (
        event.type.startswith(pattern[:-1]) if pattern.endswith("*") else event.type == pattern
    )
    after, before = wanted.received_after, wanted.received_before
    return (
        fits_type
        and wanted.source in (None, event.source)
        and wanted.subject in (None, event.subject)
        and wanted.received_by in (None, event.received_by)
        and (after is None or event.id >= first_id_at(after))
        and (before is None or event.id < first_id_at(before))
    )
