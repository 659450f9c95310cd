"""POST /tasks/{id}/answers: what a person says to a task that waits for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, visible_task
from tradefree.service.context import system_of
from tradefree.service.documents import Documents
from tradefree.service.models.questions import AnswerRequest
from tradefree.service.models.tasks import TaskDocument

router = APIRouter(tags=["tasks"], route_class=StrictRoute)


@router.post(
    "/tasks/{task_id}/answers",
    operation_id="answer_task",
    summary="Answer what a task asks",
    status_code=202,
    response_description="The answer is stored; a worker hands it in once the task is admitted again.",
    responses={409: {"description": "It asks nothing, was answered already, or asks something else by now."}},
)
async def answer_task(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_WRITE)],
    task_id: str,
    body: AnswerRequest,
) -> TaskDocument:
    """Answers a task that is `awaiting_input`. What does not fit its form is refused, naming the field."""
    system = system_of(request)
    await visible_task(system, caller, task_id)
    task = await system.control.answer(task_id, body.action, body.inputs, by=caller.name, question_id=body.question_id)
    return Documents(request, caller).task(task)
