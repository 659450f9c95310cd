"""Everything ends: when all processes have died at once, others bring every task to its end."""

from __future__ import annotations

from datetime import datetime

from faults.sweep.system import System
from stores.acts import LEASE, a_worker
from tradefree.ids import new_id
from tradefree.tasks.dispatch import Dispatcher
from tradefree.tasks.outcome import Completed, Report
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.recover import Recovery
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules, finish

AGAIN = 8
"""Rounds that are enough: of a lane with a limit one task ends after the other."""


async def everything_ends(system: System) -> None:
    """Raise AssertionError, naming what does not. What waits for a time to come may wait on: no time passes here."""
    for holder in ("leader", "other"):
        await system.store.resign(holder)  # their time runs out
    catalog = system.catalog()
    recovery = Recovery(system.store, catalog, system.doorbell, system.signals, system.clock, frozenset({"agent"}))
    await recovery.bury_all()
    await system.store.enlist(a_worker(system.clock.now(), "heir", capacity=100), LEASE)
    dispatcher = Dispatcher("heir", system.store, catalog, system.doorbell, system.signals, recovery, system.clock)
    assert await dispatcher._lead()
    for _ in range(AGAIN):
        dispatcher._rescan_at = 0.0
        await dispatcher.round()
        tasks = await system.store.claim("heir", (await system.store.beat("heir", LEASE)).queued, new_id())
        await _complete(system, tasks)
        if not (stuck := await _due(system)):
            return
    raise AssertionError(f"these never end: {stuck}")


async def _due(system: System) -> list[Task]:
    """Tasks that wait for nothing but us."""
    now = system.clock.now()
    left = [task for task in await system.store.find(TaskFilter(), limit=1000) if task.live]
    return [task for task in left if not _waits(task, now)]


def _waits(task: Task, now: datetime) -> bool:
    """For a time to come, or for a person."""
    if task.status is Status.AWAITING_INPUT:
        return task.answer_by is None or task.answer_by > now
    return task.status is Status.SCHEDULED and task.run_at > now


async def _complete(system: System, tasks: list[Task]) -> None:
    now = system.clock.now()
    reports = {task.id: Report(task.id, task.attempt_count, "heir", Completed(1)) for task in tasks}

    def decide(task: Task) -> Change | None:
        return finish(task, reports[task.id], Rules(), now, 0.5)

    await system.store.decide(list(reports), decide)
