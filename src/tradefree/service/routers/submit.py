"""POST /tasks: where every task begins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field, StrictStr

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.documents import Documents
from tradefree.service.models.fields import PRINTABLE
from tradefree.service.models.tasks import SubmitRequest, TaskDocument
from tradefree.service.waiting import wait_until_ended, wished_wait

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)

IdempotencyHeader = Annotated[
    Annotated[StrictStr, Field(pattern=PRINTABLE)] | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 printable ASCII characters. The same request with the same key is stored once.",
    ),
]
PreferHeader = Annotated[
    str | None,
    Header(alias="Prefer", description="`wait=N`: hold the answer until the task has ended, up to N ≤ 60 s."),
]


@router.post(
    "",
    operation_id="submit_task",
    summary="Submit a task",
    status_code=202,
    response_model=TaskDocument,
    response_description="Stored; it runs as soon as the limits allow.",
    responses={200: {"model": TaskDocument, "description": "It has ended within the time of `Prefer: wait`."}},
)
async def submit_task(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    body: SubmitRequest,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> TaskDocument:
    """Stores a task and answers with it. What was answered is in the database: it runs, whatever happens next.

    An answer to a repeated request carries `Idempotency-Replayed: true`.
    """
    caller.require_type(body.type)
    system = system_of(request)
    accepted = await system.submitter.submit(body.new_task(), key=idempotency_key, submitted_by=caller.id)
    task = accepted.task
    seconds = wished_wait(prefer)
    if seconds is not None:
        task = await wait_until_ended(system, task.id, seconds, payloads=caller.payloads) or task
        response.headers["Preference-Applied"] = f"wait={seconds}"
        response.status_code = 200 if task.terminal else 202
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    document = Documents(request, caller).task(task)
    response.headers["Location"] = document.status_url
    return document
