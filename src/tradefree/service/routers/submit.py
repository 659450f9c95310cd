"""POST /tasks: where every task begins."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field, StrictStr, ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput
from tradefree.service.bodies import JSON, Handler, StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.documents import Documents, dump
from tradefree.service.models.fields import PRINTABLE
from tradefree.service.models.tasks import SubmitRequest, TaskDocument
from tradefree.service.problems import in_body
from tradefree.service.waiting import wait_until_ended, wished_wait
from tradefree.tasks.tracing import HEADER, traceparent_of

_GOOD_KEY = re.compile(PRINTABLE)


async def answer(request: Request) -> Response:
    """Reads the parameters and calls the endpoint."""
    if (value := await request.json()) is None:
        raise InvalidInput("is required", code="missing")
    try:
        body = SubmitRequest.model_validate(value)
    except ValidationError as error:
        raise in_body(error) from None
    key = request.headers.get("idempotency-key")
    if key is not None and not _GOOD_KEY.fullmatch(key):
        raise InvalidInput("should be 1 to 255 printable ASCII characters", field="Idempotency-Key")
    return await submit_task(request, request.state.caller, body, key, request.headers.get("prefer"))


class SubmitRoute(StrictRoute):
    """The hot path. FastAPI's solving of parameters takes longer than all the rest of the request (measured), so this
    route is answered by ``answer``; the signature of the endpoint is its documentation."""

    def answering(self) -> Handler:
        return answer


router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=SubmitRoute)

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
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    body: SubmitRequest,
    idempotency_key: IdempotencyHeader = None,
    prefer: PreferHeader = None,
) -> Response:
    """Stores a task and answers with it. What was answered is in the database: it runs, whatever happens next.

    An answer to a repeated request carries `Idempotency-Replayed: true`.
    """
    caller.require_type(body.type)
    system = system_of(request)
    trace = traceparent_of(request.headers.get(HEADER))
    accepted = await system.submitter.submit(body.new_task(trace), key=idempotency_key, submitted_by=caller.id)
    task, status = accepted.task, 202
    headers: dict[str, str] = {}
    seconds = wished_wait(prefer)
    if seconds is not None:
        task = await wait_until_ended(system, task.id, seconds, payloads=caller.payloads) or task
        headers["Preference-Applied"] = f"wait={seconds}"
        status = 200 if task.terminal else 202
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    document = Documents(request, caller).plain(task)
    headers["Location"] = document["status_url"]
    return Response(dump(document), status, headers, JSON)


def route() -> SubmitRoute:
    """The one route of this file."""
    (only,) = router.routes
    assert isinstance(only, SubmitRoute)
    return only
