"""The body of a callback: a CloudEvent 1.0 in structured mode."""

from __future__ import annotations

from typing import Any

import orjson

from tradefree.tasks.callbacks.delivery import Delivery
from tradefree.tasks.callbacks.told import moment

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
SOURCE = "/tradefree"
"""The source of events where the installation does not know its own address."""


def envelope(delivery_id: str, delivery: Delivery, public_url: str | None) -> bytes:
    """The same bytes at each attempt. ``public_url`` is where the receiver finds the service."""
    base = (public_url or "").rstrip("/")
    data = dict(delivery.data)
    task_id = data.get("id")
    if task_id is not None:
        data["status_url"] = f"{base}/api/v1/tasks/{task_id}"
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": delivery_id,
        "source": base or SOURCE,
        "type": delivery.event,
        "time": moment(delivery.at),
        "datacontenttype": "application/json",
        "data": data,
    }
    if task_id is not None:
        event["subject"] = task_id
    if delivery.traceparent is not None:
        event["traceparent"] = delivery.traceparent
    return orjson.dumps(event)
