"""Durations as people write them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from tradefree.errors import BadValue

YEAR = 366 * 86400.0
"""Seconds: nothing waits longer."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(value: Any) -> Any:
    """Seconds from ``"10m"``, ``"1h30m"``, ``"500ms"`` or a plain number; anything else goes back for a type error."""
    if not isinstance(value, str):
        return value
    text = value.replace(" ", "").lower()
    if not _WHOLE.fullmatch(text):
        raise BadValue("should be a number of seconds or a duration such as 30s, 10m, 1h30m, 2d", "duration")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


Duration = Annotated[float, BeforeValidator(parse_duration, json_schema_input_type=float | str)]
"""Seconds; written as a number or as text with units."""
