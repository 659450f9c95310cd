"""/workers: who performs tasks, and letting one of them end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from tradefree.access.scopes import Scope
from tradefree.errors import Conflict, NotFound
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import system_of
from tradefree.service.cursor import is_id
from tradefree.service.models.system import WorkerDocument, WorkerList
from tradefree.service.trail import entry
from tradefree.tasks.ports import WORKERS
from tradefree.tasks.task import GONE

router = APIRouter(prefix="/workers", tags=["system"], route_class=StrictRoute)


@router.get("", operation_id="list_workers", summary="List the workers")
async def list_workers(
    request: Request,
    _: Annotated[Caller, needs(Scope.DEFINITIONS_READ)],
) -> WorkerList:
    """Every worker process known, those that left or died lately included, and how many tasks each has."""
    workers = await system_of(request).store.all_workers()
    return WorkerList(items=[WorkerDocument.of(worker, tasks) for worker, tasks in workers])


@router.post(
    "/{worker_id}/drain",
    operation_id="drain_worker",
    summary="Let a worker finish and end",
    status_code=202,
    response_description="It gets no more tasks.",
    responses={409: {"description": "It has ended already, or lives in the service itself."}},
)
async def drain_worker(
    request: Request, caller: Annotated[Caller, needs(Scope.DEFINITIONS_WRITE)], worker_id: str
) -> WorkerDocument:
    """The worker gets no more tasks from now on, does what it has to the end, however long that takes, and then ends
    as by SIGTERM. Whatever started it may start another: `--processes` does.
    """
    system = system_of(request)
    if not is_id(worker_id):
        raise NotFound(f"no worker {worker_id[:80]!r}")
    if system.settings.embedded:
        raise Conflict(
            "this worker is a part of the service's own process and ends with it; pause a queue instead",
            code="worker_embedded",
        )
    drained = entry(system, caller, "worker.drain", f"worker:{worker_id}")
    worker = await system.store.drain_worker(worker_id, drained)
    if worker is None:
        raise NotFound(f"no worker {worker_id!r}")
    if worker.status in GONE:
        raise Conflict(f"the worker is {worker.status} already", code="worker_gone")
    system.signals.publish(WORKERS, {"ids": [worker_id]})
    tasks = {known.id: number for known, number in await system.store.all_workers()}
    return WorkerDocument.of(worker, tasks.get(worker_id, 0))
