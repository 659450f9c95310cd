"""Units that are wrong on purpose: the sweeps must find them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from faults.sweep.system import System
from faults.sweep.unit import Unit
from faults.sweep.units import lines, new
from faults.sweep.world import QUEUED, report
from tradefree.database.rows import task_row
from tradefree.database.tables import tasks
from tradefree.ids import new_id
from tradefree.tasks.outcome import Completed
from tradefree.tasks.states import Status
from tradefree.tasks.submit import accepted_line
from tradefree.tasks.transitions import Rules, finish


async def submit_in_halves(system: System) -> None:
    """The task, and in another transaction the first line of its log."""
    task = new(system, "n-1").task

    async def unit(connection: Any) -> None:
        await connection.execute(sa.insert(tasks), task_row(task))

    await system.database.write(unit)
    await system.store.append_logs([accepted_line(task)])


async def claim_anew(system: System) -> list[str]:
    """Each try with a token of its own: what an earlier one got is nobody's."""
    return [task.id for task in await system.store.claim("w1", QUEUED, new_id())]


async def append_twice(system: System) -> None:
    """A repeat that does not ask what is there."""
    await system.store.append_logs(lines(system))


async def finish_unfenced(system: System) -> None:
    """Whatever the task is by now, it is made to fit."""
    now = system.clock.now()

    def decide(task: Any) -> Any:
        fits = replace(task, status=Status.PROCESSING, attempt_count=1, worker_id="w1")
        change = finish(fits, report(task.id, Completed(1)), Rules(), now, 0.5)
        return change and replace(change, before=task)

    await system.store.decide(["r-1"], decide)


WRONG = {
    "has no log": Unit("submit in halves", submit_in_halves, commits=None),
    "2 transactions": Unit("submit in halves as one unit", submit_in_halves),
    "another answer to the repeat": Unit("claim anew", claim_anew),
    "task_logs is not as it should be": Unit("append twice", append_twice),
    "UNIQUE constraint failed: attempts": Unit("finish unfenced", finish_unfenced),
}
"""What is said of each."""
