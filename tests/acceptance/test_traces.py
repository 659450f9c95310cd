"""Traces of a real system: they arrive at a collector, and one that is away is in nobody's way."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from acceptance.processes import Standin, System
from traces.collector import Collector
from waiting import wait_for

TRACE = "0af7651916cd43dd8448eb211c80319c"
CAME = f"00-{TRACE}-b7ad6b7169203331-01"
SPANS = ("POST /api/v1/tasks", "task work", "process default", "invoke_workflow dify", "Think")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def submit(system: System, inputs: dict[str, Any]) -> str:
    body = {"type": "work", "input_data": inputs}
    answer = system.api.post("/tasks", json=body, headers={"traceparent": CAME})
    answer.raise_for_status()
    return str(answer.json()["id"])


def test_from_request_to_node(
    start_system: Callable[..., System],
    standin: Standin,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    system = start_system()
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner="dify.workflow", connection="dify")
    task = system.wait(submit(system, {"seconds": 0.1, "text": "canary-in-input"}))
    wait_for(lambda: all(collector.named(name) for name in SPANS), "all spans")
    tree = [collector.named(name)[0] for name in SPANS]
    assert {span.trace_id for span in tree} == {TRACE}
    assert [span.parent_id for span in tree] == ["b7ad6b7169203331", *(span.span_id for span in tree[:-1])]
    assert tree[1].attributes["tradefree.task.id"] == task["id"]
    assert {span.service for span in tree} == {"tradefree"}
    for secret in (b"canary-in-input", b"app-work", b"tfk_"):
        assert secret not in collector.raw


def test_an_endpoint_that_is_away_is_in_nobodys_way(
    start_system: Callable[..., System], standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    system = start_system()
    system.connect("dify", standin.url, "app-work")
    system.define("work", runner="dify.workflow", connection="dify")
    ids = [submit(system, {"seconds": 0.1}) for _ in range(20)]
    assert {system.wait(task_id)["status"] for task_id in ids} == {"completed"}
    began = time.monotonic()
    assert system.process.kill(signal.SIGTERM) == 0
    assert time.monotonic() - began < 20
    said = system.process.text()
    assert "Traceback" not in said
    assert said.count('"opentelemetry') <= 2, "once a minute is enough"
