"""The tree of spans: request → task → attempt → call → node, and nothing secret in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tradefree.tasks.outcome import Completed, DidNotWork, HandBack, NothingStarted, Outcome
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, Usage
from tradefree.tasks.types import Connection, TaskType
from tradefree.traces.attempts import MOST_NODES
from tradefree.traces.spans import Spans
from tradefree.traces.start import Seldom

TRACE = "0af7651916cd43dd8448eb211c80319c"
CAME = f"00-{TRACE}-b7ad6b7169203331-01"
WORK = TaskType(name="work", runner="dify.workflow", connection="bot", queue="gpu")
BOT = Connection(name="bot", base_url="https://dify.test:8443/v1", api_key="app-canary")


class Drawn:
    """Spans, and what was drawn with them."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.spans = Spans(SimpleSpanProcessor(self.exporter), "1.2.3", "here")

    def all(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.all() if span.name == name]
        return span


@pytest.fixture
def drawn() -> Iterator[Drawn]:
    drawn = Drawn()
    yield drawn
    drawn.spans.close()


def task(traceparent: str | None = CAME, **values: Any) -> Task:
    now = datetime.now(UTC) - timedelta(seconds=5)
    fields = {"attempt_count": 1, "started_at": now, "worker_id": "w-1", "traceparent": traceparent, **values}
    return Task("t-1", "work", Status.PROCESSING, now, now, now, now, "work/", **fields)


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def attempt(drawn: Drawn, of: Task, outcome: Outcome | None, *lines: tuple[str, dict[str, Any]]) -> str | None:
    made = drawn.spans.attempt(of, WORK, BOT)
    for event, data in lines:
        made.said(event, data)
    made.ended(outcome)
    return made.traceparent


def test_from_request_to_node(drawn: Drawn) -> None:
    request = drawn.spans.request("POST", CAME)
    request.ended("/api/v1/tasks", 202)
    stored = task(request.traceparent)
    node = {"node_id": "n1", "node_type": "llm", "title": "Think", "status": "succeeded", "elapsed_time": 2.0}
    said = attempt(drawn, stored, Completed({}), ("dify.node.finished", {**node, "tokens": 7}))
    drawn.spans.settled(stored, Status.COMPLETED)
    names = ("POST /api/v1/tasks", "task work", "process gpu", "invoke_workflow bot", "Think")
    spans = [drawn.one(name) for name in names]
    assert [parent_of(span) for span in spans] == [int("b7ad6b7169203331", 16), *map(span_id, spans[:-1])]
    assert {span.context.trace_id for span in spans if span.context} == {int(TRACE, 16)}
    assert [span.kind for span in spans] == [
        SpanKind.SERVER,
        SpanKind.INTERNAL,
        SpanKind.CONSUMER,
        SpanKind.CLIENT,
        SpanKind.INTERNAL,
    ]
    assert said == f"00-{TRACE}-{span_id(spans[3]):016x}-01", "the upstream hears of the call's span"
    think = spans[4]
    assert think.start_time is not None
    assert think.end_time is not None
    assert think.end_time - think.start_time == 2_000_000_000


def test_what_spans_say(drawn: Drawn) -> None:
    usage = Usage(total_tokens=9, prompt_tokens=6, completion_tokens=3, price=Decimal("0.5"), currency="USD")
    ids = {"run_id": "r-1", "conversation_id": "c-1", "user": "tf-t-1-1"}
    attempt(drawn, task(), Completed({}, usage), ("dify.run.started", ids))
    call = dict(drawn.one("invoke_workflow bot").attributes or {})
    assert call == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.provider.name": "dify",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.usage.input_tokens": 6,
        "gen_ai.usage.output_tokens": 3,
        "tradefree.usage.total_tokens": 9,
        "tradefree.usage.price": 0.5,
        "tradefree.usage.currency": "USD",
        "tradefree.connection": "bot",
        "server.address": "dify.test",
        "server.port": 8443,
        "dify.run_id": "r-1",
        "dify.conversation_id": "c-1",
    }
    process = dict(drawn.one("process gpu").attributes or {})
    assert process["messaging.message.id"] == "t-1"
    assert process["messaging.destination.name"] == "gpu"
    assert process["tradefree.attempt"] == 1


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Completed({}), None),
        (HandBack(), None),
        (DidNotWork("dify_rejected", "app-canary", retryable=False), "dify_rejected"),
        (NothingStarted("Full."), "busy"),
        (None, "dropped"),
    ],
)
def test_failures_are_marked_by_their_code(drawn: Drawn, outcome: Outcome | None, error: str | None) -> None:
    attempt(drawn, task(), outcome)
    for name in ("process gpu", "invoke_workflow bot"):
        span = drawn.one(name)
        assert (span.attributes or {}).get("error.type") == error
        assert span.status.is_ok is (error is None)


