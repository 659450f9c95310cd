"""POST /hooks/{name}: where foreign systems send their webhooks. They have no API key; they sign."""

from __future__ import annotations

from fastapi import APIRouter, Request

from tradefree.events.hooks.signature import Message
from tradefree.service.bodies import RawRoute
from tradefree.service.context import system_of
from tradefree.service.models.hooks import HookAnswer
from tradefree.service.strict_json import loads

router = APIRouter(tags=["events"], route_class=RawRoute)


@router.post(
    "/hooks/{name}",
    operation_id="receive_webhook",
    summary="Take a foreign webhook in",
    status_code=202,
    response_description="Its event is stored, or was stored when it came for the first time.",
    responses={
        400: {"description": "It is well signed, and no JSON."},
        401: {"description": "It is not signed with the hook's secret, or was signed too long ago."},
        404: {"description": "There is no such hook, or it is switched off."},
        413: {"description": "The body is too large."},
        422: {"description": "It says nothing that an event could be made of; `errors` names the part of the mapping."},
        429: {"description": "As many tasks wait as may; send it again."},
        503: {"description": "The database does not answer; send it again."},
    },
)
async def receive_webhook(request: Request, name: str) -> HookAnswer:
    """Checks the signature over the bytes as they came, makes an event of the message, and stores it.

    A message that comes again is answered like the first time. Of one that is not good, nothing is kept but a number.
    """
    message = Message(await request.body(), dict(request.headers))  # names in lower case
    taken = await system_of(request).reception.take(name, message, loads)
    return HookAnswer(event_id=taken.event.id, repeated=taken.replayed)
