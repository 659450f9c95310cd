"""GET /stats: how many tasks there are, and how much room."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from tradefree.access.scopes import Scope
from tradefree.errors import Forbidden
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import Caller, needs
from tradefree.service.context import System, system_of
from tradefree.service.models.system import Stats, WorkerStats
from tradefree.tasks.states import Status
from tradefree.tasks.task import GONE, WorkerStatus

router = APIRouter(prefix="/stats", tags=["system"], route_class=StrictRoute)


@router.get("", operation_id="get_stats", summary="Count tasks and places")
async def get_stats(request: Request, caller: Annotated[Caller, needs(Scope.TASKS_READ)]) -> Stats:
    """Tasks by status and type, of the types that the key is for; and what the live workers can take."""
    if caller.own_only:
        raise Forbidden("this key sees only its own tasks; there are no statistics of those")
    system = system_of(request)
    counts = {name: count for name, count in (await system.store.counts()).items() if caller.may_touch(name)}
    by_status = {status.value: sum(count.get(status, 0) for count in counts.values()) for status in Status}
    return Stats(
        by_status=by_status,
        by_type={
            name: {status.value: number for status, number in count.items() if number} for name, count in counts.items()
        },
        total=sum(by_status.values()),
        workers=await _workers(system),
        leads=system.dispatcher.epoch is not None,
    )


async def _workers(system: System) -> WorkerStats:
    now = system.clock.now()
    live = [
        (worker, tasks)
        for worker, tasks in await system.store.all_workers()
        if worker.status not in GONE and worker.lease_until > now
    ]
    return WorkerStats(
        live=len(live),
        capacity=sum(worker.capacity for worker, _ in live if worker.status is WorkerStatus.LIVE),
        in_flight=sum(tasks for _, tasks in live),
    )
