"""Cancel and retry: one task, or everything that matches a filter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, visible_task
from tradefree.service.context import system_of
from tradefree.service.cursor import decode_place, encode_place
from tradefree.service.documents import Documents
from tradefree.service.estimate import estimated
from tradefree.service.models.tasks import ActionOutcome, RetryRequest, TaskAction, TaskDocument
from tradefree.service.trail import entry
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
    response_model_exclude_unset=True,
)
async def act_on_tasks(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    body: TaskAction,
) -> ActionOutcome:
    """Acts on everything that matches now. An empty filter is refused unless `all` is true.

    With `dry_run` it only counts, up to 50,000, and estimates what a retry would cost. With `limit` it acts on so many,
    and `next_cursor` leads on: whoever wants to show progress, or to stop halfway, goes step by step.
    """
    system, wanted = system_of(request), _wanted(body, caller)
    if body.dry_run:
        return await estimated(system, body.action, wanted)
    below = decode_place(body.cursor, wanted)
    asked = body.filter.model_dump(mode="json", exclude_defaults=True)
    if below is None:
        await system.store.write_down(entry(system, caller, f"tasks.{body.action}", "tasks", {"filter": asked}))
    outcome = await system.control.act(body.action, wanted, by=caller.name, most=body.limit, below=below)
    counts = {"filter": asked, "matched": outcome.matched, "changed": outcome.changed}
    await system.store.write_down(entry(system, caller, f"tasks.{body.action}.done", "tasks", counts))
    done = ActionOutcome(matched=outcome.matched, changed=outcome.changed)
    if body.limit is not None:
        done.next_cursor = encode_place(outcome.last) if outcome.last is not None else None
    return done


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
        finished_after=wanted.finished_after,
        finished_before=wanted.finished_before,
    )
