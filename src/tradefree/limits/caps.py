"""Limits as operators write them: caps of a scope, and what was changed while the system ran."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tradefree.limits.rates import Rate, parse_rate

Running = Annotated[int, Field(ge=1, le=1_000_000, description="Tasks in flight at once; to stop all, pause.")]
Burst = Annotated[int, Field(ge=1, le=100_000, description="Starts that may come at once after a pause.")]
Pending = Annotated[int, Field(ge=1, le=100_000, description="Tasks that may wait; more are refused with 429.")]


def _as_written(text: str) -> str:
    return str(parse_rate(text))


RateText = Annotated[
    str,
    AfterValidator(_as_written),
    Field(description="Starts per period: `5/s`, `60/m`, `100/15m`, `1000/h`."),
]


class Caps(BaseModel):
    """What may be in flight, start and wait in one scope. None is no limit."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"max_running": 30, "rate": "120/m"}]}
    )

    max_running: Running | None = None
    rate: RateText | None = None
    burst: Burst = 1
    max_pending: Pending | None = None

    @property
    def parsed_rate(self) -> Rate | None:
        """The rate with its burst."""
        return parse_rate(self.rate, self.burst) if self.rate is not None else None

    def changed_by(self, values: Mapping[str, Any]) -> Caps:
        """These caps with some of them replaced."""
        return Caps.model_validate({**self.model_dump(), **values})


class Mode(StrEnum):
    """Whether tasks of a scope may start."""

    OPEN = "open"
    PAUSED = "paused"
    """Nothing starts; what was admitted and not begun goes back in line."""
    DRAINING = "draining"
    """Nothing more is admitted; what was admitted is worked off."""


class Override(BaseModel):
    """What somebody changed in a scope while the system ran."""

    model_config = ConfigDict(frozen=True)

    values: dict[str, Any] = Field(default_factory=dict)
    """The caps that are replaced; an explicit None lifts one."""
    until: datetime | None = None
    """When the replaced caps come back by themselves."""
    mode: Mode = Mode.OPEN
    mode_until: datetime | None = None
    """When the scope opens by itself."""
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    label: str = ""
    """The scope as people read it, where its name is a digest (lanes)."""

    def held_at(self, now: datetime) -> Override | None:
        """What of it holds at a moment; None if nothing does."""
        values = self.values if self.until is None or self.until > now else {}
        mode = self.mode if self.mode_until is None or self.mode_until > now else Mode.OPEN
        if not values and mode is Mode.OPEN:
            return None
        return self.model_copy(
            update={
                "values": values,
                "until": self.until if values else None,
                "mode": mode,
                "mode_until": self.mode_until if mode is not Mode.OPEN else None,
            }
        )
