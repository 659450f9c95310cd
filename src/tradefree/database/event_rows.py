"""Between rows and records of events."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tradefree.database.event_tables import event_decisions, events, triggers
from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event
from tradefree.events.trigger import Kept, Streak, Trigger, Version

EVENT = [column for column in events.c if column.name not in ("digest", "data")]
"""An event without its data."""
EVENT_WITH_DATA = [*EVENT, events.c.data]
_DECISION = [column for column in event_decisions.c if column.name != "event_id"]
DECISION = [event_decisions.c.event_id, *_DECISION]


def event_row(event: Event) -> dict[str, Any]:
    row = {column.name: getattr(event, column.name) for column in events.c if column.name not in ("is_binary",)}
    return row | {"is_binary": event.binary, "attributes": dict(event.attributes)}


def to_event(row: sa.Row[Any]) -> Event:
    """The event in a row of one of the column lists above; what is not in it is None."""
    values = dict(row._mapping)
    return Event(binary=values.pop("is_binary"), **values)


def decision_row(event_id: str, decision: Decision) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "trigger_name": decision.trigger,
        "version": decision.version,
        "outcome": decision.outcome,
        "part": decision.part,
        "reason": decision.reason,
        "conditions": list(decision.conditions),
        "task_id": decision.task_id,
    }


def to_decision(row: sa.Row[Any]) -> Decision:
    return Decision(
        trigger=row.trigger_name,
        version=row.version,
        outcome=Outcome(row.outcome),
        part=row.part,
        reason=row.reason,
        conditions=tuple(row.conditions),
        task_id=row.task_id,
    )


def trigger_row(kept: Kept) -> dict[str, Any]:
    return {
        "name": kept.trigger.name,
        "document": document_of(kept.trigger),
        "version": kept.version,
        "failures": kept.streak.number,
        "failing": kept.streak.part,
        "reason": kept.reason,
        "updated_at": kept.updated_at,
        "updated_by": kept.updated_by,
    }


def to_kept(row: sa.Row[Any]) -> Kept:
    return Kept(
        trigger=Trigger.model_validate(row.document),
        version=row.version,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        streak=Streak(row.failures, row.failing),
        reason=row.reason,
    )


TRIGGER = list(triggers.c)


def document_of(trigger: Trigger) -> dict[str, Any]:
    return trigger.model_dump(mode="json", exclude_defaults=True)


def to_version(row: sa.Row[Any]) -> Version:
    trigger = Trigger.model_validate(row.document) if row.document is not None else None
    return Version(row.name, row.version, trigger, row.at, row.by_whom, row.reason)


def version_row(version: Version) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "document": document_of(version.trigger) if version.trigger is not None else None,
        "at": version.at,
        "by_whom": version.by,
        "reason": version.reason,
    }
