"""Recall: events, what was decided about them and what they made, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.event_rows import DECISION, EVENT, EVENT_WITH_DATA, to_decision, to_event
from tradefree.database.event_tables import event_decisions, events
from tradefree.database.rows import TASK, may_name, to_task
from tradefree.database.stores.taking import decisions_about
from tradefree.database.tables import tasks
from tradefree.events.decide import Decision
from tradefree.events.event import Event
from tradefree.events.ports import EventFilter
from tradefree.ids import first_id_at
from tradefree.tasks.task import Task

_LAST = "\U0010ffff"
"""Above every letter that a type goes on with."""


class RecallingStore:
    """Events as people look at them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(
        self, wanted: EventFilter, *, limit: int, before_id: str | None = None, payloads: bool = True
    ) -> list[Event]:
        """See ``events.ports.EventStore``. Ids carry the moment of receipt, so a period is a range of them."""
        query = sa.select(*(EVENT_WITH_DATA if payloads else EVENT)).where(*_conditions(wanted))
        if before_id is not None:
            query = query.where(events.c.id < before_id)
        query = by_index(query, events, _index(wanted)).order_by(events.c.id.desc()).limit(limit)

        async def unit(connection: AsyncConnection) -> list[Event]:
            return [to_event(row) for row in await connection.execute(query)]

        return await self._database.read(unit, slow=True)

    async def event(self, event_id: str, *, payloads: bool = True) -> Event | None:
        """See ``events.ports.EventStore``."""
        query = sa.select(*(EVENT_WITH_DATA if payloads else EVENT)).where(events.c.id == event_id)

        async def unit(connection: AsyncConnection) -> Event | None:
            row = (await connection.execute(query)).one_or_none()
            return to_event(row) if row is not None else None

        return await self._database.read(unit) if may_name(event_id) else None

    async def decisions(self, event_ids: Sequence[str]) -> dict[str, list[Decision]]:
        """See ``events.ports.EventStore``."""
        if not event_ids:
            return {}
        return await self._database.read(lambda connection: decisions_about(connection, event_ids))

    async def decisions_of(
        self, trigger: str, *, limit: int, before_id: str | None = None
    ) -> list[tuple[str, Decision]]:
        """See ``events.ports.EventStore``."""
        query = sa.select(*DECISION).where(event_decisions.c.trigger_name == trigger)
        if before_id is not None:
            query = query.where(event_decisions.c.event_id < before_id)
        query = by_index(query, event_decisions, "ix_event_decisions_trigger")
        query = query.order_by(event_decisions.c.event_id.desc()).limit(limit)

        async def unit(connection: AsyncConnection) -> list[tuple[str, Decision]]:
            return [(row.event_id, to_decision(row)) for row in await connection.execute(query)]

        return await self._database.read(unit) if may_name(trigger) else []

    async def tasks_of(self, event_id: str) -> list[Task]:
        """See ``events.ports.EventStore``."""
        made = sa.select(event_decisions.c.task_id).where(
            event_decisions.c.event_id == event_id, event_decisions.c.task_id.is_not(None)
        )

        async def unit(connection: AsyncConnection) -> list[Task]:
            ids = list((await connection.execute(made)).scalars())
            query = by_index(sa.select(*TASK), tasks).where(tasks.c.id.in_(ids)).order_by(tasks.c.id)
            return [to_task(row) for row in await connection.execute(query)] if ids else []

        return await self._database.read(unit) if may_name(event_id) else []


def _conditions(wanted: EventFilter) -> list[sa.ColumnElement[Any]]:
    equal = {"source": wanted.source, "subject": wanted.subject, "received_by": wanted.received_by}
    conditions: list[sa.ColumnElement[Any]] = [events.c[n] == value for n, value in equal.items() if value is not None]
    if wanted.type is not None and wanted.type.endswith("*"):
        prefix = wanted.type[:-1]
        conditions += [aside(events.c.type) >= prefix, aside(events.c.type) < prefix + _LAST] if prefix else []
    elif wanted.type is not None:
        conditions.append(events.c.type == wanted.type)
    if wanted.received_after is not None:
        conditions.append(events.c.id >= first_id_at(wanted.received_after))
    if wanted.received_before is not None:
        conditions.append(events.c.id < first_id_at(wanted.received_before))
    return conditions


def _index(wanted: EventFilter) -> str:
    """The index that has the rows in the order of their ids."""
    if wanted.received_by is not None:
        return "ix_events_receiver"
    return "ix_events_type" if wanted.type is not None and not wanted.type.endswith("*") else "PRIMARY"
