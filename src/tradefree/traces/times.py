"""Times as OpenTelemetry counts them."""

from __future__ import annotations

from datetime import datetime

from opentelemetry.trace import Span


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970."""
    return int(moment.timestamp() * 1_000_000) * 1000


def traceparent_of_span(span: Span) -> str | None:
    """W3C's form of where the span is; None if there is no such place."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
