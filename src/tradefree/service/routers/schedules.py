"""/schedules: events that are raised by themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import SkipValidation, ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput, NotFound
from tradefree.events.schedules.ports import Pause, Standing
from tradefree.events.schedules.schedule import Schedule
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.models.fields import Moment
from tradefree.service.models.schedules import (
    NextRuns,
    RunDocument,
    RunList,
    ScheduleDocument,
    ScheduleList,
    SchedulePauseRequest,
)
from tradefree.service.problems import in_body
from tradefree.service.trail import change, entry
from tradefree.tasks.ports import Entry

router = APIRouter(prefix="/schedules", tags=["events"], route_class=StrictRoute)

Definition = Annotated[
    SkipValidation[Schedule],
    Body(
        description="The definition. `name` may be left out: it is the one in the path.",
        openapi_examples={
            "nightly": {
                "summary": "Every night, by the clock of Shanghai",
                "value": {
                    "cron": "30 2 * * *",
                    "time_zone": "Asia/Shanghai",
                    "event": {"type": "com.example.night", "data": {"depth": "full"}},
                },
            }
        },
    ),
]
"""Checked here, with the name from the path put in."""


@router.get("", operation_id="list_schedules", summary="List the schedules")
async def list_schedules(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
) -> ScheduleList:
    """Every schedule, by name, with its next five runs."""
    system = system_of(request)
    found = await system.store.schedules()
    now = system.clock.now()
    return ScheduleList(items=[ScheduleDocument.of(found[name], now) for name in sorted(found)])


@router.post("/preview", operation_id="preview_schedule", summary="See when a schedule would run")
async def preview_schedule(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
    body: Definition,
) -> NextRuns:
    """The next five runs of a schedule that is not stored."""
    draft: Any = body
    name = draft.get("name", "draft") if isinstance(draft, dict) else "draft"
    return NextRuns(next_runs=_checked(name, body).upcoming(system_of(request).clock.now()))


@router.get("/{name}", operation_id="get_schedule", summary="Look at a schedule")
async def get_schedule(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
    name: str,
) -> ScheduleDocument:
    """One schedule, with its next five runs."""
    system = system_of(request)
    return ScheduleDocument.of(await _standing(system, name), system.clock.now())


@router.put(
    "/{name}",
    operation_id="put_schedule",
    summary="Define a schedule",
    response_model=ScheduleDocument,
    response_description="It was there and is replaced.",
    responses={201: {"model": ScheduleDocument, "description": "It is new."}},
)
async def put_schedule(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: Definition,
) -> ScheduleDocument:
    """Creates or replaces a schedule. With the same times as before its next run stays; else it is counted from now on.

    A paused one stays paused.
    """
    system = system_of(request)
    schedule = _checked(name, body)
    now = system.clock.now()
    before = (await system.store.schedules()).get(name)
    schedule.refuse_past(None if before is None else before.schedule, now)
    detail = change(None if before is None else before.schedule, schedule)
    await system.store.put_schedule(schedule, now, entry(system, caller, "schedule.put", f"schedule:{name}", detail))
    response.status_code = 201 if before is None else 200
    return ScheduleDocument.of(await _standing(system, name), now)


@router.delete("/{name}", operation_id="delete_schedule", summary="Delete a schedule", status_code=204)
async def delete_schedule(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
) -> None:
    """Deletes a schedule. Events and tasks that it made stay."""
    system = system_of(request)
    await system.store.delete_schedule(name, entry(system, caller, "schedule.delete", f"schedule:{name}"))


@router.put("/{name}/pause", operation_id="pause_schedule", summary="Pause a schedule")
async def pause_schedule(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: SchedulePauseRequest,
) -> ScheduleDocument:
    """No run until it is resumed. What would have run meanwhile is not made up for."""
    return await _paused(system_of(request), name, caller, body)


@router.delete("/{name}/pause", operation_id="resume_schedule", summary="Resume a schedule")
async def resume_schedule(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
) -> ScheduleDocument:
    """It goes on with the first run from now on."""
    return await _paused(system_of(request), name, caller, None)


@router.get("/{name}/runs", operation_id="list_schedule_runs", summary="See the runs of a schedule")
async def list_schedule_runs(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
    name: str,
    before: Annotated[Moment | None, Query(description="Only runs before this moment.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RunList:
    """Its runs, newest first: those that were raised, skipped or missed."""
    system = system_of(request)
    await _standing(system, name)
    fires = await system.store.fires(name, limit=limit, before=before)
    return RunList(items=[RunDocument.of(fire) for fire in fires])


async def _standing(system: System, name: str) -> Standing:
    found = (await system.store.schedules()).get(name)
    if found is None:
        raise NotFound(f"no schedule {name[:80]!r}")
    return found


async def _paused(system: System, name: str, caller: Caller, body: SchedulePauseRequest | None) -> ScheduleDocument:
    now = system.clock.now()
    pause = None if body is None else Pause(now, caller.name, body.reason)
    action = "schedule.resumed" if body is None else "schedule.paused"
    detail = {} if body is None else {"reason": body.reason}
    written = Entry.new(now, caller.name, action, f"schedule:{name}"[:255], detail)
    await system.store.pause_schedule(name, pause, now, written)
    return ScheduleDocument.of(await _standing(system, name), now)


def _checked(name: str, body: Any) -> Schedule:
    if not isinstance(body, dict):
        raise InvalidInput("should be an object", code="dict_type")
    if body.get("name", name) != name:
        raise InvalidInput(f"should be {name[:80]!r}, as in the path", field="name", code="other_name")
    try:
        return Schedule.model_validate({**body, "name": name})
    except ValidationError as error:
        raise in_body(error) from None
