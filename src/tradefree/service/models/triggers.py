"""Triggers and previews over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from tradefree.events.decide import Outcome
from tradefree.events.preview import MAX_EVENTS, MAX_SHOWN, Change, Preview, Trial, Tried, said_of
from tradefree.events.trigger import Kept, Trigger, Version
from tradefree.service.models.events import ConditionDocument, DecisionDetail, conditions, reason_of
from tradefree.service.models.fields import Moment, Request


class TriggerDocument(Trigger):
    """A trigger as it is stored."""

    version: int = Field(description="Rises with every change; send it as `If-Match` to change what you have seen.")
    updated_at: datetime
    updated_by: str
    failures: int = Field(description="In a row, by now. After 20 of them it is disabled.")
    failing: str = Field(description="The part that failed last in this row.")
    disabled_reason: str = Field(description="Why the system disabled it; empty if it did not.")

    @classmethod
    def of(cls, kept: Kept) -> TriggerDocument:
        return cls.model_validate(
            kept.trigger.model_dump()
            | {
                "version": kept.version,
                "updated_at": kept.updated_at,
                "updated_by": kept.updated_by,
                "failures": kept.streak.number,
                "failing": kept.streak.part,
                "disabled_reason": kept.reason,
            }
        )


class TriggerList(BaseModel):
    """Every trigger, by name."""

    items: list[TriggerDocument]


class VersionDocument(BaseModel):
    """One version of a trigger."""

    version: int
    trigger: Trigger | None = Field(description="Null: it was deleted.")
    at: datetime
    by: str
    reason: str

    @classmethod
    def of(cls, version: Version) -> VersionDocument:
        return cls.model_validate(version, from_attributes=True)


class VersionList(BaseModel):
    """The latest versions of a trigger, newest first."""

    items: list[VersionDocument]


class EnabledRequest(Request):
    """Whether a trigger looks at events."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    enabled: StrictBool


class TriggerDecision(DecisionDetail):
    """What a trigger decided about one event."""

    event_id: str = Field(description="Ours, not the sender's.")


class DecisionPage(BaseModel):
    """What a trigger decided, newest first."""

    items: list[TriggerDecision]
    next_cursor: str | None


class PreviewRequest(Request):
    """A draft trigger, and the events to try it on: the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "trigger": {
                        "name": "big-orders",
                        "event": "com.example.order.created",
                        "filter": "event.data.amount > 100",
                        "task_type": "summarize-order",
                        "input": {"order_id": "event.data.order"},
                    },
                    "since": "2026-01-24T00:00:00Z",
                }
            ]
        },
    )

    trigger: Trigger
    since: Moment | None = Field(None, description="Only events received since then.")
    until: Moment | None = None
    most: Annotated[StrictInt, Field(ge=1, le=MAX_EVENTS)] = Field(1000, description="Events to look at.")
    shown: Annotated[StrictInt, Field(ge=0, le=MAX_SHOWN)] = Field(20, description="Events to tell one by one.")


class PlannedTask(BaseModel):
    """The task that would be made."""

    task_type: str
    input: Any = Field(description="Null where payloads are hidden.")
    key: str | None
    priority: int
    delay: float
    labels: dict[str, str]

    @classmethod
    def of(cls, trial: Trial, *, payloads: bool) -> PlannedTask | None:
        if trial.task is None:
            return None
        return cls(**said_of(trial.task) | ({} if payloads else {"input": None}))


class TrialDocument(BaseModel):
    """What a rule makes of an event."""

    outcome: Outcome
    part: str
    reason: str
    conditions: list[ConditionDocument]
    task: PlannedTask | None

    @classmethod
    def of(cls, trial: Trial, trigger: Trigger, *, payloads: bool) -> TrialDocument:
        return cls(
            outcome=trial.decision.outcome,
            part=trial.decision.part,
            reason=reason_of(trial.decision, payloads=payloads),
            conditions=conditions(trial.decision, trigger, payloads=payloads),
            task=PlannedTask.of(trial, payloads=payloads),
        )


class TriedDocument(BaseModel):
    """One event, with what the draft and the rule that holds make of it."""

    id: str
    event_id: str
    source: str
    type: str
    received_at: datetime
    change: Change | None = Field(description="Null if there is no rule to compare with.")
    differs: list[str] = Field(description="The parts of the task that are not the same.")
    draft: TrialDocument
    current: TrialDocument | None


class ConditionCount(BaseModel):
    """One part of the draft's filter, and how often it was what."""

    text: str
    true: int
    false: int
    failed: int


class PreviewDocument(BaseModel):
    """What a draft would have made of a period. Nothing was written."""

    seen: int = Field(description="Events that were looked at.")
    complete: bool = Field(description="False: it ended before it had looked at the whole period.")
    back_to: datetime | None = Field(description="When the oldest event that was looked at was received.")
    outcomes: dict[Outcome, int] = Field(description="Of the draft, over the events that it looks at.")
    current: dict[Outcome, int] | None = Field(description="Of the rule that holds now; null if there is none.")
    changes: dict[Change, int] = Field(description="Against the rule that holds now.")
    conditions: list[ConditionCount]
    items: list[TriedDocument] = Field(description="Those that change something first.")

    @classmethod
    def of(cls, preview: Preview, draft: Trigger, current: Trigger | None, *, payloads: bool) -> PreviewDocument:
        return cls(
            seen=preview.seen,
            complete=preview.complete,
            back_to=preview.back_to,
            outcomes=dict(preview.outcomes),
            current=dict(preview.current) if preview.current is not None else None,
            changes=dict(preview.changes),
            conditions=[
                ConditionCount(text=each.text, true=each.true, false=each.false, failed=each.failed)
                for each in preview.conditions
            ],
            items=[_tried(tried, draft, current, payloads=payloads) for tried in preview.tried],
        )


def _tried(tried: Tried, draft: Trigger, current: Trigger | None, *, payloads: bool) -> TriedDocument:
    event = tried.event
    compared = tried.current is not None and current is not None
    return TriedDocument(
        id=event.id,
        event_id=event.event_id,
        source=event.source,
        type=event.type,
        received_at=event.received_at,
        change=tried.change,
        differs=list(tried.differs),
        draft=TrialDocument.of(tried.draft, draft, payloads=payloads),
        current=TrialDocument.of(tried.current, current, payloads=payloads)
        if compared and tried.current is not None and current is not None
        else None,
    )
