"""GET /tasks and GET /tasks/{id}: finding tasks and looking at one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from tradefree.access.scopes import Scope
from tradefree.errors import InvalidInput
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, visible_task
from tradefree.service.context import system_of
from tradefree.service.cursor import decode_place, encode_place
from tradefree.service.documents import Documents, with_current
from tradefree.service.models.fields import Moment, Types, split
from tradefree.service.models.limits import WaitsDocument
from tradefree.service.models.tasks import MAX_PAGE, PAGE, TaskDetail, TaskPage
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.submit import MAX_LABELS
from tradefree.tasks.waits import waits

WAITS = (Status.SCHEDULED, Status.PENDING, Status.QUEUED)
MOST_DELIVERIES = 50
"""Deliveries shown with a task; the others are found under /deliveries."""
MOST_STRETCHES = 2000
router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)


def _pairs(value: list[str]) -> list[str]:
    for label in value:
        key, colon, _ = label.partition(":")
        if not colon or not key:
            raise ValueError("should be key:value")
    return value


Statuses = Annotated[list[Status], BeforeValidator(split), Field(max_length=20)]


class TaskQuery(BaseModel):
    """The parameters of a search; everything given must hold."""

    model_config = ConfigDict(extra="forbid")

    status: Statuses = Field(default_factory=list, description="Repeat it or separate by commas.")
    type: Types = Field(default_factory=list, description="Repeat it or separate by commas.")
    concurrency_key: str | None = Field(None, min_length=1, max_length=255)
    label: Annotated[list[str], AfterValidator(_pairs)] = Field(
        default_factory=list, max_length=MAX_LABELS, description="`key:value`; repeat it to ask for several at once."
    )
    q: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="In the beginning of the id, the concurrency key, a label's value or the error message.",
    )
    created_after: Moment | None = None
    created_before: Moment | None = None
    finished_after: Moment | None = Field(None, description="Tasks that have ended since, the last to end first.")
    finished_before: Moment | None = Field(None, description="Tasks that had ended by then, the last to end first.")
    payloads: bool = Field(False, description="With input and output data; needs the scope `payloads:read`.")
    limit: int = Field(PAGE, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(
        None, max_length=200, description="`next_cursor` of the page before."
    )

    def wanted(self, caller: Caller) -> TaskFilter:
        """The filter, narrowed to what the caller may see."""
        return caller.only(
            statuses=tuple(self.status),
            types=tuple(self.type),
            concurrency_key=self.concurrency_key,
            labels=self._labels(),
            text=self.q,
            created_after=self.created_after,
            created_before=self.created_before,
            finished_after=self.finished_after,
            finished_before=self.finished_before,
        )

    def _labels(self) -> dict[str, str]:
        labels: dict[str, str] = {}
        for label in self.label:
            key, _, value = label.partition(":")
            if labels.setdefault(key, value) != value:
                raise InvalidInput(f"no task has two values for {key[:80]!r}", field="label")
        return labels


@router.get(
    "",
    operation_id="list_tasks",
    summary="Find tasks",
    response_description="Newest first, or the last to end first.",
)
async def list_tasks(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ)],
    query: Annotated[TaskQuery, Query()],
) -> TaskPage:
    """Tasks that match all filters, newest first, a page at a time.

    With `finished_after` or `finished_before` the last to end is the first.
    """
    wanted = query.wanted(caller)
    below = decode_place(query.cursor, wanted)
    payloads = query.payloads and caller.payloads
    tasks = await system_of(request).store.find(wanted, limit=query.limit + 1, below=below, payloads=payloads)
    page = tasks[: query.limit]
    documents = Documents(request, caller)
    return TaskPage(
        items=[documents.task(task, payloads=payloads) for task in page],
        next_cursor=encode_place(wanted.place(page[-1])) if len(tasks) > len(page) else None,
    )


@router.get(
    "/{task_id}",
    operation_id="get_task",
    summary="Look at a task",
)
async def get_task(
    request: Request,
    caller: Annotated[Caller, needs(Scope.TASKS_READ)],
    task_id: str,
) -> TaskDetail:
    """One task with its attempts, its deliveries and, while it waits, why.

    Payloads are there if the key has `payloads:read`.
    """
    system = system_of(request)
    task = await visible_task(system, caller, task_id, payloads=True)
    attempts = await system.store.attempts(task.id)
    waiting = await system.limiting.why(task) if task.status in WAITS else None
    deliveries = await system.store.deliveries_of(task.id, MOST_DELIVERIES)
    return Documents(request, caller).detail(task, attempts, waiting, deliveries)


@router.get("/{task_id}/waits", operation_id="list_task_waits", summary="See what a task waited for")
async def list_task_waits(
    request: Request, caller: Annotated[Caller, needs(Scope.TASKS_READ)], task_id: str
) -> WaitsDocument:
    """What a task waited for, piece by piece: each limit that held all tasks of its type, its key, its turn, a pause
    after a failure, a person. It tells of the past; what holds a task now is in `waiting` of the task.

    It is known to the second. What held tasks is kept for 30 days, and of one task the first 2,000 changes are told.
    """
    system = system_of(request)
    task, now = await visible_task(system, caller, task_id), system.clock.now()
    attempts = with_current(task, await system.store.attempts(task.id))
    stretches = await system.store.stretches(task.type, task.created_at, task.finished_at or now, MOST_STRETCHES)
    return WaitsDocument.of(waits(task, attempts, stretches, await system.limiting.in_line(task), now))
