"""GET /events: what happened, what was decided about it, and what became of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tradefree.access.scopes import Scope
from tradefree.errors import NotFound
from tradefree.events.decide import Decision
from tradefree.events.event import Event
from tradefree.events.ports import EventFilter
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.cursor import decode, encode, is_id
from tradefree.service.documents import Documents
from tradefree.service.models.events import DecisionDetail, EventDetail, EventDocument, EventPage, Versions, facts
from tradefree.service.models.fields import Moment
from tradefree.service.models.tasks import MAX_PAGE, PAGE

MOST_DELIVERIES = 20
"""Of one task; the others are found with it."""
router = APIRouter(prefix="/events", tags=["events"], route_class=StrictRoute)


class EventQuery(BaseModel):
    """The parameters of a search; everything given must hold."""

    model_config = ConfigDict(extra="forbid")

    type: str | None = Field(None, min_length=1, max_length=256, description="A type; `*` at the end for anything.")
    source: str | None = Field(None, min_length=1, max_length=500)
    subject: str | None = Field(None, min_length=1, max_length=500)
    received_by: str | None = Field(None, min_length=1, max_length=80, pattern=r"^[\x21-\x7e]+$")
    received_after: Moment | None = None
    received_before: Moment | None = None
    payloads: bool = Field(False, description="With their data; needs the scope `payloads:read`.")
    limit: int = Field(PAGE, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(None, max_length=200)

    def wanted(self, caller: Caller) -> EventFilter | None:
        """The filter, narrowed to what the caller may see; None if that is nothing."""
        own = own_events(caller)
        if own is not None and self.received_by not in (None, own):
            return None
        return EventFilter(
            type=self.type,
            source=self.source,
            subject=self.subject,
            received_by=own or self.received_by,
            received_after=self.received_after,
            received_before=self.received_before,
        )


def own_events(caller: Caller) -> str | None:
    """By whom events must have been received that the caller may see; None: by anybody."""
    return f"key:{caller.id}" if caller.own_only else None


@router.get("", operation_id="list_events", summary="Find events", response_description="Newest first.")
async def list_events(
    request: Request, caller: Annotated[Caller, needs(Scope.EVENTS_READ)], query: Annotated[EventQuery, Query()]
) -> EventPage:
    """Events that match all filters, newest first, a page at a time, with what was decided about each."""
    below = decode(query.cursor) if query.cursor is not None else None
    payloads = query.payloads and caller.payloads
    wanted = query.wanted(caller)
    if wanted is None:
        return EventPage(items=[], next_cursor=None)
    store = system_of(request).store
    found = await store.events(wanted, limit=query.limit + 1, before_id=below, payloads=payloads)
    page = found[: query.limit]
    decisions = await store.decisions([event.id for event in page])
    versions = await _versions(system_of(request), (d for some in decisions.values() for d in some))
    items = [
        EventDocument.of(
            event, _seen(caller, decisions.get(event.id, ()), versions), payloads=payloads, reasons=caller.payloads
        )
        for event in page
    ]
    return EventPage(items=items, next_cursor=encode(page[-1].id) if len(found) > len(page) else None)


@router.get("/{event_id}", operation_id="get_event", summary="Look at an event")
async def get_event(
    request: Request, caller: Annotated[Caller, needs(Scope.EVENTS_READ)], event_id: str
) -> EventDetail:
    """One event: what each trigger decided and why, the tasks it made, their attempts and callbacks."""
    system = system_of(request)
    event = await visible_event(system, caller, event_id)
    every = (await system.store.decisions([event.id])).get(event.id, [])
    versions = await _versions(system, every)
    decisions = [
        DecisionDetail.with_conditions(decision, versions, payloads=caller.payloads)
        for decision in _seen(caller, every, versions)
    ]
    documents = Documents(request, caller)
    tasks = [task for task in await system.store.tasks_of(event.id) if caller.sees(task)]
    made = [
        documents.made(
            task, await system.store.attempts(task.id), await system.store.deliveries_of(task.id, MOST_DELIVERIES)
        )
        for task in tasks
    ]
    return EventDetail(**facts(event, payloads=caller.payloads), decisions=decisions, tasks=made)


async def visible_event(system: System, caller: Caller, event_id: str) -> Event:
    """The event, if there is one that this caller may see; NotFound does not tell the two apart."""
    event = await system.store.event(event_id, payloads=caller.payloads) if is_id(event_id) else None
    if event is None or own_events(caller) not in (None, event.received_by):
        raise NotFound(f"no event {event_id[:80]!r}")
    return event


async def _versions(system: System, decisions: Iterable[Decision]) -> Versions:
    return await system.store.trigger_versions(sorted({(d.trigger, d.version) for d in decisions}))


def _seen(caller: Caller, decisions: Iterable[Decision], versions: Versions) -> list[Decision]:
    """Decisions of triggers for task types that the caller may see."""
    if caller.task_types is None:
        return list(decisions)
    seen = []
    for decision in decisions:
        version = versions.get((decision.trigger, decision.version))
        if version is not None and version.trigger is not None and caller.may_touch(version.trigger.task_type):
            seen.append(decision)
    return seen
