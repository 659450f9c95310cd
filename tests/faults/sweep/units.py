"""The units of the stores, as their callers use them: one transaction each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from faults.sweep.events import EVENTS
from faults.sweep.sources import SOURCES
from faults.sweep.system import System
from faults.sweep.telling import TELLING
from faults.sweep.unit import Unit
from faults.sweep.upkeep import UPKEEP
from faults.sweep.world import LEADER, ORPHANS, PERFORMED, QUEUED, RESUMABLE, report
from stores.acts import LEASE, TTL, a_task, a_worker
from tradefree.access.keys import ApiKey
from tradefree.access.scopes import Scope
from tradefree.errors import NotFound
from tradefree.tasks.admit import Admission
from tradefree.tasks.book import Book
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, HandBack, LetGo, NothingStarted, Outcome, Report
from tradefree.tasks.ports import Accepted, RunState, Submission
from tradefree.tasks.questions import Action, Question
from tradefree.tasks.states import Status
from tradefree.tasks.task import LogLine, Task, Usage
from tradefree.tasks.transitions import Change, Rules, answer, cancel, expire, finish, lose, revive, unqueue
from tradefree.tasks.types import Connection, TaskType

# ── submit ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def new(system: System, id_: str, key: str | None = None, **values: Any) -> Submission:
    return Submission(a_task(system.clock.now(), id=id_, input_data={"n": 1}, **values), key, f"hash of {key}")


async def one(system: System) -> list[Accepted | Exception]:
    """Without a key: its id alone tells that it is the same."""
    return await system.store.submit([new(system, "n-1", labels={"shop": "x", "kind": "b"})])


async def many(system: System) -> list[str]:
    """New ones with keys and without, one replayed, one whose key was used for something else."""
    outcomes = await system.store.submit(
        [
            new(system, "n-1", "key 1", labels={"shop": "x"}),
            new(system, "n-2", run_in=60.0, concurrency_key="k"),
            replace(new(system, "n-3", "key of p-1"), request_hash="another"),
            replace(new(system, "n-4", "key of p-2"), request_hash="hash of p-2"),
            new(system, "n-5", "key 1"),
            new(system, "n-6", labels={"kind": "a"}),
        ]
    )
    return [o.task.id if isinstance(o, Accepted) else type(o).__name__ for o in outcomes]


SUBMIT = [
    Unit("submit one", one),
    Unit("submit one that is there", one, given=one),
    Unit("submit many", many),
]

# ── lead ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def lead(system: System) -> int | None:
    return await system.store.lead(LEADER, TTL)


async def take_over(system: System) -> int | None:
    return await system.store.lead("other", TTL)


async def leader_is_gone(system: System) -> None:
    await system.store.lead(LEADER, -1.0)


async def resign(system: System) -> None:
    await system.store.resign(LEADER)


async def whole_round(system: System, *, ttl: float = TTL) -> list[str]:
    """Wake what is due, find what has expired, admit all that may run, extend the leadership."""
    admission = Admission()
    admission.configure(Book({name: TaskType(name=name, runner="echo") for name in ("echo", "agent")}))
    admission.hear(["echo/", "agent/", a_task(system.clock.now(), concurrency_key="customer 1").lane])
    async with system.store.round(LEADER, await epoch(system), ttl) as round_:
        admitted = await admission.run(round_, system.clock.now())
    return sorted(task_id for ids in admitted.by_worker.values() for task_id in ids)


async def epoch(system: System) -> int:
    """What ``lead`` said in the beginning (there were two rounds before)."""
    return 3


LEAD = [
    Unit("lead on", lead, same_answer=False, but=("leaders.epoch",)),
    Unit("take over", take_over, leader_is_gone, same_answer=False, but=("leaders.epoch",)),
    Unit("find another leading", take_over),
    Unit("resign", resign),
    Unit("round", whole_round, same_answer=False),
    Unit("round that extends", lambda system: whole_round(system, ttl=60.0), same_answer=False),
    Unit("find waiting lanes", lambda system: system.store.waiting_lanes(), commits=0),
]

# ── work ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def enlist(system: System) -> None:
    await system.store.enlist(a_worker(system.clock.now(), "w3"), LEASE)


async def claim(system: System) -> list[Task]:
    """Of what it is said to have, a worker gets what waits for it; not what it has already, or what another has."""
    tasks = await system.store.claim("w1", [*QUEUED, "r-1", "p-1", "o-queued"], "token")
    assert {task.id for task in tasks} == set(QUEUED)
    return sorted(tasks, key=lambda task: task.id)


async def save_states(system: System) -> list[bool]:
    """Of an attempt that the worker still has, and of one that it has not."""
    states = [RunState(task_id, 1, {"run": "abc", "saved_by": 1}) for task_id in ("r-1", "o-plain")]
    return await system.store.save_states("w1", states)


WORK = [
    Unit("enlist", enlist),
    Unit("beat", lambda system: system.store.beat("w1", 30.0, ahead=2)),
    Unit("beat while draining", lambda system: system.store.beat("w1", 30.0, draining=True)),
    Unit("beat of the dead", lambda system: system.store.beat("dead", 30.0)),
    Unit("leave", lambda system: system.store.leave("w1")),
    Unit("claim", claim),
    Unit("save states", save_states),
]

# ── decide ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def deciding(name: str, ids: Sequence[str], move: Callable[[System, Task], Change | None]) -> Unit:
    """A repeat finds what has moved and moves nothing: then the answer is that nothing moved."""

    async def act(system: System) -> list[Change]:
        return await system.store.decide(ids, lambda task: move(system, task))

    return Unit(name, act, same_answer=False)


def ending(name: str, *reports: Report, rules: Rules = Rules()) -> Unit:
    by_id = {r.task_id: r for r in reports}
    return deciding(
        name, sorted(by_id), lambda system, task: finish(task, by_id[task.id], rules, system.clock.now(), 0.5)
    )


def ended(name: str, outcome: Outcome, task_id: str = "r-1", rules: Rules = Rules()) -> Unit:
    return ending(name, report(task_id, outcome), rules=rules)


def lines(system: System, task_id: str = "r-1") -> list[LogLine]:
    return [LogLine(task_id, system.clock.now(), "info", f"line {n}", attempt=1) for n in range(3)]


async def believed(system: System, *ids: str) -> list[Change]:
    """Results handed in with the tasks as they were claimed: written without reading, unless one is another by now."""
    now = system.clock.now()
    tasks = [replace(claimed(system, id_), labels={"shop": "x"}) for id_ in ids]
    ends = {id_: report(id_, Completed({"n": 1}), lines=tuple(lines(system, id_))) for id_ in ids}
    return await system.store.decide(ids, lambda task: finish(task, ends[task.id], Rules(), now, 0.5), believed=tasks)


def claimed(system: System, task_id: str) -> Task:
    """As its worker knows it."""
    now = system.clock.now()
    return a_task(
        now,
        id=task_id,
        status=Status.PROCESSING,
        attempt_count=1,
        worker_id="w1",
        holds_slot=True,
        queued_at=now,
        started_at=now,
    )


async def batch(system: System) -> list[Change]:
    """What a busy worker hands in at once: ends of every kind, with lines."""
    ends: list[Outcome] = [
        Completed({"n": 1}, Usage(total_tokens=7), "A word."),
        DidNotWork("x", "No.", retryable=True),
        NothingStarted("full", 5.0),
        HandBack(),
        LetGo(confirmed=False),
    ]
    reports = {
        id_: report(id_, outcome, lines=tuple(lines(system, id_))) for id_, outcome in zip(PERFORMED, ends, strict=True)
    }
    now = system.clock.now()
    return await system.store.decide(list(reports), lambda task: finish(task, reports[task.id], Rules(), now, 0.5))


def lost(system: System, task: Task, rules: Rules = Rules()) -> Change | None:
    """As the leader's recovery decides."""
    if task.status is Status.QUEUED:
        return unqueue(task, system.clock.now(), "Late.")
    return lose(task, rules, system.clock.now(), task.started_at) if task.status is Status.PROCESSING else None


