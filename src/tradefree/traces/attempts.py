"""The spans of an attempt: itself, its call to the upstream, and the nodes of the workflow that ran there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from tradefree.tasks.outcome import DidNotWork, NothingStarted, Outcome
from tradefree.tasks.task import Task, Usage
from tradefree.tasks.types import Connection, TaskType
from tradefree.traces.times import nanoseconds, traceparent_of_span

NODES = {"dify.node.finished": False, "dify.node.failed": True}
"""Kinds of log lines that tell of the end of a node; True: it failed."""
MOST_NODES = 200
"""Nodes drawn for one attempt: a loop may have thousands."""
OPERATIONS = {"dify.workflow": "invoke_workflow", "dify.chat": "chat", "dify.completion": "text_completion"}
"""``gen_ai.operation.name`` by runner."""
IDS = ("run_id", "message_id", "conversation_id", "workflow_id")


class AttemptSpans:
    """Implements ``ports.AttemptTrace``."""

    def __init__(
        self, tracer: Tracer, parent: Context, task: Task, task_type: TaskType, connection: Connection | None
    ) -> None:
        self._tracer = tracer
        self._nodes = 0
        self._span = tracer.start_span(f"process {task_type.queue}", parent, SpanKind.CONSUMER, _of(task, task_type))
        self._call: Span | None = None
        if connection is not None:
            inside = trace.set_span_in_context(self._span, Context())
            name, attributes = _of_call(task_type, connection)
            self._call = tracer.start_span(name, inside, SpanKind.CLIENT, attributes)
        self._inner = self._call or self._span
        self.traceparent = traceparent_of_span(self._inner)

    def said(self, event: str, data: Mapping[str, Any]) -> None:
        """See ``ports.AttemptTrace``."""
        if event in NODES and self._nodes < MOST_NODES:
            self._nodes += 1
            self._node(data, failed=NODES[event])
        elif event == "dify.run.started":
            ids = {f"dify.{name}": str(data[name]) for name in IDS if name in data}
            if "dify.conversation_id" in ids:
                ids["gen_ai.conversation.id"] = ids["dify.conversation_id"]
            self._inner.set_attributes(ids)

    def _node(self, data: Mapping[str, Any], *, failed: bool) -> None:
        elapsed = data.get("elapsed_time")
        now = datetime.now(UTC)
        began = now - timedelta(seconds=float(elapsed) if isinstance(elapsed, int | float) else 0.0)
        facts = {
            "dify.node.id": data.get("node_id"),
            "dify.node.type": data.get("node_type"),
            "dify.node.status": data.get("status"),
            "dify.node.tokens": data.get("tokens"),
        }
        span = self._tracer.start_span(
            str(data.get("title") or data.get("node_id") or "node")[:200],
            trace.set_span_in_context(self._inner, Context()),
            SpanKind.INTERNAL,
            {name: value for name, value in facts.items() if isinstance(value, str | int | float)},
            start_time=nanoseconds(began),
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(nanoseconds(now))

    def ended(self, outcome: Outcome | None) -> None:
        """See ``ports.AttemptTrace``."""
        usage: Usage = getattr(outcome, "usage", Usage())
        self._inner.set_attributes(_spent(usage))
        code = _code(outcome)
        for span in filter(None, (self._call, self._span)):
            if code is not None:
                span.set_attribute("error.type", code)
                span.set_status(StatusCode.ERROR)
            span.end()


def _of(task: Task, task_type: TaskType) -> dict[str, str | int]:
    return {
        "messaging.system": "tradefree",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": task_type.queue,
        "messaging.message.id": task.id,
        "tradefree.task.id": task.id,
        "tradefree.task.type": task.type,
        "tradefree.attempt": task.attempt_count,
        "tradefree.runner": task_type.runner,
        "tradefree.worker.id": task.worker_id or "",
    }


def _of_call(task_type: TaskType, connection: Connection) -> tuple[str, dict[str, str | int]]:
    operation = OPERATIONS.get(task_type.runner, task_type.runner)
    address = urlsplit(connection.base_url)
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": connection.kind,
        "tradefree.connection": connection.name,
        "server.address": address.hostname or "",
    }
    if address.port is not None:
        attributes["server.port"] = address.port
    return f"{operation} {connection.name}", attributes


def _spent(usage: Usage) -> dict[str, str | int | float]:
    found = {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "tradefree.usage.total_tokens": usage.total_tokens,
        "tradefree.usage.price": float(usage.price) if usage.price is not None else None,
        "tradefree.usage.currency": usage.currency,
    }
    return {name: value for name, value in found.items() if value is not None}


def _code(outcome: Outcome | None) -> str | None:
    match outcome:
        case None:
            return "dropped"
        case DidNotWork():
            return outcome.code
        case NothingStarted():
            return "unreachable" if outcome.unreachable else "busy"
    return None
