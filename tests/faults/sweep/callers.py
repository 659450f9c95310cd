"""The callers of the stores, with what they do when the database does not answer: each of their units is atomic."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from faults.sweep.system import System
from faults.sweep.unit import Unit
from faults.sweep.units import claimed
from faults.sweep.world import LEADER, PERFORMED, QUEUED, report
from tradefree.errors import Conflict
from tradefree.runners.echo import EchoRunner
from tradefree.tasks.control import Control
from tradefree.tasks.dispatch import Dispatcher
from tradefree.tasks.outcome import Completed, DidNotWork, HandBack, Report
from tradefree.tasks.ports import Accepted, TaskFilter
from tradefree.tasks.recover import Recovery
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask, Submitter
from tradefree.tasks.types import TaskType
from tradefree.worker.flusher import LogFlusher
from tradefree.worker.performance import Performance
from tradefree.worker.runtime import Runtime
from tradefree.worker.writer import Writer, _Item

# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def submitter(system: System) -> Submitter:
    return Submitter(system.store, system.catalog(), system.signals, system.clock)


async def post(system: System) -> None:
    """A client that repeats its request with the same idempotency key."""
    new = NewTask("echo", {"n": 1}, "customer 2", labels={"shop": "x"}, delay=60.0)
    await submitter(system).submit(new, key="order 1", submitted_by="me")


async def post_many(system: System) -> list[bool]:
    news = [(NewTask("echo", {"n": n}), f"order {n}") for n in range(3)]
    outcomes = await submitter(system).submit_many([*news, (NewTask("nothing"), None)])
    return [isinstance(outcome, Accepted) for outcome in outcomes]


def control(system: System) -> Control:
    return Control(system.store, system.store, system.catalog(), system.signals, system.clock)


async def cancel(system: System) -> Status:
    return (await control(system).cancel("p-1", "ann")).status


async def retry(system: System) -> None:
    with contextlib.suppress(Conflict):  # a repeat is told that it is live
        await control(system).retry("f-1", "ann", {"n": 2})


async def retry_all(system: System) -> None:
    await control(system).act("retry", TaskFilter(statuses=(Status.FAILED, Status.CANCELLED)), "ann")


# ── the leader ──────────────────────────────────────────────────────────────────────────────────────────────────────


def recovery(system: System) -> Recovery:
    return Recovery(system.store, system.catalog(), system.doorbell, system.signals, system.clock, frozenset({"agent"}))


async def turn(system: System) -> None:
    """What a dispatcher does again and again: lead, admit, wake, expire, recover. When it fails, it begins anew."""
    dispatcher = Dispatcher(
        LEADER, system.store, system.catalog(), system.doorbell, system.signals, recovery(system), system.clock
    )
    if await dispatcher._lead():
        await dispatcher.round()
        await dispatcher._recover()
    await asyncio.sleep(0)  # the rings go out


async def recover(system: System) -> None:
    """The leader's care for the dead: tasks are moved, old workers forgotten."""
    await recovery(system).run()


async def bury_all(system: System) -> None:
    """What an embedded system does when it starts: nobody else can be alive."""
    await recovery(system).bury_all()


# ── the worker ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def hand_in(system: System) -> None:
    """A busy worker's results: the writer insists until they are written."""
    writer = Writer(
        system.store,
        system.catalog(),
        system.signals,
        system.clock,
        resumable=frozenset(),
        max_output_bytes=1000,
        well=lambda: True,
    )
    ends: list[Report] = [
        report(PERFORMED[0], Completed({"n": 1})),
        report(PERFORMED[1], DidNotWork("x", "No.", retryable=False)),
        report(PERFORMED[2], HandBack()),
        report(PERFORMED[3], Completed("x" * 2000)),
    ]
    tasks = [claimed(system, end.task_id) for end in ends]
    await writer._write([_Item(task, *writer._weigh(end)) for task, end in zip(tasks, ends, strict=True)])


async def perform(system: System) -> None:
    """A worker's way with a task: claim, perform, hand in. It insists; repeated, it finds nothing to do."""
    runtime = Runtime(
        store=system.store,
        catalog=system.catalog(),
        runners={"echo": EchoRunner()},
        signals=system.signals,
        clock=system.clock,
        name="w1",
        address="queue.w1",
        queues=("default",),
        capacity=10,
        max_output_bytes=1000,
        version="1",
    )
    runtime.id, runtime._lease_ends = "w1", float("inf")
    await runtime._claim([QUEUED[0]])
    await asyncio.gather(*runtime._coroutines())


async def tell(system: System) -> None:
    """The lines of running attempts. What was not written, or may not have been, is written at the next turn."""
    performances = [_performance(system, task_id) for task_id in PERFORMED[:2]]
    flusher = LogFlusher(system.store, system.signals, lambda: performances)
    for performance in performances:
        performance.log("info", "one", n=1)
        performance.log("warning", "two")
    for _ in range(2):
        await flusher._flush()


def _performance(system: System, task_id: str) -> Performance:
    async def save(performance: Performance, state: dict[str, Any]) -> None:
        raise AssertionError("nobody saves")

    task = claimed(system, task_id)
    task_type = TaskType(name="echo", runner="echo")
    return Performance(task, task_type, None, EchoRunner(), save=save, signals=system.signals, clock=system.clock)


NEW_EPOCH = ("leaders.epoch",)

CALLERS = [
    Unit("client submits", post, commits=None, same_answer=False),
    Unit("client submits many", post_many, commits=None),
    Unit("person cancels", cancel, commits=None),
    Unit("person retries", retry, commits=None),
    Unit("person retries all", retry_all, commits=None),
    Unit("dispatcher turns", turn, recover, commits=None, but=NEW_EPOCH),
    Unit("leader recovers", recover, commits=None),
    Unit("embedded system starts", bury_all, commits=None),
    Unit("worker hands in", hand_in, commits=None, insists=True),
    Unit("worker performs", perform, commits=None, insists=True),
    Unit("worker logs", tell, commits=None, insists=True),
]
