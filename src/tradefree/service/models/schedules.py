"""Schedules over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from tradefree.events.schedules.plan import FireOutcome
from tradefree.events.schedules.ports import FireRecord, Standing
from tradefree.events.schedules.schedule import Schedule
from tradefree.service.models.fields import Request

NEXT_RUNS = "By the schedule's own clock, jitter left out. Empty while it is paused or switched off."


class SchedulePauseRequest(Request):
    """Why a schedule is stopped."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the shop is being moved"}]})

    reason: Annotated[StrictStr, Field(max_length=255)] = ""


class SchedulePauseDocument(BaseModel):
    """Who stopped a schedule, when and why."""

    at: datetime
    by: str
    reason: str


class ScheduleDocument(Schedule):
    """A schedule, and where it stands."""

    state: str = Field(description="`active`, `paused`, `disabled`, or `ended` when there is no run any more.")
    next_runs: list[datetime] = Field(description=NEXT_RUNS)
    pause: SchedulePauseDocument | None
    last_run_at: datetime | None
    last_event_id: str | None = Field(description="Of the last run: `GET /events/{id}` shows what it made.")

    @classmethod
    def of(cls, standing: Standing, now: datetime) -> ScheduleDocument:
        pause = standing.pause
        state = _state(standing)
        return cls.model_construct(
            **{name: getattr(standing.schedule, name) for name in Schedule.model_fields},
            state=state,
            next_runs=standing.schedule.upcoming(now) if state == "active" else [],
            pause=None if pause is None else SchedulePauseDocument(at=pause.at, by=pause.by, reason=pause.reason),
            last_run_at=standing.last_fire_at,
            last_event_id=standing.last_event_id,
        )


def _state(standing: Standing) -> str:
    if standing.pause is not None:
        return "paused"
    if not standing.schedule.enabled:
        return "disabled"
    return "active" if standing.fire_at is not None else "ended"


class ScheduleList(BaseModel):
    """Every schedule, by name."""

    items: list[ScheduleDocument]


class NextRuns(BaseModel):
    """When a schedule would run."""

    next_runs: list[datetime] = Field(description="By the schedule's own clock, jitter left out.")


class RunDocument(BaseModel):
    """One run of a schedule."""

    fire_at: datetime
    outcome: FireOutcome = Field(
        description="`raised`; `skipped`: tasks of the run before had not ended; `missed`: nobody raised it in time."
    )
    decided_at: datetime
    event_id: str | None
    reason: str | None

    @classmethod
    def of(cls, fire: FireRecord) -> RunDocument:
        return cls.model_validate(fire, from_attributes=True)


class RunList(BaseModel):
    """Runs of a schedule, newest first."""

    items: list[RunDocument]
