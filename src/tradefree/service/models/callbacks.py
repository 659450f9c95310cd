"""Subscriptions and deliveries over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tradefree.service.models.fields import AS_DURATION, Request, Seconds
from tradefree.tasks.callbacks.delivery import EVENT_LABEL, SUBSCRIPTION_LABEL, TASK_LABEL
from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.callbacks.subscription import (
    Health,
    LabelName,
    Pause,
    Subscriber,
    Subscription,
    ToldStatus,
    TypePattern,
)
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task

LONGEST_KEEP = 30 * 86400.0
Secret = Annotated[StrictStr, Field(max_length=200, description="`whsec_` and the base64 of 24 to 64 bytes.")]


class SubscriptionRequest(Request):
    """An address, and what it is to be told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://shop.example.com/hooks/tradefree",
                    "task_types": ["summarize-*"],
                    "statuses": ["completed", "failed"],
                    "labels": {"shop": "shenzhen"},
                }
            ]
        },
    )

    name: Annotated[StrictStr, Field(description="If given, the name in the path.")] | None = None
    url: StrictStr = Field(description="Where to post to: http or https, and an address of the public Internet.")
    description: StrictStr = ""
    task_types: list[TypePattern] = Field(
        default_factory=list, max_length=100, description="Only of these types, `*` at the end allowed; empty: all."
    )
    statuses: list[ToldStatus] = Field(default_factory=list, max_length=4, description="Only these; empty: all four.")
    labels: dict[LabelName, Annotated[StrictStr, Field(max_length=255)]] = Field(
        default_factory=dict, max_length=20, description="Only tasks that have all of these."
    )
    secret: Secret | None = Field(
        None, description="Signs from now on; the one before signs, too, for a day. Left out: the stored one, or a new."
    )


class PauseRequest(Request):
    """Why nothing is to be sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the receiver is being moved"}]})

    reason: Annotated[StrictStr, Field(max_length=255, description="Shown to whoever asks why a delivery waits.")] = ""


class RotateRequest(Request):
    """How to change the secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": "24h"}]})

    keep: Annotated[Seconds, Field(ge=0, le=LONGEST_KEEP), AS_DURATION] = Field(
        86400.0, description="How long the present secret signs, too; 0: it was stolen."
    )


class PauseDocument(BaseModel):
    """Why nothing is sent."""

    by: str = Field(description="`system` where no person did it.")
    at: datetime
    reason: str

    @classmethod
    def of(cls, pause: Pause | None) -> PauseDocument | None:
        return cls(by=pause.by, at=pause.at, reason=pause.reason) if pause is not None else None


class SubscriptionDocument(BaseModel):
    """A subscription without its secret, and how it goes."""

    name: str
    url: str
    description: str
    task_types: list[str]
    statuses: list[str]
    labels: dict[str, str]
    paused: PauseDocument | None
    failures: int = Field(description="Deliveries that failed since the last success.")
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    old_secret_until: datetime | None = Field(description="The secret before the present one signs, too, until then.")

    @classmethod
    def of(cls, subscriber: Subscriber, health: Health) -> SubscriptionDocument:
        return cls.model_validate(
            {
                **subscriber.subscription.model_dump(),
                "paused": PauseDocument.of(subscriber.paused),
                "failures": health.failures,
                "failing_since": health.failing_since,
                "last_success_at": health.last_success_at,
                "last_failure_at": health.last_failure_at,
                "last_error": health.last_error,
                "old_secret_until": subscriber.secrets.old_until,
            }
        )


class PutSubscription(SubscriptionDocument):
    """A subscription as it was stored."""

    secret: str | None = Field(description="Of a new subscription that came without one. Keep it: it is shown once.")


class SubscriptionList(BaseModel):
    """Every subscription, by name."""

    items: list[SubscriptionDocument]


class SecretDocument(BaseModel):
    """A secret that signs."""

    secret: str
    old_secret_until: datetime | None = Field(description="The one before signs, too, until then.")

    @classmethod
    def of(cls, secrets: Secrets) -> SecretDocument:
        return cls(secret=secrets.current, old_secret_until=secrets.old_until)


class DeliveryDocument(BaseModel):
    """Telling one receiver about one move of a task. It is a task itself: look at it, cancel it or retry it as one."""

    id: str = Field(description="Of the delivery's own task; receivers know it as `webhook-id`.")
    task_id: str | None = Field(description="The task that it tells of; null for a test.")
    subscription: str | None = Field(description="Null: the task's own `callback_url`.")
    host: str | None = Field(description="Of the task's own `callback_url`.")
    event: str = Field(description="What is told: the CloudEvents type.")
    status: Status
    attempt_count: int
    next_attempt_at: datetime | None = Field(description="While it waits for its next attempt.")
    error_code: str | None
    error_message: str | None = Field(description="What the last attempt met.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, task: Task) -> DeliveryDocument:
        name = task.labels.get(SUBSCRIPTION_LABEL)
        return cls(
            id=task.id,
            task_id=task.labels.get(TASK_LABEL),
            subscription=name,
            host=task.concurrency_key if name is None else None,
            event=task.labels.get(EVENT_LABEL, ""),
            status=task.status,
            attempt_count=task.attempt_count,
            next_attempt_at=task.run_at if task.status is Status.SCHEDULED else None,
            error_code=task.error_code,
            error_message=task.error_message,
            created_at=task.created_at,
            finished_at=task.finished_at,
        )


class DeliveryPage(BaseModel):
    """Some deliveries, newest first."""

    items: list[DeliveryDocument]
    next_cursor: str | None = Field(description="Pass it as `cursor` to read on; null at the end.")


def subscription_of(name: str, body: SubscriptionRequest) -> Subscription:
    """What the domain calls it. Raises ValidationError."""
    return Subscription.model_validate({**body.model_dump(exclude={"name", "secret"}), "name": name})