FORM = Question("Well?", actions=(Action("yes"),), secret={"token": "t"})
NO = DidNotWork("x", "No.", retryable=True)
LOST = DidNotWork("lost", "Lost.", retryable=True, unresolved=True)

SINGLE_ENDS = [
    ended("completed", Completed({"n": 1})),
    ended("failed for good", replace(NO, retryable=False)),
    ended("failed, tried again", NO),
    ended("lost track of, looked up", LOST, rules=RESUMABLE),
    ended("deferred", NothingStarted("full")),
    ended("let go", LetGo(), "r-asked"),
    ended("let go unseen", LetGo(confirmed=False), "r-asked"),
    ended("asked", Asked(FORM), rules=Rules(answer_within=60.0)),
    ended("held", replace(NO, unknown=True), rules=Rules(hold=True)),
    ended("handed back", HandBack()),
    ended("handed back, looked up", HandBack(), rules=RESUMABLE),
    ending("fenced", replace(report("r-1", Completed(1)), worker_id="w2")),
]


async def asked(system: System) -> list[Change]:
    """A task that waits for a person, and whose time is over."""
    sent = report("r-1", Asked(FORM))
    now = system.clock.now()
    return await system.store.decide(["r-1"], lambda task: finish(task, sent, Rules(answer_within=0.0), now, 0.5))


