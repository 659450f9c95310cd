"""Requests are drawn, and what they make belongs to them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.service_world import World, a_world
from tradefree.access.scopes import Scope
from tradefree.service.app import create_app
from tradefree.traces.spans import Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
CAME = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def drawn() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def world(drawn: InMemorySpanExporter) -> AsyncIterator[World]:
    async with a_world() as world:
        world.system.tracer = Spans(SimpleSpanProcessor(drawn), "1", "here")
        world.app = create_app(world.system)
        world.api = await world.as_key(Scope.ADMIN)
        yield world


def names(drawn: InMemorySpanExporter) -> list[str]:
    return [span.name for span in drawn.get_finished_spans()]


def place(span: ReadableSpan) -> str:
    assert span.context is not None
    context = span.context
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


@pytest.mark.parametrize("headers", [{"traceparent": CAME}, {}, {"traceparent": "nonsense"}])
async def test_a_task_belongs_to_the_request_that_made_it(
    world: World, drawn: InMemorySpanExporter, headers: dict[str, str]
) -> None:
    answer = await world.api.post("/api/v1/tasks", json={"type": "echo", "input_data": {}}, headers=headers)
    (span,) = drawn.get_finished_spans()
    assert span.name == "POST /api/v1/tasks"
    assert answer.json()["traceparent"] == place(span)
    assert (TRACE in place(span)) is (headers.get("traceparent") == CAME)
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/api/v1/tasks",
        "http.response.status_code": 202,
    }


async def test_what_machines_ask_again_and_again_is_not_drawn(world: World, drawn: InMemorySpanExporter) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await world.client().get(path)).status_code == 200
    assert names(drawn) == []


async def test_paths_are_not_names(world: World, drawn: InMemorySpanExporter) -> None:
    await world.api.get("/api/v1/tasks/canary")
    await world.api.get("/canary")
    assert names(drawn) == ["GET /api/v1/tasks/{task_id}", "GET none"]
    assert "canary" not in "".join(span.to_json() for span in drawn.get_finished_spans())


async def test_an_error_of_ours_is_marked(world: World, drawn: InMemorySpanExporter) -> None:
    world.system.store.away = True
    await world.api.get("/api/v1/tasks")
    (span,) = drawn.get_finished_spans()
    assert not span.status.is_ok
    assert (span.attributes or {})["error.type"] == "503"
