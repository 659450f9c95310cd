"""Triggers: rules that make tasks of events. Operators define them, in YAML or over the API."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from tradefree.errors import BadValue
from tradefree.expressions import Expression
from tradefree.tasks.durations import YEAR, Duration
from tradefree.tasks.submit import LABEL_KEY, MAX_LABELS
from tradefree.tasks.types import Name

NAMES = ("event",)
"""What expressions of a trigger know."""
MAX_FIELDS, MAX_DEPTH = 200, 10
"""Of an input mapping."""

_PATTERN = re.compile(r"[^\s*\x00-\x1f\x7f]{0,255}\*?")


@lru_cache(maxsize=5000)
def expression(text: str) -> Expression:
    """The compiled expression. Raises ValueError with a sentence."""
    return Expression(text, NAMES)


def _check_expression(text: str) -> str:
    expression(text)
    return text


def _check_pattern(text: str) -> str:
    if not text or not _PATTERN.fullmatch(text):
        raise BadValue("should be an event type, without spaces; `*` is allowed at its end alone", "event_type")
    return text


def _check_mapping(value: Any) -> Any:
    for number, (path, leaf) in enumerate(leaves_of(value), 1):
        if number > MAX_FIELDS or path.count("/") >= MAX_DEPTH:
            raise ValueError(f"is too large: at most {MAX_FIELDS} fields, {MAX_DEPTH} deep")
        try:
            _check_leaf(leaf)
        except ValueError as error:
            raise ValueError(f"{path}: {error}" if path else str(error)) from None
    return value


def _check_leaf(leaf: Any) -> None:
    """Raise ValueError unless it is an expression or a constant that JSON has: YAML has others."""
    match leaf:
        case str():
            expression(leaf)
        case None | bool():
            return
        case int() if -(2**63) <= leaf < 2**64:
            return
        case float() if math.isfinite(leaf):
            return
        case int() | float():
            raise ValueError("the number is none that JSON can carry")
        case _:
            raise ValueError(f"is {type(leaf).__name__}, which JSON has not; put text in quotes, as \"'text'\"")


def leaves_of(mapping: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Where in a mapping stands what is no object and no list."""
    if isinstance(mapping, dict):
        for name, part in mapping.items():
            if not isinstance(name, str):
                raise ValueError(f"{path}/{name}: a name is text; put it in quotes".lstrip("/"))  # noqa: TRY004
            yield from leaves_of(part, f"{path}/{name}" if path else name)
    elif isinstance(mapping, list):
        for index, part in enumerate(mapping):
            yield from leaves_of(part, f"{path}/{index}" if path else str(index))
    else:
        yield path, mapping


Cel = Annotated[StrictStr, Field(min_length=1), AfterValidator(_check_expression)]
Mapping = Annotated[str | dict[str, Any], AfterValidator(_check_mapping)]


def _check_labels(labels: dict[str, str]) -> dict[str, str]:
    if len(labels) > MAX_LABELS:
        raise BadValue(f"at most {MAX_LABELS} labels, these are {len(labels)}", "many_labels", most=MAX_LABELS)
    return labels


class Trigger(BaseModel):
    """A rule from event to task: which events, and what task they make."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "big-orders",
                    "event": "com.example.order.created",
                    "filter": "event.data.amount > 100",
                    "task_type": "summarize-order",
                    "input": {"order_id": "event.data.order", "customer_id": "event.data.customer"},
                }
            ]
        },
    )

    name: Name
    description: StrictStr = Field("", max_length=1000)
    event: Annotated[StrictStr, Field(max_length=256), AfterValidator(_check_pattern)] = Field(
        description="Type of the events it looks at; `*` at the end stands for anything."
    )
    filter: Cel | None = Field(
        None, description="CEL over `event`: only where it is true, a task is made. Left out: always."
    )
    task_type: Name
    input: Mapping = Field(
        "event.data",
        description="Input of the task: CEL over `event`, or an object whose texts are CEL, however deep they stand; "
        "other values stand for themselves.",
    )
    key: Cel | None = Field(
        None, description="CEL over `event`: the task's concurrency key. Left out: as the type says."
    )
    priority: Annotated[StrictInt, Field(ge=-100, le=100)] = 0
    delay: Duration = Field(0.0, ge=0, le=YEAR, description="Start no sooner than this after the event.")
    labels: Annotated[dict[Annotated[StrictStr, Field(pattern=LABEL_KEY)], Cel], AfterValidator(_check_labels)] = Field(
        default_factory=dict, description="Labels of the task: CEL over `event` for each; null leaves it out."
    )
    enabled: StrictBool = True

    @property
    def prefix(self) -> str | None:
        """What the types it looks at begin with; None if it looks at one type alone."""
        return self.event[:-1] if self.event.endswith("*") else None

    def looks_at(self, event_type: str) -> bool:
        """True if it looks at events of this type."""
        return event_type.startswith(self.event[:-1]) if self.event.endswith("*") else event_type == self.event


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures of a trigger in a row: how many, and in which part the last was."""

    number: int = 0
    part: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A trigger as it is stored."""

    trigger: Trigger
    version: int
    updated_at: datetime
    updated_by: str = ""
    streak: Streak = Streak()
    reason: str = ""
    """Why it was disabled, if the system did that."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a trigger; ``trigger`` is None where it was deleted."""

    name: str
    version: int
    trigger: Trigger | None
    at: datetime
    by: str
    reason: str = ""
