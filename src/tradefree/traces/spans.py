"""Spans of requests, tasks, attempts, calls and nodes. The names of attributes are those of OpenTelemetry's semantic
conventions (http, messaging, gen_ai, error) where there are any, else they begin with ``tradefree.`` or ``dify.``.

No input, no result, no key and no secret is in a span: ids, names, numbers and codes only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from tradefree.tasks.states import TERMINAL, Status
from tradefree.tasks.task import Task
from tradefree.tasks.tracing import traceparent_of
from tradefree.tasks.types import Connection, TaskType
from tradefree.traces.attempts import AttemptSpans
from tradefree.traces.requests import RequestSpan
from tradefree.traces.times import nanoseconds


class _Ids(RandomIdGenerator):
    """Random ids, but for the span of a task: its id follows from the task's, so that every worker knows it."""

    def __init__(self) -> None:
        self.given: ContextVar[SpanContext | None] = ContextVar("given", default=None)

    def generate_span_id(self) -> int:
        given = self.given.get()
        return given.span_id if given is not None else super().generate_span_id()

    def generate_trace_id(self) -> int:
        given = self.given.get()
        return given.trace_id if given is not None else super().generate_trace_id()


class Spans:
    """Draws for a whole process. Implements ``ports.Tracer``; may be called from any thread."""

    def __init__(self, processor: SpanProcessor, version: str, instance: str) -> None:
        resource = Resource.create({"service.version": version, "service.instance.id": instance})
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "tradefree"}))
        self._ids = _Ids()
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("tradefree", version)

    @classmethod
    def exported(cls, version: str, instance: str) -> Spans:
        """They go to the endpoint that the ``OTEL_…`` variables name, from a thread with a bounded queue."""
        return cls(BatchSpanProcessor(OTLPSpanExporter()), version, instance)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    # ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────

    def request(self, method: str, traceparent: str | None) -> RequestSpan:
        """A request begins."""
        parent = _remote(traceparent)
        return RequestSpan(self._tracer.start_span(method, _beside(parent), SpanKind.SERVER), method)

    # ── tasks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def attempt(self, task: Task, task_type: TaskType, connection: Connection | None) -> AttemptSpans:
        """See ``ports.Tracer``."""
        return AttemptSpans(self._tracer, _beside(self._of_task(task)), task, task_type, connection)

    def settled(self, task: Task, status: Status) -> None:
        """See ``ports.Tracer``. Draws the task from its beginning to its end."""
        if status not in TERMINAL:
            return
        parent, own = _remote(task.traceparent), self._of_task(task)
        if not own.trace_flags.sampled:
            return
        with self._named(own):
            span = self._tracer.start_span(
                f"task {task.type}",
                _beside(parent),
                SpanKind.INTERNAL,
                attributes={
                    "tradefree.task.id": task.id,
                    "tradefree.task.type": task.type,
                    "tradefree.task.status": status.value,
                    "tradefree.task.attempts": task.attempt_count,
                    **({"tradefree.event.id": task.event_id} if task.event_id else {}),
                },
                start_time=nanoseconds(task.created_at),
            )
        if status is Status.FAILED:
            span.set_status(trace.StatusCode.ERROR)
        span.end(nanoseconds(datetime.now(UTC)))

    @contextmanager
    def _named(self, context: SpanContext) -> Iterator[None]:
        token = self._ids.given.set(context)
        try:
            yield
        finally:
            self._ids.given.reset(token)

    def _of_task(self, task: Task) -> SpanContext:
        """The place of the task's own span, which is drawn when the task has ended."""
        parent = _remote(task.traceparent)
        digest = hashlib.sha256(task.id.encode()).digest()
        span_id = int.from_bytes(digest[:8]) or 1
        if parent is not None:
            return SpanContext(parent.trace_id, span_id, is_remote=True, trace_flags=parent.trace_flags)
        trace_id = int.from_bytes(digest[8:24]) or 1
        decision = self._provider.sampler.should_sample(None, trace_id, "task").decision
        sampled = decision is Decision.RECORD_AND_SAMPLE
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(sampled)))


def _remote(traceparent: str | None) -> SpanContext | None:
    good = traceparent_of(traceparent)
    if good is None:
        return None
    _, trace_id, span_id, flags = good.split("-")[:4]
    sampled = TraceFlags(int(flags, 16) & TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled)


def _beside(parent: SpanContext | None) -> Context:
    """A context with this parent and nothing else, whatever is current."""
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context()) if parent is not None else Context()
