"""GET /stats: how many tasks there are, what happened when, and what waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput, StorageUnavailable
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.models.fields import Moment, Types
from tradefree.service.models.series import SeriesDocument, WaitDocument, WaitList
from tradefree.service.models.system import Stats
from tradefree.service.statistics import counts_for, may_count, statistics
from tradefree.tasks.series import DAY, KEPT, Scale

router = APIRouter(prefix="/stats", tags=["system"], route_class=StrictRoute)


@router.get("", operation_id="get_stats", summary="Count tasks and places")
async def get_stats(request: Request, caller: Annotated[Caller, needs(Scope.TASKS_READ)]) -> Stats:
    """Tasks by status and type, of the types that the key is for; and what the live workers can take.

    Deliveries of callbacks are left out.
    """
    return await statistics(system_of(request), caller)


class SeriesQuery(BaseModel):
    """Of which time, and of which types."""

    model_config = ConfigDict(extra="forbid")

    begin: Moment | None = Field(None, alias="from", description="Left out: an hour before `to`.")
    end: Moment | None = Field(None, alias="to", description="Left out: now.")
    type: Types = Field(default_factory=list, description="Repeat it or separate by commas; left out: all.")


@router.get("/series", operation_id="get_series", summary="See what happened when")
async def get_series(
    request: Request, caller: Annotated[Caller, needs(Scope.TASKS_READ)], query: Annotated[SeriesQuery, Query()]
) -> SeriesDocument:
    """Tasks that were accepted and that ended, how long they waited and ran, tokens and cost: in up to 120 points, and
    by type. Deliveries of callbacks are left out.

    Sums of a minute are kept for two days, of a quarter of an hour for ten, of two hours for 120 and of a day for
    1,200; the finest that fit are taken.
    """
    system = system_of(request)
    may_count(caller)
    now = system.clock.now()
    end = min(query.end or now, now)
    begin = query.begin if query.begin is not None else end - timedelta(hours=1)
    begin = max(begin, now - KEPT[DAY])
    if begin >= end:
        raise InvalidInput("must be before `to`, and not in the future", field="from", code="from_after_to")
    scale = Scale.fit(begin, end, now)
    types = [name for name in query.type if caller.may_touch(name)] if query.type else caller.task_types
    return SeriesDocument.of(scale, await system.store.series(scale, types))


@router.get("/waits", operation_id="get_waits", summary="See what waits, and why")
async def get_waits(request: Request, caller: Annotated[Caller, needs(Scope.TASKS_READ)]) -> WaitList:
    """Pending tasks by type and by what holds them: of several things, the one that holds the most. It is what the
    metrics know, so it may be some seconds old, or more where a great many tasks wait."""
    may_count(caller)
    picture = await system_of(request).metrics.picture()
    if picture is None:
        raise StorageUnavailable("what waits could not be read in time; try again")
    held = [one for one in picture.held if counts_for(one.type, caller)]
    return WaitList(items=[WaitDocument.of(one) for one in sorted(held, key=lambda one: (-one.tasks, one.type))])
