"""POST /events: where events come in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from tradefree.access.scopes import Scope
from tradefree.errors import BacklogFull, InvalidInput
from tradefree.events.cloudevents import BATCH, STRUCTURED, binary, structured
from tradefree.events.event import NewEvent
from tradefree.events.intake import MAX_BATCH
from tradefree.events.ports import Taken
from tradefree.service.bodies import JSON, Handler, StrictRequest, StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.documents import dump, path_of
from tradefree.service.models.events import BatchTaken, CloudEvent, TakenDocument
from tradefree.service.models.problem import Problem
from tradefree.service.problems import problem_of
from tradefree.service.strict_json import loads
from tradefree.tasks.tracing import HEADER


async def answer(request: Request) -> Response:
    """Takes what was sent: what mode it is in says its Content-Type alone."""
    return await _send(request, request.state.caller, await request.body())


class EventRoute(StrictRoute):
    """A route that takes a body of any type. FastAPI would read some of them as JSON, so ``answer`` answers."""

    media_types = None

    def answering(self) -> Handler:
        return answer


router = APIRouter(prefix="/events", tags=["events"], route_class=EventRoute)


@router.post(
    "",
    operation_id="send_event",
    summary="Raise an event",
    status_code=202,
    response_model=TakenDocument | BatchTaken,
    response_description="Stored, with what the triggers decided and the tasks they made.",
    responses={
        207: {"model": BatchTaken, "description": "Some events of the batch were rejected; the others are stored."},
        429: {"description": "Too many tasks wait; send it again later: what was stored is not stored twice."},
    },
)
async def send_event(
    request: Request,
    caller: Annotated[Caller, needs(Scope.EVENTS_WRITE)],
    body: Annotated[CloudEvent, Body(media_type=STRUCTURED)],  # noqa: ARG001
) -> Response:
    """Takes CloudEvents 1.0. What was answered is stored, and so are the tasks it made.

    Structured mode is shown here. Batched mode (`application/cloudevents-batch+json`) takes an array of up to 1,000
    and has an outcome for each. In binary mode the attributes are headers (`ce-id`, `ce-source`, …), and the body is
    the data, of any type.

    An event whose `source` and `id` are known is answered with what was decided the first time; nothing is made
    twice, so whatever went wrong, send it again. Answers to a repeated event carry `Idempotency-Replayed: true`.
    """
    return await _send(request, caller, await request.body())


async def _send(request: Request, caller: Caller, body: bytes) -> Response:
    read = _read(request, body)
    news = read if isinstance(read, list) else [read]
    outcomes = iter(await _take(request, caller, [new for new in news if isinstance(new, NewEvent)]))
    told = [next(outcomes) if isinstance(new, NewEvent) else new for new in news]
    if (full := next((each for each in told if isinstance(each, BacklogFull)), None)) is not None:
        raise full
    url = path_of(request, "events")
    if isinstance(read, list):
        return _batch(told, url)
    (only,) = told
    if isinstance(only, Exception):
        raise only
    headers = {"Location": f"{url}/{only.event.id}"} | ({"Idempotency-Replayed": "true"} if only.replayed else {})
    return Response(dump(TakenDocument.plain(only, url)), 202, headers, JSON)


def _read(request: Request, body: bytes) -> NewEvent | list[NewEvent | InvalidInput]:
    """The event, or those of a batch: one that cannot be read spoils no other."""
    assert isinstance(request, StrictRequest)
    media_type = request.media_type()
    if media_type == STRUCTURED:
        return structured(loads(body))
    if media_type != BATCH:
        return binary(request.headers, body, loads)
    value = loads(body)
    if not isinstance(value, list):
        raise InvalidInput("should be an array of CloudEvents")
    if not 1 <= len(value) <= MAX_BATCH:
        raise InvalidInput(f"should have 1 to {MAX_BATCH} events, this one has {len(value)}")
    return [_one(item) for item in value]


def _one(item: Any) -> NewEvent | InvalidInput:
    try:
        return structured(item)
    except InvalidInput as error:
        return error


async def _take(request: Request, caller: Caller, news: list[NewEvent]) -> list[Taken | Exception]:
    trace = request.headers.get(HEADER)
    if trace is not None:
        news = [new if HEADER in new.attributes else new.with_attribute(HEADER, trace) for new in news]
    if not news:
        return []
    return await system_of(request).intake.take(news, received_by=f"key:{caller.id}", submitted_by=caller.id)


def _batch(told: list[Taken | Exception], url: str) -> Response:
    items = [_outcome(index, each, url) for index, each in enumerate(told)]
    rejected = sum(item["status"] == "rejected" for item in items)
    result = {"accepted": len(items) - rejected, "rejected": rejected, "items": items}
    return Response(dump(result), 207 if rejected else 202, media_type=JSON)


def _outcome(index: int, each: Taken | Exception, url: str) -> dict[str, Any]:
    if isinstance(each, Taken):
        status = "replayed" if each.replayed else "accepted"
        return {"index": index, "status": status, "event": TakenDocument.plain(each, url), "error": None}
    problem: Problem = problem_of(each)
    return {"index": index, "status": "rejected", "event": None, "error": problem.model_dump()}


def route() -> EventRoute:
    """The one route of this file."""
    (only,) = router.routes
    assert isinstance(only, EventRoute)
    return only
