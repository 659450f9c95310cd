"""POST /tasks/batch: many tasks in one transaction, with an outcome for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Request, Response
from pydantic import SkipValidation, ValidationError

from tradefree.access.scopes import Scope
from tradefree.errors import IdempotencyMismatch, InvalidInput, TradefreeError
from tradefree.service.bodies import JSON, NdjsonRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.documents import Documents, dump
from tradefree.service.models.batches import BatchItem, BatchResult
from tradefree.service.models.problem import Problem
from tradefree.service.problems import invalid_fields, problem_of
from tradefree.service.strict_json import loads
from tradefree.tasks.ports import Accepted
from tradefree.tasks.submit import MAX_BATCH
from tradefree.tasks.tracing import HEADER, traceparent_of

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=NdjsonRoute)

Items = Annotated[
    SkipValidation[list[BatchItem]],
    Body(description="An array, or the same items as newline-delimited JSON (`application/x-ndjson`)."),
]
"""The items are checked one by one, so that a bad one does not spoil the others."""


@router.post(
    "/batch",
    operation_id="submit_batch",
    summary="Submit up to 1,000 tasks",
    status_code=202,
    response_model=BatchResult,
    response_description="All items are stored.",
    responses={207: {"model": BatchResult, "description": "Some items were rejected; the others are stored."}},
)
async def submit_batch(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    items: Items,
    idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key", include_in_schema=False)] = None,
) -> Response:
    """Stores many tasks in one transaction. Each item has its own outcome and may have its own `idempotency_key`.

    A line of NDJSON that is not JSON is that item's error; the other items are stored.
    """
    if idempotency_key is not None:
        raise InvalidInput("a batch has no key; give each item an idempotency_key", field="Idempotency-Key")
    checked = [_checked(item, caller) for item in _items(items)]
    good = [item for item in checked if isinstance(item, BatchItem)]
    trace = traceparent_of(request.headers.get(HEADER))
    outcomes = iter(
        await system_of(request).submitter.submit_many(
            [(item.new_task(trace), item.idempotency_key) for item in good], submitted_by=caller.id
        )
    )
    documents = Documents(request, caller)
    answers = [
        _rejected(index, item) if isinstance(item, Problem) else _outcome(index, next(outcomes), documents)
        for index, item in enumerate(checked)
    ]
    rejected = sum(answer["status"] == "rejected" for answer in answers)
    result = {"accepted": len(answers) - rejected, "rejected": rejected, "items": answers}
    return Response(dump(result), 207 if rejected else 202, media_type=JSON)


def _items(body: Any) -> Sequence[Any]:
    """The items as they were sent: JSON values, or the bytes of a line."""
    if isinstance(body, bytes):
        body = [line for line in body.split(b"\n") if line.strip()]
    if not isinstance(body, list):
        raise InvalidInput("should be an array of tasks")
    if not 1 <= len(body) <= MAX_BATCH:
        raise InvalidInput(f"should have 1 to {MAX_BATCH} tasks, this one has {len(body)}")
    return body


def _checked(item: Any, caller: Caller) -> BatchItem | Problem:
    try:
        checked = BatchItem.model_validate(loads(item) if isinstance(item, bytes) else item)
        caller.require_type(checked.type)
    except ValidationError as error:
        return invalid_fields(error.errors(include_url=False, include_input=False))
    except TradefreeError as error:
        return problem_of(error)
    return checked


def _outcome(index: int, outcome: Accepted | Exception, documents: Documents) -> dict[str, Any]:
    """A ``BatchOutcome`` as plain values: a thousand models take longer than all the rest (measured)."""
    if isinstance(outcome, Accepted):
        status = "replayed" if outcome.replayed else "accepted"
        return {"index": index, "status": status, "task": documents.plain(outcome.task), "error": None}
    if isinstance(outcome, IdempotencyMismatch):
        outcome = IdempotencyMismatch(outcome.reason, field="idempotency_key")
    return _rejected(index, problem_of(outcome))


def _rejected(index: int, problem: Problem) -> dict[str, Any]:
    return {"index": index, "status": "rejected", "task": None, "error": problem.model_dump()}
