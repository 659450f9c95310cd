"""The span of a request to the service."""

from __future__ import annotations

from opentelemetry.trace import Span, StatusCode

from tradefree.traces.times import traceparent_of_span


class RequestSpan:
    """It is named when the route is known: a path comes from outside and says nothing of what was done."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method
        span.set_attribute("http.request.method", method)
        self.traceparent = traceparent_of_span(span)
        """What tasks made by the request belong to."""

    def ended(self, route: str, status: int | None) -> None:
        """The answer has gone out; no status: there was none."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if status is None or status >= 500:
            self._span.set_attribute("error.type", str(status or "no_answer"))
            self._span.set_status(StatusCode.ERROR)
        self._span.end()
