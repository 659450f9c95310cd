"""Deliveries: tasks of a built-in type that tell somebody about a task, made in the transaction of its move.

As tasks they have attempts, logs, retries, limits and reasons for waiting like all others; the lane is the subscription
or, for a task's own ``callback_url``, the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tradefree.ids import new_id_at
from tradefree.limits.caps import Mode, Override
from tradefree.limits.scopes import Scope
from tradefree.tasks.callbacks.subscription import TOLD, Pause, Subscriber
from tradefree.tasks.callbacks.told import moment, told
from tradefree.tasks.change import Change
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, lane_of, sort_at
from tradefree.tasks.types import OURS, Concurrency, TaskType

CALLBACK = f"{OURS}callback"
"""The task type of deliveries."""
EVENT = "ai.tradefree.task."
"""In front of a status: the CloudEvents type of what is told."""
TEST_EVENT = "ai.tradefree.subscription.test"
KEPT_FOR = timedelta(days=30)
"""What waits longer, at a paused subscription, is told no more."""
TASK_LABEL, SUBSCRIPTION_LABEL, EVENT_LABEL = "task", "subscription", "event"
"""Labels of a delivery: the task that it tells of, the subscription that it is for, what it tells."""

CALLBACK_TYPE = TaskType(
    name=CALLBACK,
    description="Tells somebody about a task; made by the system.",
    runner="callback",
    timeout=30.0,
    # 26 tries with waits of 10 s, 20 s and so on up to 2 h: about a day
    retry=RetryPolicy(max_attempts=26, initial=10.0, factor=2.0, maximum=7200.0),
    concurrency=Concurrency(max_running=100, max_running_per_key=20),
)
"""At most 20 at once to one receiver: a slow one holds up nobody else."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a delivery's input says."""

    event: str
    """The CloudEvents type."""
    at: datetime
    """When the task moved."""
    data: Mapping[str, Any]
    """The task's document at that moment."""
    subscription: str | None = None
    url: str | None = None
    """The task's own ``callback_url``; a subscription's address is looked up when it is sent."""
    traceparent: str | None = None

    def stored(self) -> dict[str, Any]:
        """As the input of its task."""
        return {
            "event": self.event,
            "at": moment(self.at),
            "subscription": self.subscription,
            "url": self.url,
            "traceparent": self.traceparent,
            "data": dict(self.data),
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Delivery:
        """From the input of its task."""
        return cls(**{**stored, "at": datetime.fromisoformat(stored["at"])})


def host_of(url: str) -> str:
    """The host in a URL; empty if there is none."""
    try:
        return (urlsplit(url).hostname or "")[:255]
    except ValueError:
        return ""


def key_of_subscription(name: str) -> str:
    """The concurrency key of a subscription's deliveries. No host has a colon and letters before it."""
    return f"subscription:{name}"


def lane_of_subscription(name: str) -> str:
    """The lane of a subscription's deliveries."""
    return lane_of(CALLBACK, key_of_subscription(name))


def telling(change: Change | None, subscribers: Iterable[Subscriber]) -> Change | None:
    """The change together with the deliveries that tell of it. Nothing tells of deliveries."""
    if change is None or change.status not in TOLD or change.status is change.before.status:
        return change
    if change.before.type == CALLBACK:
        return change
    made = tuple(_deliveries(change, subscribers))
    return replace(change, deliveries=made) if made else change


def _deliveries(change: Change, subscribers: Iterable[Subscriber]) -> Iterable[Task]:
    task = change.before
    wanting = [s.name for s in subscribers if s.subscription.wants(task.type, change.status, task.labels)]
    if not wanting and task.callback_url is None:
        return
    at = change.line.created_at
    said = Delivery(f"{EVENT}{change.status.value}", at, told(change), traceparent=task.traceparent)
    for name in wanting:
        yield delivery_task(replace(said, subscription=name), at, about=task)
    if task.callback_url is not None:
        yield delivery_task(replace(said, url=task.callback_url), at, about=task)


def delivery_task(delivery: Delivery, now: datetime, *, about: Task | None = None, by: str | None = None) -> Task:
    """The task that makes a delivery; ``about`` is the one it tells of, ``by`` the key that asked for a test."""
    name = delivery.subscription
    key = key_of_subscription(name) if name is not None else host_of(delivery.url or "")
    labels = {EVENT_LABEL: delivery.event}
    if about is not None:
        labels[TASK_LABEL] = about.id
    if name is not None:
        labels[SUBSCRIPTION_LABEL] = name
    return Task(
        id=new_id_at(now),
        type=CALLBACK,
        status=Status.PENDING,
        created_at=now,
        updated_at=now,
        run_at=now,
        sort_at=sort_at(now, 0),
        lane=lane_of(CALLBACK, key),
        concurrency_key=key,
        labels=labels,
        input_data=delivery.stored(),
        expires_at=now + KEPT_FOR,
        traceparent=delivery.traceparent,
        submitted_by=about.submitted_by if about is not None else by,
    )


def pauses(subscribers: Iterable[Subscriber], overrides: Mapping[Scope, Override]) -> dict[Scope, Override]:
    """The overrides of limits with the lanes of paused subscriptions paused."""
    found = dict(overrides)
    for subscriber in subscribers:
        if subscriber.paused is not None:
            scope = Scope("lane", lane_of_subscription(subscriber.name))
            found[scope] = _paused(found.get(scope, Override()), subscriber.paused, subscriber.name)
    return found


def _paused(override: Override, pause: Pause, name: str) -> Override:
    words = {"by": pause.by, "at": pause.at, "reason": pause.reason, "label": key_of_subscription(name)}
    return override.model_copy(update={"mode": Mode.PAUSED, "mode_until": None, **words})
