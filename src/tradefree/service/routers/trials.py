"""Triggers on trial: drafts tried on what happened, versions, and what was decided."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tradefree.access.scopes import Scope
from tradefree.errors import Forbidden, NotFound
from tradefree.events.judge import Judge
from tradefree.events.ports import EventFilter
from tradefree.events.preview import Previewer
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.cursor import decode, encode
from tradefree.service.models.events import DecisionDetail
from tradefree.service.models.tasks import MAX_PAGE, PAGE
from tradefree.service.models.triggers import (
    DecisionPage,
    PreviewDocument,
    PreviewRequest,
    TriggerDecision,
    VersionDocument,
    VersionList,
)
from tradefree.service.routers.happened import own_events
from tradefree.service.routers.triggers import found_trigger, visible_trigger

router = APIRouter(prefix="/triggers", tags=["events"], route_class=StrictRoute)

MOST_VERSIONS = 100


@router.post("/preview", operation_id="preview_trigger", summary="Try a draft trigger on what happened")
async def preview_trigger(
    request: Request, caller: Annotated[Caller, needs(Scope.EVENTS_READ)], body: PreviewRequest
) -> PreviewDocument:
    """What a draft would have made of stored events, which parts of its filter were true, and what differs from the
    trigger of this name that holds now. Writes nothing."""
    system, draft = system_of(request), body.trigger
    caller.require_type(draft.task_type)
    await system.catalog.task_type(draft.task_type)
    kept = await found_trigger(system, draft.name)
    current = kept.trigger if kept is not None and caller.may_touch(kept.trigger.task_type) else None
    wanted = EventFilter(
        type=_common(draft.event, current.event if current is not None else draft.event),
        received_by=own_events(caller),
        received_after=body.since,
        received_before=body.until,
    )
    previewer = Previewer(system.store, Judge(system.catalog), system.clock)
    found = await previewer.preview(draft, current, wanted, most=body.most, shown=body.shown)
    return PreviewDocument.of(found, draft, current, payloads=caller.payloads)


@router.get("/{name}/versions", operation_id="list_trigger_versions", summary="List a trigger's versions")
async def list_trigger_versions(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_READ)], name: str
) -> VersionList:
    """Its latest hundred versions, newest first, with who made them and, where the system did, why."""
    versions = await system_of(request).store.versions_of(name, limit=MOST_VERSIONS)
    seen = [v for v in versions if v.trigger is None or caller.may_touch(v.trigger.task_type)]
    if not any(version.trigger is not None for version in seen):
        raise NotFound(f"no trigger {name[:80]!r}")
    return VersionList(items=[VersionDocument.of(version) for version in seen])


class PageQuery(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(PAGE, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(None, max_length=200)


@router.get("/{name}/decisions", operation_id="list_trigger_decisions", summary="List what a trigger decided")
async def list_trigger_decisions(
    request: Request,
    caller: Annotated[Caller, needs(Scope.EVENTS_READ)],
    name: str,
    query: Annotated[PageQuery, Query()],
) -> DecisionPage:
    """What it decided about events and why, newest first."""
    system = system_of(request)
    if caller.own_only:
        raise Forbidden("this key sees its own events alone; look at them one by one", code="own_events")
    await visible_trigger(system, caller, name)
    below = decode(query.cursor) if query.cursor is not None else None
    found = await system.store.decisions_of(name, limit=query.limit + 1, before_id=below)
    page = found[: query.limit]
    versions = await system.store.trigger_versions(sorted({(d.trigger, d.version) for _, d in page}))
    items = [
        TriggerDecision(
            **DecisionDetail.with_conditions(d, versions, payloads=caller.payloads).model_dump(), event_id=event_id
        )
        for event_id, d in page
    ]
    return DecisionPage(items=items, next_cursor=encode(page[-1][0]) if len(found) > len(page) else None)


def _common(one: str, other: str) -> str | None:
    """A pattern for all types that one of two patterns takes; None for any."""
    if one == other:
        return one
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[:length].rstrip('*')}*" if length else None
