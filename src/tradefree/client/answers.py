"""What a service says when it says no: problem details (RFC 9457) as errors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tradefree.errors import (
    Conflicting,
    InvalidRequest,
    KeyRefused,
    NotFound,
    Refused,
    ServiceUnavailable,
    Throttled,
    TradefreeError,
)

_KINDS: dict[int, type[Refused]] = {
    400: InvalidRequest,
    401: KeyRefused,
    403: KeyRefused,
    409: Conflicting,
    412: Conflicting,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
}


def refusal(status: int, problem: Mapping[str, Any], base: str, *, retry_after: str | None = None) -> TradefreeError:
    """The error for an answer of 4xx or 5xx. ``base`` is where the service should be."""
    said = problem_text(problem) or str(problem.get("status_line", f"HTTP {status}"))
    if status == 404:
        if "status_line" in problem:
            return ServiceUnavailable(f"there is no task service at {base} ({said}); check the URL")
        return NotFound(said)
    if status == 429 or status >= 500:
        kind = Throttled if status == 429 else ServiceUnavailable
        return kind(f"the task service at {base} cannot answer now: {said}", retry_after=seconds_of(retry_after))
    request_id = problem.get("request_id")
    return _KINDS.get(status, Refused)(
        said, status, fields=_fields(problem), request_id=request_id if isinstance(request_id, str) else None
    )


def problem_text(problem: Mapping[str, Any]) -> str:
    """The sentence in a problem document, with the fields that are wrong."""
    detail = str(problem.get("detail") or problem.get("title") or "")
    missing = [said for said in (f"{f}: {r}" for f, r in _fields(problem).items()) if said not in detail]
    return "; ".join([detail, *missing] if detail else missing)


def problem_document(body: bytes) -> Mapping[str, Any]:
    """The problem in an answer's body; empty if it has none."""
    with contextlib.suppress(ValueError):
        value = json.loads(body)
        if isinstance(value, Mapping) and ("detail" in value or "title" in value):
            return value
    return {}


def seconds_of(retry_after: str | None) -> float | None:
    """Seconds from a ``Retry-After`` header, which may be a number or a date (RFC 9110 §10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _fields(problem: Mapping[str, Any]) -> dict[str, str]:
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return {}
    return {str(e.get("field")): str(e.get("reason")) for e in errors if isinstance(e, Mapping)}
