"""W3C trace context (https://www.w3.org/TR/trace-context/): handed on as it came, from request to task to upstream."""

from __future__ import annotations

import re

HEADER = "traceparent"
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]*)?")
_LENGTH = 55
"""Of the parts that every version has."""


def traceparent_of(header: str | None) -> str | None:
    """The value to hand on; None where there is none, or one that the standard says to ignore."""
    if header is None:
        return None
    text = header.strip()
    if not _FORM.fullmatch(text) or (text.startswith("00-") and len(text) != _LENGTH):
        return None
    return text[:_LENGTH]


def trace_id_of(traceparent: str | None) -> str | None:
    """The id of the whole trace, as it is shown in log lines; None where there is no good one."""
    good = traceparent_of(traceparent)
    return good.split("-")[1] if good is not None else None
