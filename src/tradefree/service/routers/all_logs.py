"""GET /logs: the log lines of all tasks, by time; a page, or all of a time to keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tradefree.access.scopes import Scope
from tradefree.service.bodies import NDJSON, StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, closing_of, system_of
from tradefree.service.cursor import decode_number, encode_number
from tradefree.service.documents import dump
from tradefree.service.models.fields import Moment, Types
from tradefree.service.models.logs import Level, TaskLogDocument, TaskLogPage
from tradefree.service.routers.logs import Text
from tradefree.tasks.ports import LineFilter
from tradefree.tasks.task import LogLine

router = APIRouter(prefix="/logs", tags=["tasks"], route_class=StrictRoute)
MANY = 1000
"""Lines read together for a download."""


class AllLogsQuery(BaseModel):
    """Which lines; everything given must hold."""

    model_config = ConfigDict(extra="forbid")

    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    level: Level | None = Field(None, description="The least severe level wanted.")
    text: Text | None = Field(None, description="In the message, whatever the case.")
    type: Types = Field(default_factory=list, description="Of tasks of these types; repeat it or separate by commas.")
    order: Literal["newest", "oldest"] = Field(
        "newest", description="Which lines come first; a download has the oldest."
    )
    limit: int = Field(200, ge=1, le=1000)
    cursor: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(
        None, max_length=200, description="`next_cursor` of the page before."
    )

    def wanted(self, caller: Caller) -> LineFilter:
        """The filter, narrowed to what the caller may see."""
        types = caller.task_types if not self.type else tuple(name for name in self.type if caller.may_touch(name))
        return LineFilter(
            since=self.since,
            until=self.until,
            level=self.level,
            text=self.text,
            types=types,
            submitted_by=(caller.id or "") if caller.own_only else None,
        )


@router.get(
    "",
    operation_id="list_logs",
    summary="Read the logs of all tasks",
    response_model=TaskLogPage,
    responses={
        200: {
            "description": "A page; or all lines of that time, one document a line.",
            "content": {NDJSON[0]: {"schema": {"type": "string"}}},
        }
    },
)
async def list_logs(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ)],
    query: Annotated[AllLogsQuery, Query()],
) -> Response | TaskLogPage:
    """Log lines of all tasks that the key may see, in the order in which they were stored, which is nearly that of
    their times. With `Accept: application/x-ndjson` all that match come at once, the oldest first, as a file to keep.
    """
    system, wanted = system_of(request), query.wanted(caller)
    if any(media_type in request.headers.get("accept", "") for media_type in NDJSON):
        lines = _every(system, wanted, caller, closing_of(request.app))
        name = {"Content-Disposition": 'attachment; filename="tradefree-logs.ndjson"', "X-Accel-Buffering": "no"}
        return StreamingResponse(lines, media_type=NDJSON[0], headers=name)
    behind = decode_number(query.cursor) if query.cursor is not None else None
    newest = query.order == "newest"
    found = await system.store.lines(wanted, limit=query.limit, behind=behind, newest_first=newest)
    return TaskLogPage(
        items=[_shown(line, name, caller) for line, name in found.lines],
        next_cursor=encode_number(found.next_id) if found.next_id is not None else None,
        reached=found.reached,
    )


async def _every(system: System, wanted: LineFilter, caller: Caller, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """All that match, some at a time. An answer that breaks off is not whole, and HTTP says so."""
    behind: int | None = 0
    while behind is not None and not closing.is_set():
        found = await system.store.lines(wanted, limit=MANY, behind=behind, newest_first=False)
        yield b"".join(dump(_shown(line, name, caller).model_dump()) + b"\n" for line, name in found.lines)
        behind = found.next_id


def _shown(line: LogLine, task_type: str, caller: Caller) -> TaskLogDocument:
    return TaskLogDocument.of_task(line, task_type, payloads=caller.payloads)
