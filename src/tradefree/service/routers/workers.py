"""GET /workers: who performs tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from tradefree.access.scopes import Scope
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.models.system import WorkerDocument, WorkerList

router = APIRouter(prefix="/workers", tags=["system"], route_class=StrictRoute)


@router.get("", operation_id="list_workers", summary="List the workers")
async def list_workers(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
) -> WorkerList:
    """Every worker process known, those that left or died lately included, and how many tasks each has."""
    workers = await system_of(request).store.all_workers()
    return WorkerList(items=[WorkerDocument.of(worker, tasks) for worker, tasks in workers])
