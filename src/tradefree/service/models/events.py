"""Events and what was decided about them, over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradefree.events.decide import Decision, Outcome
from tradefree.events.event import Event
from tradefree.events.ports import Taken
from tradefree.events.rulebook import conditions_of
from tradefree.events.trigger import Trigger, Version
from tradefree.service.models.callbacks import DeliveryDocument
from tradefree.service.models.problem import Problem
from tradefree.service.models.tasks import AttemptDocument, TaskDocument

HIDDEN = "hidden: it may show the event's data, and the key has no scope payloads:read"
Versions = Mapping[tuple[str, int], Version]


class CloudEvent(BaseModel):
    """A CloudEvent 1.0 in the JSON event format. Other attributes are kept as extensions."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "specversion": "1.0",
                    "id": "SO-1042/created",
                    "source": "/shop/shenzhen",
                    "type": "com.example.order.created",
                    "time": "2026-01-31T08:00:00Z",
                    "data": {"order": "SO-1042", "amount": 250, "customer": "C-7"},
                }
            ]
        },
    )

    specversion: Literal["1.0"]
    id: str = Field(max_length=255, description="With `source` it tells the event from every other.")
    source: str = Field(max_length=500)
    type: str = Field(max_length=255)
    subject: str | None = Field(None, max_length=500)
    time: datetime | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: Any = None
    data_base64: str | None = None


class DecisionDocument(BaseModel):
    """What one trigger decided about an event."""

    trigger: str
    version: int = Field(description="Of the trigger.")
    outcome: Outcome
    part: str = Field(description="The part of the trigger that decided: `filter`, `input/order_id`, `key`.")
    reason: str = Field(description="Why; of a failure only with the scope `payloads:read`.")
    task_id: str | None

    @classmethod
    def of(cls, decision: Decision, *, payloads: bool) -> DecisionDocument:
        return cls(
            trigger=decision.trigger,
            version=decision.version,
            outcome=decision.outcome,
            part=decision.part,
            reason=reason_of(decision, payloads=payloads),
            task_id=decision.task_id,
        )


def reason_of(decision: Decision, *, payloads: bool) -> str:
    """Why; of a failure only for those who may see payloads, because it may show a value of the event."""
    return decision.reason if payloads or decision.outcome is not Outcome.FAILED else HIDDEN


class ConditionDocument(BaseModel):
    """One part of a filter, and whether it was true for the event."""

    text: str
    held: bool | None = Field(description="Null: it had no value.")
    reason: str = Field(description="Why it had none.")


def conditions(decision: Decision, trigger: Trigger | None, *, payloads: bool) -> list[ConditionDocument]:
    """The parts of the filter by which this was decided, as far as that version of the trigger is known."""
    texts: Sequence[str] = conditions_of(trigger) if trigger is not None else ()
    if len(texts) != len(decision.conditions):
        texts = [""] * len(decision.conditions)
    return [
        ConditionDocument(text=text, held=None, reason=held if payloads else HIDDEN)
        if isinstance(held, str)
        else ConditionDocument(text=text, held=held, reason="")
        for text, held in zip(texts, decision.conditions, strict=True)
    ]


class DecisionDetail(DecisionDocument):
    """The same with the conditions it hung on."""

    conditions: list[ConditionDocument] = Field(description="The parts of the filter, which all must be true.")

    @classmethod
    def with_conditions(cls, decision: Decision, versions: Versions, *, payloads: bool) -> DecisionDetail:
        version = versions.get((decision.trigger, decision.version))
        trigger = version.trigger if version is not None else None
        document = DecisionDocument.of(decision, payloads=payloads).model_dump()
        return cls(**document, conditions=conditions(decision, trigger, payloads=payloads))


class EventDocument(BaseModel):
    """An event as it is stored."""

    id: str = Field(description="Ours; `event_id` is the sender's.")
    source: str
    event_id: str
    type: str
    subject: str | None
    time: datetime | None = Field(description="When it happened, as the sender says.")
    attributes: dict[str, Any] = Field(description="All others, extensions among them.")
    data: Any = Field(description="Null where payloads are hidden; base64 text if `binary`.")
    binary: bool
    payloads_hidden: bool
    received_at: datetime
    received_by: str = Field(description="`key:ID`, `hook:SLUG` or `schedule:NAME`.")
    decisions: list[DecisionDocument]

    @classmethod
    def of(cls, event: Event, decisions: Sequence[Decision], *, payloads: bool, reasons: bool) -> EventDocument:
        return cls(
            **facts(event, payloads=payloads), decisions=[DecisionDocument.of(d, payloads=reasons) for d in decisions]
        )


def facts(event: Event, *, payloads: bool) -> dict[str, Any]:
    """What is said of an event itself."""
    names = ("id", "source", "event_id", "type", "subject", "time", "binary", "received_at", "received_by")
    return {name: getattr(event, name) for name in names} | {
        "attributes": dict(event.attributes),
        "data": event.data if payloads else None,
        "payloads_hidden": not payloads,
    }


class EventPage(BaseModel):
    """Some events, newest first."""

    items: list[EventDocument]
    next_cursor: str | None = Field(description="Pass it as `cursor` to read on; null at the end.")


class MadeTask(TaskDocument):
    """A task that an event made, with its attempts and who was told of it."""

    attempts: list[AttemptDocument] = Field(description="Oldest first; the running one is the last.")
    deliveries: list[DeliveryDocument] = Field(description="Callbacks about it.")


class EventDetail(EventDocument):
    """An event with what became of it: decisions, tasks, attempts, callbacks."""

    decisions: list[DecisionDetail]  # type: ignore[assignment]
    tasks: list[MadeTask] = Field(description="The tasks it made, without their payloads.")


class TakenDocument(BaseModel):
    """An event that was taken."""

    id: str = Field(description="Ours; look at it with `event_url`.")
    event_id: str
    source: str
    type: str
    received_at: datetime
    replayed: bool = Field(description="It was there already; these are the decisions of the first time.")
    event_url: str
    decisions: list[DecisionDocument]

    @classmethod
    def plain(cls, taken: Taken, url: str) -> dict[str, Any]:
        """The same as plain values: a thousand models take longer than all the rest."""
        event = taken.event
        return {
            "id": event.id,
            "event_id": event.event_id,
            "source": event.source,
            "type": event.type,
            "received_at": event.received_at,
            "replayed": taken.replayed,
            "event_url": f"{url}/{event.id}",
            "decisions": [_plain(decision) for decision in taken.decisions],
        }


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "trigger": decision.trigger,
        "version": decision.version,
        "outcome": decision.outcome,
        "part": decision.part,
        "reason": decision.reason,
        "task_id": decision.task_id,
    }


class EventOutcome(BaseModel):
    """What became of one event of a batch."""

    index: int
    status: Literal["accepted", "replayed", "rejected"]
    event: TakenDocument | None
    error: Problem | None


class BatchTaken(BaseModel):
    """What became of the events of a batch."""

    accepted: int
    rejected: int
    items: list[EventOutcome]