def answered(system: System, task: Task) -> Change | None:
    return answer(task, "yes", {}, system.clock.now(), "ann")


def after_asking(unit: Unit) -> Unit:
    return replace(unit, given=asked)


DECIDE = [
    after_asking(deciding("answered", ["r-1"], answered)),
    after_asking(deciding("not answered", ["r-1"], lambda system, task: expire(task, system.clock.now()))),
    *SINGLE_ENDS,
    Unit("a batch of ends", batch, same_answer=False),
    Unit("believed", lambda system: believed(system, "r-1", "r-2"), same_answer=False),
    Unit("believed wrongly", lambda system: believed(system, "r-1", "c-1"), same_answer=False),
    deciding("lost", ["o-plain"], lambda system, task: lost(system, task)),
    deciding("lost, poison", ["o-poison"], lambda system, task: lost(system, task)),
    deciding("lost, looked up", ["o-plain"], lambda system, task: lost(system, task, RESUMABLE)),
    deciding("unqueued", ["o-queued", "q-1"], lambda system, task: lost(system, task)),
    deciding("expired", ["p-expired", "p-1"], lambda system, task: expire(task, system.clock.now())),
    deciding("cancelled", ["p-1", "q-1", "s-later"], lambda system, task: cancel(task, system.clock.now(), "ann")),
    deciding("asked to cancel", ["r-1", "u-held"], lambda system, task: cancel(task, system.clock.now(), "ann")),
    deciding("tried again", ["c-1", "f-1", "k-1"], lambda system, task: revive(task, system.clock.now(), "ann")),
]

# ── recover ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def forget(system: System) -> int:
    return await system.store.forget_workers(system.clock.now() - timedelta(days=1))


async def orphans(system: System) -> list[str]:
    found = await system.store.orphans(100, 30.0)
    assert sorted(found) == sorted(ORPHANS)
    return found


RECOVER = [
    Unit("bury", lambda system: system.store.bury("late"), same_answer=False),
    Unit("bury at once", lambda system: system.store.bury("w1", at_once=True), same_answer=False),
    Unit("forget workers", forget, same_answer=False),
    Unit("look for orphans", orphans, commits=0),
]

# ── define and keep ─────────────────────────────────────────────────────────────────────────────────────────────────

ADDED = TaskType(name="added", runner="echo")
CHANGED = TaskType(name="echo", runner="python", description="Other.")
DIFY = Connection(name="dify", base_url="https://dify.example/v1", api_key="app-2")


async def add_key(system: System) -> None:
    key = ApiKey("key-1", "ann", "tfk_123456", frozenset({Scope.ADMIN}), system.clock.now())
    await system.store.add_key(key, "hash")


async def add_type(system: System) -> bool:
    return await system.store.put_task_type(ADDED)


async def add_connection(system: System) -> bool:
    return await system.store.put_connection(DIFY.model_copy(update={"name": "other"}))


async def delete_type(system: System) -> None:
    with contextlib.suppress(NotFound):  # a repeat is told that it is not there
        await system.store.delete_task_type("added")


async def delete_connection(system: System) -> None:
    with contextlib.suppress(NotFound):
        await system.store.delete_connection("other")


DEFINE = [
    Unit("define a type", add_type, same_answer=False),
    Unit("change a type", lambda system: system.store.put_task_type(CHANGED), same_answer=False),
    Unit("delete a type", delete_type, add_type),
    Unit("add a connection", add_connection, same_answer=False),
    Unit("change a connection", lambda system: system.store.put_connection(DIFY), same_answer=False),
    Unit("delete a connection", delete_connection, add_connection),
    Unit("add a key", add_key),
    Unit("touch a key", lambda system: system.store.touch_key("key-1", system.clock.now()), add_key),
    Unit("revoke a key", lambda system: system.store.revoke_key("key-1", system.clock.now()), add_key),
]

STORE_UNITS = [*SUBMIT, *LEAD, *WORK, *DECIDE, *RECOVER, *DEFINE, *EVENTS, *SOURCES, *TELLING, *UPKEEP]
WRITES = [unit for unit in STORE_UNITS if unit.commits and unit not in SINGLE_ENDS]
"""Those that write; instead of the ends of single attempts, the batch of them."""


def named(*names: str) -> list[Unit]:
    found = [unit for unit in STORE_UNITS if unit.name in names]
    assert len(found) == len(names)
    return found
