"""What tests of events send: with the official SDK, or by hand where it would not let us."""

from __future__ import annotations

from typing import Any

import httpx
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from service.service_world import API

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def attributes(id_: str = "1", **values: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/shop", "type": "order.created"} | values


def event(id_: str = "1", data: Any = None, **values: Any) -> dict[str, Any]:
    """In the JSON event format."""
    return attributes(id_, **values) | ({"data": data} if data is not None else {})


async def send(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    """One event, or a list of them, in structured mode."""
    form = BATCH if isinstance(body, list) else STRUCTURED
    return await client.post(f"{API}/events", json=body, headers={**form, **headers})


async def send_with_sdk(client: httpx.AsyncClient, said: dict[str, Any], data: Any, *, binary: bool) -> httpx.Response:
    """One event as the official SDK writes it."""
    message = (to_binary_event if binary else to_structured_event)(CloudEvent(said, data))
    return await client.post(f"{API}/events", content=message.body, headers=message.headers)


async def put_rule(client: httpx.AsyncClient, name: str = "rule", **values: Any) -> httpx.Response:
    """A trigger for orders, unless the values say otherwise."""
    body = {"event": "order.*", "task_type": "echo"} | values
    return await client.put(f"{API}/triggers/{name}", json=body)
