"""GET /tasks/{id}/logs and /tasks/{id}/stream: what happened, and what happens."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, visible_task
from tradefree.service.context import closing_of, system_of
from tradefree.service.models.fields import Moment
from tradefree.service.models.logs import Level, LogDocument, LogPage
from tradefree.service.stream import TaskStream

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)

LARGEST_ID = 2**63 - 1
Text = Annotated[str, Field(min_length=1, max_length=200)]


class LogQuery(BaseModel):
    """Which lines."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, le=LARGEST_ID, description="Lines with greater ids.")
    limit: int = Field(200, ge=1, le=1000)
    level: Level | None = Field(None, description="The least severe level wanted.")
    text: Text | None = Field(None, description="In the message, whatever the case.")
    at: Moment | None = Field(None, description="Lines written then or later.")


@router.get(
    "/{task_id}/logs",
    operation_id="list_task_logs",
    summary="Read a task's log",
    response_description="In the order of their ids.",
)
async def list_task_logs(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ)],
    task_id: str,
    query: Annotated[LogQuery, Query()],
) -> LogPage:
    """A task's log lines, a page at a time. To follow a log while it grows, use the stream: it skips no line."""
    system = system_of(request)
    task = await visible_task(system, caller, task_id)
    lines = await system.store.logs(
        task.id, after=query.after, limit=query.limit, level=query.level, text=query.text, since=query.at
    )
    shown = [LogDocument.of(line, payloads=caller.payloads) for line in lines]
    return LogPage(items=shown, next_after=lines[-1].id if lines else query.after)


@router.get(
    "/{task_id}/stream",
    operation_id="stream_task",
    summary="Watch a task live",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `status`, `log`, `partial`, `end`.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'event: status\nid: 41\ndata: {"status": "processing"}\n\n',
                }
            },
        }
    },
)
async def stream_task(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ, or_stream_token=True)],
    task_id: str,
    token: Annotated[str | None, Query(max_length=200, description="From `stream_url`, instead of a key.")] = None,  # noqa: ARG001
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", description="Resume after this event.")] = None,
) -> StreamingResponse:
    """Status moves and log lines as they happen, until the task has ended; partial text with `payloads:read`.

    No log line is left out. After a reconnect with `Last-Event-ID` some may come again; each has its `id`.
    """
    system = system_of(request)
    task = await visible_task(system, caller, task_id)
    stream = TaskStream(
        system, task.id, closing_of(request.app), after=_resume_from(last_event_id), partial=caller.payloads
    )
    return StreamingResponse(
        stream.events(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _resume_from(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not re.fullmatch(r"[0-9]{1,19}", last_event_id) or int(last_event_id) > LARGEST_ID:
        raise InvalidInput("should be the id of an event of this stream", field="Last-Event-ID")
    return int(last_event_id)
