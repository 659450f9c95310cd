"""GET /live: everything that a page of the console hears, over one connection."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, Field

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, still_good
from tradefree.service.context import closing_of
from tradefree.service.live import Live
from tradefree.service.models.fields import split

router = APIRouter(prefix="/live", tags=["system"], route_class=StrictRoute)


class Topic(StrEnum):
    """What a page wants to hear of."""

    TASKS = "tasks"
    STATS = "stats"


Topics = Annotated[list[Topic], BeforeValidator(split), Field(max_length=10)]


@router.get(
    "",
    operation_id="watch_everything",
    summary="Hear what moves",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `hello`, `tasks`, `stats`, `beat`.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'event: tasks\ndata: {"ids": ["01a20a53-8de9-752c-8a5e-a7690f5"], "more": false}\n\n',
                }
            },
        }
    },
)
async def watch_everything(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ)],
    topics: Annotated[Topics, Query(description="Repeat it or separate by commas; left out: all.")] = [],  # noqa: B006
) -> StreamingResponse:
    """One connection for all that a page shows; it reads anew what it is told of.

    `tasks` names tasks of which something was written since the last one, at most once a second; with `more` there were
    too many to name. `stats` is the document of `GET /stats`, when it has changed. `beat` comes every ten seconds: who
    has heard none for longer shows something stale. The stream ends with the session or key.
    """
    live: Live = request.app.state.live
    stream = live.stream(caller, closing_of(request.app), still_good(request), frozenset(topics or Topic))
    return StreamingResponse(
        stream.events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
