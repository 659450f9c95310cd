"""Field types that several request models share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    WithJsonSchema,
)

from tradefree.errors import BadValue
from tradefree.tasks.durations import Duration
from tradefree.tasks.submit import LABEL_KEY, MAX_LABELS
from tradefree.tasks.types import NAME_PATTERN

PRINTABLE = r"^[\x20-\x7e]{1,255}$"


class Request(BaseModel):
    """Base of all request bodies: a field that is not known is refused, never dropped in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _text_only(value: Any) -> Any:
    if not isinstance(value, str):
        raise BadValue("should be an ISO 8601 time with an offset, such as 2026-01-31T08:00:00Z", "moment")
    return re.sub(r" (\d\d:?\d\d)$", r"+\1", value)  # a `+` that a query string turned into a space


def split(value: Any) -> Any:
    """``a,b`` is the same as the parameter given twice."""
    if not isinstance(value, list):
        return value
    return [part for item in value for part in (item.split(",") if isinstance(item, str) else [item])]


Types = Annotated[list[Annotated[str, Field(pattern=NAME_PATTERN)]], BeforeValidator(split), Field(max_length=100)]
"""Names of task types in a query."""


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise BadValue("is too far away", "too_far") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_text_only), AfterValidator(_utc)]
"""A moment in UTC; written as ISO 8601 text with an offset."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise BadValue("should be a number of seconds or a duration such as 30s, 10m, 1h30m, 2d", "duration")
    return value


Seconds = Annotated[Duration, BeforeValidator(_no_bool)]
"""A duration in seconds; written as a number or as text with units (`10m`). Give bounds, then ``AS_DURATION``."""
AS_DURATION = WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [30, "10m"]})


def _known_labels(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MAX_LABELS:
        raise BadValue(f"at most {MAX_LABELS} labels, these are {len(value)}", "many_labels", most=MAX_LABELS)
    return value


Labels = Annotated[
    dict[
        Annotated[StrictStr, Field(pattern=LABEL_KEY)],
        Annotated[StrictStr, Field(max_length=255)],
    ],
    AfterValidator(_known_labels),
    WithJsonSchema(
        {"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}, "maxProperties": MAX_LABELS}
    ),
]
IdempotencyKey = Annotated[StrictStr, Field(pattern=PRINTABLE, description="1 to 255 printable ASCII characters.")]
ConcurrencyKey = Annotated[
    StrictStr, Field(min_length=1, max_length=255, description="Tasks of one type that share this key share a limit.")
]
Yes = StrictBool
