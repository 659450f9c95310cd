"""How many tasks there are and how much room, as one caller may see it."""

from __future__ import annotations

from tradefree.errors import Forbidden
from tradefree.service.callers import Caller
from tradefree.service.context import System
from tradefree.service.models.system import QueueStats, Stats, WorkerStats
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.states import Status
from tradefree.tasks.task import GONE, WorkerStatus


async def statistics(system: System, caller: Caller) -> Stats:
    """Tasks by status and type, of the types that the caller may see. Forbidden for one who sees only its own."""
    may_count(caller)
    counts = {name: count for name, count in (await system.store.counts()).items() if counts_for(name, caller)}
    by_status = {status.value: sum(count.get(status, 0) for count in counts.values()) for status in Status}
    return Stats(
        by_status=by_status,
        by_type={
            name: {status.value: number for status, number in count.items() if number} for name, count in counts.items()
        },
        total=sum(by_status.values()),
        queues=await _queues(system, caller),
        workers=await _workers(system),
        leads=system.dispatcher.epoch is not None,
    )


def may_count(caller: Caller) -> None:
    """Raise Forbidden for a caller that sees only its own tasks."""
    if caller.own_only:
        raise Forbidden("this key sees only its own tasks; there are no statistics of those", code="own_tasks")


def counts_for(name: str, caller: Caller) -> bool:
    """True if tasks of the type are counted for the caller."""
    return name != CALLBACK and caller.may_touch(name)


async def _queues(system: System, caller: Caller) -> list[QueueStats]:
    """The queues of the types that the key is for."""
    standing = await system.store.standing()
    waiting: dict[str, int] = {}
    for name, task_type in (await system.catalog.types()).items():
        if counts_for(name, caller):
            waiting[task_type.queue] = waiting.get(task_type.queue, 0) + standing.waiting.get(name, 0)
    serving = {queue: [w for w in standing.workers if queue in w.queues] for queue in waiting}
    return [
        QueueStats(
            name=queue,
            waiting=waiting[queue],
            workers=len(serving[queue]),
            capacity=sum(worker.capacity for worker in serving[queue]),
        )
        for queue in sorted(waiting)
    ]


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