def test_nothing_secret_is_drawn(drawn: Drawn) -> None:
    secret = {"payload": {"inputs": "canary-input"}, "title": "Think", "node_id": "n"}
    attempt(drawn, task(input_data={"x": "canary-input"}), DidNotWork("no", "canary-words", retryable=False))
    attempt(drawn, task(), Completed({"x": "canary-output"}), ("dify.node.failed", secret))
    drawn.spans.settled(task(input_data={"x": "canary-input"}), Status.FAILED)
    assert "canary" not in "".join(span.to_json() for span in drawn.all())


def test_attempts_of_a_task_share_its_span_whoever_performs_them(drawn: Drawn) -> None:
    other = Drawn()
    attempt(drawn, task(), NothingStarted("Full."))
    attempt(other, task(attempt_count=2), Completed({}))
    other.spans.settled(task(attempt_count=2), Status.COMPLETED)
    whole = other.one("task work")
    assert parent_of(drawn.one("process gpu")) == parent_of(other.one("process gpu")) == span_id(whole)
    assert (whole.attributes or {})["tradefree.task.attempts"] == 2
    other.spans.close()


def test_a_task_that_is_not_at_its_end_is_not_drawn(drawn: Drawn) -> None:
    drawn.spans.settled(task(), Status.SCHEDULED)
    assert drawn.all() == []


def test_a_task_without_a_trace_begins_one(drawn: Drawn) -> None:
    attempt(drawn, task(None), Completed({}))
    drawn.spans.settled(task(None), Status.COMPLETED)
    whole, process = drawn.one("task work"), drawn.one("process gpu")
    assert whole.parent is None
    assert whole.context is not None
    assert process.context is not None
    assert parent_of(process) == span_id(whole)
    assert process.context.trace_id == whole.context.trace_id


def test_a_trace_that_is_not_sampled_is_not_drawn_and_goes_on(drawn: Drawn) -> None:
    came = CAME[:-2] + "00"
    request = drawn.spans.request("POST", came)
    request.ended("/x", 200)
    said = attempt(drawn, task(request.traceparent), Completed({}))
    drawn.spans.settled(task(came), Status.COMPLETED)
    assert drawn.all() == []
    assert said is not None
    assert said.startswith(f"00-{TRACE}-")
    assert said.endswith("-00")


def test_no_more_nodes_than_a_person_can_look_at(drawn: Drawn) -> None:
    attempt(drawn, task(), Completed({}), *[("dify.node.finished", {"title": "N"})] * (MOST_NODES + 50))
    assert len([span for span in drawn.all() if span.name == "N"]) == MOST_NODES


@pytest.mark.parametrize("traceparent", ["", "nonsense", f"ff-{TRACE}-b7ad6b7169203331-01"])
def test_nonsense_in_the_header_is_no_trace(drawn: Drawn, traceparent: str) -> None:
    request = drawn.spans.request("GET", traceparent)
    request.ended("/x", 503)
    span = drawn.one("GET /x")
    assert span.parent is None
    assert not span.status.is_ok


def test_the_library_may_say_one_thing_a_minute() -> None:
    seldom = Seldom()

    def passes(name: str) -> bool:
        return seldom.filter(logging.LogRecord(name, logging.ERROR, "", 0, "failed", None, None))

    names = ("opentelemetry.exporter", "opentelemetry.sdk", "tradefree", "opentelemetry.sdk")
    assert [passes(name) for name in names] == [True, False, True, False]
