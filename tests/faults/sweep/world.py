"""The database that every unit begins with: a bit of everything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from faults.sweep.system import System
from stores.acts import TTL, Acts, a_task, a_worker
from tradefree.tasks.outcome import Completed, DidNotWork, Outcome, Report
from tradefree.tasks.ports import Submission
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules, cancel, finish, lose
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.clock import FrozenClock

LEADER = "leader"
RESUMABLE = Rules(resumable=True)

PERFORMED = ("r-1", "r-2", "r-3", "r-4", "r-asked")
"""Tasks that worker ``w1`` performs; somebody wants the last one cancelled."""
QUEUED = ("q-1", "q-2", "q-3")
"""Tasks that are admitted to ``w1``."""
ORPHANS = ("o-queued", "o-plain", "o-poison")
"""Tasks that a dead worker has left behind."""

TYPES: dict[str, dict[str, Any]] = {
    "echo": {"runner": "echo", "concurrency": {"max_running": 30, "max_running_per_key": 1}},
    "agent": {"runner": "agent", "connection": "dify"},
}


def report(task_id: str, outcome: Outcome, **values: Any) -> Report:
    """What ``w1`` hands in for its first attempt."""
    return Report(task_id, 1, "w1", outcome, **values)


async def furnish(system: System) -> None:
    """Fill an empty database."""
    acts = Acts(system.store, cast(FrozenClock, system.clock))  # whose time nobody moves here
    now = system.clock.now()
    await system.store.put_connection(Connection(name="dify", base_url="https://dify.example/v1", api_key="app-1"))
    for name, values in TYPES.items():
        await system.store.put_task_type(TaskType.model_validate({"name": name, **values}))
    await _workers(acts, now)
    waiting = [_waiting(now, id_, **values) for id_, values in _WAITING.items()]
    await system.store.submit(
        [Submission(task, f"key of {task.id}", f"hash of {task.id}") for task in waiting[:2]]
        + [Submission(task) for task in waiting[2:]]
    )
    await _work(acts)
    for worker_id in ("dead", "forgotten"):
        await system.store.bury(worker_id, at_once=True)
    await system.store.lead(LEADER, TTL)


async def _workers(acts: Acts, now: datetime) -> None:
    for worker_id in ("w1", "w2", "dead", "late"):
        await acts.store.enlist(a_worker(now, worker_id), 15.0)
    await acts.store.enlist(a_worker(now, "late"), -1.0)
    await acts.store.enlist(a_worker(now - timedelta(days=3), "forgotten"), -3 * 86400.0)


_WAITING: dict[str, dict[str, Any]] = {
    "p-1": {"labels": {"shop": "Köln", "kind": "a"}, "submitted_by": "me"},
    "p-2": {"concurrency_key": "customer 1"},
    "p-3": {"concurrency_key": "customer 1", "priority": 5},
    "p-expired": {"expires_at": timedelta(seconds=-1)},
    "s-due": {"status": Status.SCHEDULED, "run_at": timedelta(seconds=-2), "expires_at": timedelta(hours=1)},
    "s-later": {"status": Status.SCHEDULED, "run_at": timedelta(hours=1)},
}


def _waiting(now: datetime, task_id: str, **values: Any) -> Task:
    for name in ("run_at", "expires_at"):
        if name in values:
            values[name] = now + values[name]
    return a_task(now, id=task_id, input_data={"of": task_id}, **values)


async def _work(acts: Acts) -> None:
    """Tasks that have been admitted, claimed, ended."""
    store, now = acts.store, acts.clock.now()
    ended = ("c-1", "f-1", "k-1")
    mine = [acts.task(id=id_, labels={"shop": "x"}) for id_ in (*PERFORMED, *QUEUED, *ended)]
    poison = acts.task(id="o-poison", crashes=2)
    left = [acts.task(id="o-queued"), acts.task(id="o-plain"), poison]
    held = acts.task("agent", id="u-held")
    await acts.submit(*mine, *left, held)
    await acts.admit(*mine)
    await acts.admit(*left, held, to="dead")
    await acts.claim(*[task for task in mine if task.id not in QUEUED], token="earlier")
    await acts.claim(*left[1:], held, by="dead", token="earlier")
    ends: dict[str, Outcome] = {
        "c-1": Completed({"n": 1}),
        "f-1": DidNotWork("x", "No.", retryable=False),
        "k-1": DidNotWork("x", "No.", retryable=True),
    }

    def end(task: Task) -> Change | None:
        return finish(task, report(task.id, ends[task.id]), Rules(), now, 0.5)

    await store.decide(["k-1", "r-asked"], lambda task: cancel(task, now, "ann"))
    await store.decide(list(ends), end)
    await store.decide(["u-held"], lambda task: lose(task, RESUMABLE, now))
