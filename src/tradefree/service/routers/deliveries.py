"""/deliveries: what was told, to whom, and how it went; and the secret of tasks' own callbacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs, visible_task
from tradefree.service.context import system_of
from tradefree.service.cursor import decode_place, encode_place
from tradefree.service.models.callbacks import DeliveryDocument, DeliveryPage, RotateRequest, SecretDocument
from tradefree.service.models.tasks import MAX_PAGE, PAGE
from tradefree.service.routers.tasks import Statuses
from tradefree.tasks.callbacks.delivery import CALLBACK, SUBSCRIPTION_LABEL, TASK_LABEL
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.types import NAME_PATTERN

router = APIRouter(prefix="/deliveries", tags=["callbacks"], route_class=StrictRoute)
secret_router = APIRouter(prefix="/callback-secret", tags=["callbacks"], route_class=StrictRoute)


class DeliveryQuery(BaseModel):
    """The parameters of a search; everything given must hold."""

    model_config = ConfigDict(extra="forbid")

    task: str | None = Field(None, max_length=36, description="Only those that tell of this task.")
    subscription: str | None = Field(None, pattern=NAME_PATTERN, description="Only those for this subscription.")
    status: Statuses = Field(default_factory=list, description="Repeat it or separate by commas.")
    limit: int = Field(PAGE, ge=1, le=MAX_PAGE)
    cursor: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(
        None, max_length=200, description="`next_cursor` of the page before."
    )

    @property
    def labels(self) -> dict[str, str]:
        given = {TASK_LABEL: self.task, SUBSCRIPTION_LABEL: self.subscription}
        return {name: value for name, value in given.items() if value is not None}


@router.get(
    "",
    operation_id="list_deliveries",
    summary="Find deliveries",
    response_description="Newest first.",
    responses={404: {"description": "There is no such task, or it is not visible to this key."}},
)
async def list_deliveries(
    request: Request, caller: Annotated[Caller, needs(Scope.TASKS_READ)], query: Annotated[DeliveryQuery, Query()]
) -> DeliveryPage:
    """Deliveries of callbacks, newest first, a page at a time. A key for some task types must name the `task`."""
    system = system_of(request)
    if query.task is not None:
        await visible_task(system, caller, query.task)
    else:
        caller.require_type(CALLBACK)
    wanted = TaskFilter(
        statuses=tuple(query.status),
        types=(CALLBACK,),
        labels=query.labels,
        submitted_by=(caller.id or "") if caller.own_only else None,
    )
    below = decode_place(query.cursor, wanted)
    found = await system.store.find(wanted, limit=query.limit + 1, below=below)
    page = found[: query.limit]
    return DeliveryPage(
        items=[DeliveryDocument.of(task) for task in page],
        next_cursor=encode_place(wanted.place(page[-1])) if len(found) > len(page) else None,
    )


@secret_router.get("", operation_id="get_callback_secret", summary="Read the secret of tasks' own callbacks")
async def get_callback_secret(request: Request, _: Annotated[Caller, needs(Scope.ADMIN)]) -> SecretDocument:
    """The secret that signs what is sent to a task's `callback_url`: one for the whole installation."""
    return SecretDocument.of(await system_of(request).subscriptions.installation())


@secret_router.post("", operation_id="rotate_callback_secret", summary="Rotate the secret of tasks' own callbacks")
async def rotate_callback_secret(
    request: Request, caller: Annotated[Caller, needs(Scope.ADMIN)], body: RotateRequest | None = None
) -> SecretDocument:
    """Makes a new secret. Until `keep` is over there are two signatures, one with each secret."""
    keep = timedelta(seconds=(body or RotateRequest()).keep)
    return SecretDocument.of(await system_of(request).subscriptions.rotate_installation(by=caller.name, keep=keep))
