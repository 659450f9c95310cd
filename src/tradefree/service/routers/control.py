"""Cancel and retry: one task, or everything that matches a filter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, visible_task
from tradefree.service.context import system_of
from tradefree.service.documents import Documents
from tradefree.service.models.tasks import ActionOutcome, RetryRequest, TaskAction, TaskDocument
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.states import LIVE, Status

router = APIRouter(tags=["tasks"], route_class=StrictRoute)

USUAL = {"cancel": tuple(sorted(LIVE)), "retry": (Status.CANCELLED, Status.FAILED)}
"""The statuses an action is for if the filter names none: to do completed work again costs money and must be said."""


@router.post(
    "/tasks/{task_id}/cancellation",
    operation_id="cancel_task",
    summary="Cancel a task",
    status_code=202,
    response_model=TaskDocument,
    response_description="The worker was asked to let go; the task is `cancelled` when it has.",
    responses={
        200: {"model": TaskDocument, "description": "It is cancelled."},
        409: {"description": "It has ended already."},
    },
)
async def cancel_task(
    request: Request,
    response: Response,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    task_id: str,
) -> TaskDocument:
    """Cancels a task that waits, and asks the worker of one that runs. A result that arrives first is kept."""
    system = system_of(request)
    await visible_task(system, caller, task_id)
    task = await system.control.cancel(task_id, by=caller.name)
    response.status_code = 200 if task.status is Status.CANCELLED else 202
    return Documents(request, caller).task(task)


@router.post(
    "/tasks/{task_id}/retries",
    operation_id="retry_task",
    summary="Run a task again",
    status_code=202,
    response_description="It waits for its next attempt.",
    responses={409: {"description": "It has not ended yet."}},
)
async def retry_task(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    task_id: str,
    body: RetryRequest | None = None,
) -> TaskDocument:
    """Another go for a task that has ended, with other input if wanted. History is kept, budgets start again."""
    system = system_of(request)
    await visible_task(system, caller, task_id)
    task = await system.control.retry(task_id, by=caller.name, input_data=body.input_data if body else None)
    return Documents(request, caller).task(task)


@router.post(
    "/task-actions",
    operation_id="act_on_tasks",
    summary="Cancel or retry all tasks that match",
)
async def act_on_tasks(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    body: TaskAction,
) -> ActionOutcome:
    """Acts on everything that matches now. An empty filter is refused unless `all` is true."""
    outcome = await system_of(request).control.act(body.action, _wanted(body, caller), by=caller.name)
    return ActionOutcome(matched=outcome.matched, changed=outcome.changed)


def _wanted(body: TaskAction, caller: Caller) -> TaskFilter:
    wanted = body.filter
    return caller.only(
        statuses=tuple(wanted.status) or USUAL[body.action],
        types=tuple(wanted.type),
        concurrency_key=wanted.concurrency_key,
        labels=wanted.labels,
        text=wanted.q,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
    )
