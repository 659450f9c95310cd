"""/triggers: the rules that make tasks of events."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request, Response
from pydantic import SkipValidation, ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput, NotFound, Stale
from tradefree.events.trigger import Kept, Trigger
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.models.triggers import (
    EnabledRequest,
    TriggerDocument,
    TriggerList,
)
from tradefree.service.problems import in_body
from tradefree.tasks.ports import Entry

router = APIRouter(prefix="/triggers", tags=["events"], route_class=StrictRoute)

Definition = Annotated[
    SkipValidation[Trigger], Body(description="The definition. `name` may be left out: it is the one in the path.")
]
"""Checked here, with the name from the path put in."""
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='The version that was seen, `"3"`; `*`: any. Another by now: 412. Left out: whatever it is.',
    ),
]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="`*`: only if there is none yet.")]


@router.get("", operation_id="list_triggers", summary="List the triggers")
async def list_triggers(request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)]) -> TriggerList:
    """Every trigger for task types that the key is for, by name."""
    _, every = await system_of(request).store.triggers()
    return TriggerList(items=[TriggerDocument.of(k) for k in every if caller.may_touch(k.trigger.task_type)])


@router.get("/{name}", operation_id="get_trigger", summary="Look at a trigger")
async def get_trigger(
    request: Request, response: Response, caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)], name: str
) -> TriggerDocument:
    """One trigger. `ETag` is its version."""
    return _answered(response, await visible_trigger(system_of(request), caller, name))


@router.put(
    "/{name}",
    operation_id="put_trigger",
    summary="Define a trigger",
    response_model=TriggerDocument,
    response_description="It was there and is replaced.",
    responses={
        201: {"model": TriggerDocument, "description": "It is new."},
        412: {"description": "Somebody else has changed it since."},
    },
)
async def put_trigger(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: Definition,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> TriggerDocument:
    """Creates or replaces a trigger. It holds for events that come within a second from now.

    With `enabled: true`, one that was disabled because it failed again and again begins anew.
    """
    system, trigger = system_of(request), _checked(name, body)
    caller.require_type(trigger.task_type)
    before = await found_trigger(system, name)
    if before is not None:
        caller.require_type(before.trigger.task_type)
    version = _version(if_match, if_none_match, before)
    kept = await system.store.put_trigger(trigger, _entry(system, caller, "trigger.put", trigger), version=version)
    system.rules.forget()
    response.status_code = 200 if before is not None else 201
    return _answered(response, kept or before or await visible_trigger(system, caller, name))


@router.put("/{name}/enabled", operation_id="enable_trigger", summary="Enable or disable a trigger")
async def enable_trigger(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    body: EnabledRequest,
) -> TriggerDocument:
    """A disabled trigger looks at no events. Enabled again, it begins anew with those that come."""
    system = system_of(request)
    before = await visible_trigger(system, caller, name)
    trigger = before.trigger.model_copy(update={"enabled": body.enabled})
    action = "trigger.enable" if body.enabled else "trigger.disable"
    entry = _entry(system, caller, action, trigger)
    kept = await system.store.put_trigger(trigger, entry, version=before.version)
    system.rules.forget()
    return _answered(response, kept or before)


@router.delete(
    "/{name}",
    operation_id="delete_trigger",
    summary="Delete a trigger",
    status_code=204,
    responses={412: {"description": "Somebody else has changed it since."}},
)
async def delete_trigger(
    request: Request,
    caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)],
    name: str,
    if_match: IfMatch = None,
) -> None:
    """Deletes a trigger. Its versions and what it decided stay."""
    system = system_of(request)
    before = await visible_trigger(system, caller, name)
    version = _version(if_match, None, before)
    await system.store.delete_trigger(name, _entry(system, caller, "trigger.delete", before.trigger), version=version)
    system.rules.forget()


def _answered(response: Response, kept: Kept) -> TriggerDocument:
    response.headers["ETag"] = f'"{kept.version}"'
    return TriggerDocument.of(kept)


async def found_trigger(system: System, name: str) -> Kept | None:
    """The trigger of this name, if there is one."""
    _, every = await system.store.triggers()
    return next((kept for kept in every if kept.trigger.name == name), None)


async def visible_trigger(system: System, caller: Caller, name: str) -> Kept:
    """The trigger, if there is one that this caller may see; NotFound does not tell the two apart."""
    kept = await found_trigger(system, name)
    if kept is None or not caller.may_touch(kept.trigger.task_type):
        raise NotFound(f"no trigger {name[:80]!r}")
    return kept


def _version(if_match: str | None, if_none_match: str | None, before: Kept | None) -> int | None:
    """The version that must be there; 0: none, None: any. Raises Stale or InvalidInput."""
    if if_none_match is not None:
        if if_none_match != "*":
            raise InvalidInput("should be *", field="If-None-Match")
        return 0
    if if_match == "*" and before is None:
        raise Stale("there is no such trigger")
    if if_match in (None, "*"):
        return None
    if not (found := re.fullmatch(r'"?(\d{1,9})"?', if_match or "")):
        raise InvalidInput('should be a version, such as "3"', field="If-Match")
    return int(found[1])


def _checked(name: str, body: Any) -> Trigger:
    if not isinstance(body, dict):
        raise InvalidInput("should be an object", code="dict_type")
    if body.get("name", name) != name:
        raise InvalidInput(f"should be {name[:80]!r}, as in the path", field="name", code="other_name")
    try:
        return Trigger.model_validate({**body, "name": name})
    except ValidationError as error:
        raise in_body(error) from None


def _entry(system: System, caller: Caller, action: str, trigger: Trigger) -> Entry:
    detail = {"after": trigger.model_dump(mode="json", exclude_defaults=True)}
    return Entry.new(system.clock.now(), caller.name, action, f"trigger:{trigger.name}", detail)
