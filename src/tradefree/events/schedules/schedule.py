"""The schedule as people define it."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tradefree.errors import BadValue, InvalidInput
from tradefree.events.event import NewEvent
from tradefree.events.schedules.cron import Cron
from tradefree.events.schedules.timing import Every, Once, Timing
from tradefree.tasks.durations import YEAR, Duration
from tradefree.tasks.types import Name

EVENT_TYPE = "ai.tradefree.schedule"
"""The type of the events of a schedule that names none."""
DAY = 86400.0
"""Seconds."""
WHEN = ("cron", "every", "at")
SHOWN = 5
"""Runs ahead that are shown."""


@lru_cache(maxsize=500)
def zone_of(name: str) -> tzinfo:
    """The zone of this name in the IANA database. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadValue(
            "is not a time zone of the IANA database, such as Europe/Berlin or Asia/Shanghai", "time_zone"
        ) from None


def _zone_name(name: str) -> str:
    zone_of(name)
    return name


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadValue("is too far away", "too_far") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class ScheduledEvent(BaseModel):
    """The events of a schedule. Their source is ``/schedules/NAME``, their time the moment of the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(EVENT_TYPE, min_length=1, max_length=255, description="CloudEvents type; triggers match it.")
    subject: str | None = Field(None, min_length=1, max_length=255)
    data: Any = Field(None, description="Any JSON; the same in every event.")

    @model_validator(mode="after")
    def _can_be_one(self) -> Self:
        try:
            NewEvent("id", "source", self.type, self.subject, data=self.data).check()
        except InvalidInput as error:
            raise ValueError(f"{error.field}: {error.reason}") from None
        return self


class Schedule(BaseModel):
    """When to raise which event: by one of ``cron``, ``every``, ``at``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = Field("", max_length=1000)
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_zone_name)] = Field(
        "UTC", description="IANA name; the clock that `cron` goes by."
    )
    cron: str | None = Field(
        None, description="Five fields: minute hour day-of-month month day-of-week; or `@hourly`, `@daily`, …"
    )
    every: Annotated[Duration, Field(ge=1, le=YEAR)] | None = Field(
        None, description="Interval of real time, counted from `start_at`."
    )
    start_at: Moment | None = Field(
        None, description="Of `every`: the first run. Left out: counted from 1970-01-01T00:00Z, so 15m is :00, :15, …"
    )
    at: Moment | None = Field(None, description="One moment.")
    jitter: Duration = Field(
        0.0, ge=0, le=DAY, description="Each run comes this much later at the most; how much is fixed for each run."
    )
    misfire: Literal["skip", "once", "all"] = Field(
        "once",
        description="What was missed while nobody could raise it: nothing, the last, or the last `misfire_limit`.",
    )
    misfire_limit: int = Field(10, ge=1, le=100)
    misfire_after: Duration = Field(60.0, ge=1, le=DAY, description="How late a run is still on time.")
    overlap: Literal["allow", "skip"] = Field(
        "allow", description="`skip`: no run while a task of the run before has not ended."
    )
    enabled: bool = True
    event: ScheduledEvent = ScheduledEvent()

    @field_validator("cron")
    @classmethod
    def _compiles(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None:
            _cron(text, info.data.get("time_zone", "UTC"))
        return text

    @model_validator(mode="after")
    def _one_timing(self) -> Self:
        given = [name for name in WHEN if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(WHEN)}; {' and '.join(given) or 'none'} is given")
        if self.start_at is not None and self.every is None:
            raise ValueError("start_at belongs to every")
        if self.time_zone != "UTC" and self.cron is None:
            raise ValueError("time_zone belongs to cron")
        return self

    @property
    def timing(self) -> Timing:
        """Its moments."""
        if self.cron is not None:
            return _cron(self.cron, self.time_zone)
        if self.every is not None:
            return Every(self.every, self.start_at)
        assert self.at is not None
        return Once(self.at)

    @property
    def when(self) -> tuple[Any, ...]:
        """What its moments depend on: equal for two schedules with the same moments."""
        return self.cron, self.time_zone, self.every, self.start_at, self.at

    def refuse_past(self, before: Schedule | None, now: datetime) -> None:
        """Raise InvalidInput if it would never run, unless it is defined as before."""
        if self.at is not None and self.at <= now and (before is None or before.when != self.when):
            raise InvalidInput("is in the past: it would never run", field="at", code="past")

    def upcoming(self, now: datetime, number: int = SHOWN) -> list[datetime]:
        """The next runs, by the schedule's own clock and without jitter."""
        zone = zone_of(self.time_zone)
        return [moment.astimezone(zone) for moment in islice(self.timing.after(now), number)]


@lru_cache(maxsize=1000)
def _cron(text: str, zone: str) -> Cron:
    return Cron(text, zone_of(zone))
