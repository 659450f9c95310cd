"""Times, durations and other people's text, as words for a terminal. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

_STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def moment_of(value: str | datetime) -> datetime:
    """An aware moment from ISO 8601 text or from a datetime; without an offset it is UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def ago(value: str | datetime, now: datetime) -> str:
    """``3 s ago``, ``in 2 h``, ``now``: one unit is enough to see how long ago something was."""
    seconds = (now - moment_of(value)).total_seconds()
    for size, unit in _STEPS:
        if abs(seconds) >= size:
            count = int(abs(seconds) // size)
            return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"
    return "now"


def span(seconds: float) -> str:
    """``350 ms``, ``3.2 s``, ``1 min 3 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for (size, unit), (smaller, small_unit) in pairwise(_STEPS):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def between(start: str | None, end: str | None) -> float | None:
    """Seconds from one moment to another; None if one is missing or the order is wrong."""
    if start is None or end is None:
        return None
    seconds = (moment_of(end) - moment_of(start)).total_seconds()
    return seconds if seconds >= 0 else None


def labels(value: dict[str, str] | None) -> str:
    """``a=b, c=d``."""
    return ", ".join(f"{name}={text}" for name, text in sorted((value or {}).items()))


def size(number: int) -> str:
    """``512 bytes``, ``16 MB``, ``1.5 GB``, as database servers count: in powers of 1024."""
    for unit, digits in (("GB", 30), ("MB", 20), ("KB", 10)):
        if number >= 1 << digits:
            return f"{number / (1 << digits):.1f}".removesuffix(".0") + f" {unit}"
    return f"{number} bytes"


def plural(count: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def clean(value: Any, *, keep: str = "") -> str:
    """Text that cannot steer a terminal: tabs and line ends become spaces, other control characters are shown.

    Log messages and errors carry what a model or an upstream wrote, escape sequences included.
    """
    return "".join(_harmless(character, keep) for character in str(value))


def _harmless(character: str, keep: str) -> str:
    if character in keep:
        return character
    if character in "\t\n\r":
        return " "
    code = ord(character)
    # C0, DEL, C1, and the marks that turn the direction of text around (CVE-2021-42574)
    if code < 32 or 127 <= code < 160 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    return character
