"""The body, read by the official SDK of CloudEvents."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

from tradefree.callbacks.envelope import MEDIA_TYPE, envelope
from tradefree.tasks.callbacks.delivery import EVENT, Delivery

AT = datetime(2026, 3, 1, 8, 0, 0, 120_000, UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("public_url", "source"), [("https://tasks.example.com", "https://tasks.example.com"), (None, "/tradefree")]
)
def test_the_sdk_takes_what_is_sent(public_url: str | None, source: str) -> None:
    said = Delivery(f"{EVENT}completed", AT, {"id": "t-1", "output_data": {"a": "中"}}, traceparent=TRACE)
    body = envelope("d-1", said, public_url)
    event = from_structured_event(HTTPMessage({"content-type": MEDIA_TYPE}, body))
    assert (event.get_id(), event.get_source(), event.get_type()) == ("d-1", source, "ai.tradefree.task.completed")
    assert (event.get_subject(), event.get_time()) == ("t-1", AT)
    assert event.get_extension("traceparent") == TRACE
    link = f"{public_url or ''}/api/v1/tasks/t-1"
    assert event.get_data() == {"id": "t-1", "output_data": {"a": "中"}, "status_url": link}


def test_the_same_bytes_at_each_attempt() -> None:
    said = Delivery(f"{EVENT}failed", AT, {"id": "t-1", "labels": {"b": "1", "a": "2"}})
    again = Delivery.of(said.stored())
    assert envelope("d-1", again, None) == envelope("d-1", said, None)


def test_a_test_tells_of_no_task() -> None:
    said = Delivery("ai.tradefree.subscription.test", AT, {"subscription": "shop"})
    event = from_structured_event(HTTPMessage({"content-type": MEDIA_TYPE}, envelope("d-1", said, None)))
    assert event.get_subject() is None
    assert event.get_data() == {"subscription": "shop"}
