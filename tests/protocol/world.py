"""A world in which the real domain code runs, and in which everything that can go wrong may go wrong.

Workers are modelled: they claim, beat, perform, freeze, die. The upstream is modelled: a run it was asked for goes on
whatever becomes of the worker. Submitter, dispatchers, admission, recovery, control and transitions are the real ones.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stores.acts import save_state
from stores.engines import AnyStore, Engine
from tradefree.errors import Conflict, InvalidInput, LeadershipLost
from tradefree.ids import new_id
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.control import Control
from tradefree.tasks.dispatch import Dispatcher
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, HandBack, LetGo, NothingStarted, Outcome, Report
from tradefree.tasks.ports import DISPATCH, TaskFilter
from tradefree.tasks.questions import Action, Question
from tradefree.tasks.recover import LEASE, Recovery, rules_of
from tradefree.tasks.states import ON_WORKER, Status
from tradefree.tasks.submit import NewTask, Submitter
from tradefree.tasks.task import Attempt, AttemptOutcome, Task, Worker, has_key
from tradefree.tasks.transitions import SUSPECT_AFTER, Change, Rules, finish
from tradefree.tasks.types import TaskType
from tradefree.testing.clock import FrozenClock
from tradefree.testing.doubles import RecordingDoorbell, RecordingSignals

MARGIN = 3.0
"""Seconds before its lease ends at which a worker stops by itself."""
BEAT = 2.0
CAPACITY = 3
RESUMABLE = frozenset({"agent"})
FORM = Question("Well?", actions=(Action("approve"),))
TYPES: dict[str, dict[str, Any]] = {
    "plain": {"runner": "plain", "concurrency": {"max_running": 3, "max_running_per_key": 1}},
    "agent": {"runner": "agent", "concurrency": {"max_running": 2}, "retry": {"max_attempts": 3, "initial": 5}},
    "slow": {"runner": "plain", "queue": "slow", "max_deferral": 30, "retry": {"max_attempts": 2, "backoff": "fixed"}},
}
QUEUES = ("default", "slow")

Finish = Callable[[Task, Report, Rules, datetime, float], Change | None]


@dataclass
class Run:
    """What the upstream does for a task; it goes on whatever becomes of the worker."""

    task_id: str
    type: str
    going_on: bool = True
    given_up: bool = False
    """Its task has ended without it: nobody counts on it any more."""


@dataclass
class Performance:
    """A task in a worker's hands."""

    task: Task
    run: Run | None = None
    began_run: bool = False
    """This attempt asked for the run; else it looks after one that it found."""
    handed_in: bool = False


@dataclass
class Process:
    """A worker process and its present incarnation."""

    name: str
    id: str = ""
    lease_ends: float = 0.0
    """On its own clock."""
    crashed: bool = False
    frozen: bool = False
    draining: bool = False
    offered: list[str] = field(default_factory=list)
    hands: dict[str, Performance] = field(default_factory=dict)

    @property
    def acts(self) -> bool:
        return not self.crashed and not self.frozen


class World:
    """Everything, moved by hand. ``check`` says whether all is as it must be."""

    def __init__(self, engine: Engine, *, finish: Finish = finish) -> None:
        self._engine = engine
        self._stack = AsyncExitStack()
        self._finish = finish
        self.clock = FrozenClock()
        self.signals = RecordingSignals()
        self.doorbell = RecordingDoorbell()
        self.processes: list[Process] = []
        self.in_flight: list[tuple[Process, Report]] = []
        """Reports that were sent and have not arrived."""
        self.runs: list[Run] = []
        self.accepted: dict[str, NewTask] = {}
        self.keys: dict[str, tuple[NewTask, str]] = {}
        self.claims: dict[tuple[str, int], str] = {}
        self.revived: set[str] = set()
        self.beats: dict[str, datetime] = {}
        """When each incarnation last reached the database."""
        self.left: set[str] = set()
        """Incarnations that ended themselves."""
        self.signs: set[tuple[str, int]] = set()
        """Attempts whose runner gave a sign of life."""
        self.before: dict[str, Task] = {}
        self.caps: Counter[str] = Counter()
        self.held_before: Counter[str] = Counter()

    async def open(self) -> None:
        self.store: AnyStore = await self._stack.enter_async_context(self._engine(self.clock))
        self.catalog = Catalog(self.store, self.clock)
        self.submitter = Submitter(self.store, self.catalog, self.signals, self.clock)
        self.control = Control(self.store, self.store, self.catalog, self.signals, self.clock)
        self.dispatchers = [self._dispatcher(name) for name in ("a", "b")]
        for name in TYPES:
            await self.define(name)
        await self.start_worker()

    async def close(self) -> None:
        await self._stack.aclose()

    def _dispatcher(self, name: str) -> Dispatcher:
        recovery = Recovery(self.store, self.catalog, self.doorbell, self.signals, self.clock, RESUMABLE)
        return Dispatcher(name, self.store, self.catalog, self.doorbell, self.signals, recovery, self.clock)

    # ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def define(self, name: str, max_running: int | None = None) -> None:
        """Define a type, with another cap if given."""
        task_type = TaskType.model_validate({"name": name, **TYPES[name]})
        if max_running is not None:
            limits = task_type.concurrency.model_copy(update={"max_running": max_running})
            task_type = task_type.model_copy(update={"concurrency": limits})
        await self.store.put_task_type(task_type)
        self.catalog.forget()
        if task_type.concurrency.max_running is not None:
            self.caps[name] = task_type.concurrency.max_running

    async def submit(self, new: NewTask, key: str | None = None) -> None:
        accepted = await self.submitter.submit(new, key=key)
        assert accepted.replayed == (key in self.keys), "replayed without reason, or not replayed"
        if key is not None:
            assert self.keys.setdefault(key, (new, accepted.task.id))[1] == accepted.task.id, "the key has two tasks"
        self.accepted[accepted.task.id] = new

    async def submit_again(self, key: str) -> None:
        await self.submit(self.keys[key][0], key)

    async def cancel(self, task_id: str) -> None:
        try:
            await self.control.cancel(task_id, "ann")
        except Conflict:
            return

    @property
    def waiting(self) -> list[str]:
        """Tasks that wait for a person, as last seen."""
        return [task.id for task in self.before.values() if task.status is Status.AWAITING_INPUT]

    async def answer(self, task_id: str, action: str = "approve") -> None:
        try:
            await self.control.answer(task_id, action, {})
            assert action == "approve", "an answer was taken that the form does not have"
        except InvalidInput:
            assert action != "approve"
        except Conflict:
            pass

    async def answer_all(self) -> None:
        self.before = await self.tasks()
        for task_id in self.waiting:
            await self.answer(task_id)

    async def retry(self, task_id: str) -> None:
        try:
            await self.control.retry(task_id, "ann")
        except Conflict:
            return
        self.revived.add(task_id)

    # ── dispatchers ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def turn(self, dispatcher: Dispatcher, *, hears: bool = True) -> None:
        """What a dispatcher does again and again; ``hears``: the wake-ups have reached it."""
        if hears:
            for message in self.signals.on(DISPATCH):
                dispatcher._admission.hear(message["lanes"])
        try:
            if dispatcher.epoch is None and not await dispatcher._lead():
                return
            await dispatcher.round()
            await dispatcher._recover()
        except LeadershipLost:
            dispatcher._stand_down()
        for _ in range(3):
            await asyncio.sleep(0)  # the rings go out

    async def resign(self, dispatcher: Dispatcher) -> None:
        await self.store.resign(dispatcher.holder)

    def hear_ring(self, number: int) -> None:
        """A ring arrives, perhaps late, perhaps again."""
        if not self.doorbell.rings:
            return
        address, ids = self.doorbell.rings[number % len(self.doorbell.rings)]
        for process in self.processes:
            if process.name == address and process.acts:
                process.offered += ids

    # ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def well(self, process: Process) -> bool:
        """True while the process acts and believes in its lease."""
        return process.acts and self.clock.monotonic() < process.lease_ends - MARGIN

    async def start_worker(self) -> Process:
        process = Process(f"queue.{len(self.processes)}")
        self.processes.append(process)
        await self._enlist(process)
        return process

    async def _enlist(self, process: Process) -> None:
        process.id = new_id()
        process.draining = False
        now = self.clock.now()
        worker = Worker(process.id, process.name, process.name, QUEUES, CAPACITY, "1", now, now)
        process.lease_ends = self.clock.monotonic() + LEASE
        await self.store.enlist(worker, LEASE)
        self.beats[process.id] = now

    async def beat(self, process: Process) -> None:
        if not process.acts:
            return
        began = self.clock.monotonic()
        if not self.well(process):
            await self._fenced(process)
            return
        beat = await self.store.beat(process.id, LEASE, draining=process.draining)
        if not beat.alive:
            await self._fenced(process)
            return
        process.lease_ends = began + LEASE
        self.beats[process.id] = self.clock.now()
        process.offered += beat.queued
        for task_id in beat.cancels:
            if task_id in process.hands:
                process.hands[task_id].task.cancel_requested_at = self.clock.now()

    async def _fenced(self, process: Process) -> None:
        """Drop everything without a word, begin anew."""
        process.hands.clear()
        process.offered.clear()
        await self._enlist(process)

    async def claim(self, process: Process, *, twice: bool = False) -> None:
        """Claim what was offered; ``twice``: the answer was lost, so the same unit is sent again."""
        free = CAPACITY - len(process.hands)
        ids = list(dict.fromkeys(id_ for id_ in process.offered if id_ not in process.hands))[:free]
        process.offered = [id_ for id_ in process.offered if id_ not in ids]
        if not self.well(process) or process.draining or not ids:
            return
        token = new_id()
        tasks = await self.store.claim(process.id, ids, token)
        if twice:
            again = await self.store.claim(process.id, ids, token)
            assert sorted(t.id for t in again) == sorted(t.id for t in tasks), "a repeated claim is another claim"
        for task in tasks:
            number = (task.id, task.attempt_count)
            assert number not in self.claims, "an attempt was given out twice"
            self.claims[number] = process.id
            process.hands[task.id] = self._begin(task)

    def _begin(self, task: Task) -> Performance:
        if task.type != "agent" or task.cancel_requested_at:
            return Performance(task)
        mine = [run for run in self.runs if run.task_id == task.id and run.going_on and not run.given_up]
        if task.runner_state is not None and mine:
            return Performance(task, mine[-1])
        run = Run(task.id, task.type)
        self.runs.append(run)
        return Performance(task, run, began_run=True)

    async def save(self, process: Process, performance: Performance) -> None:
        """The runner's first sign of life."""
        task = performance.task
        if not self.well(process) or performance.run is None or performance.handed_in:
            return
        state = {"run": 1, "saved_by": task.attempt_count}
        if await save_state(self.store, task.id, task.attempt_count, process.id, state):
            self.signs.add((task.id, task.attempt_count))
        else:
            del process.hands[task.id]

    def send(self, process: Process, performance: Performance, wish: str) -> None:
        """The attempt ends as wished, or as is possible; its report is on its way."""
        if performance.handed_in or not self.well(process):
            return
        outcome = self._outcome(performance, wish)
        performance.handed_in = True
        task = performance.task
        self.in_flight.append((process, Report(task.id, task.attempt_count, process.id, outcome)))

    def _outcome(self, performance: Performance, wish: str) -> Outcome:
        task, run = performance.task, performance.run
        if wish == "hand back":
            return HandBack()
        if task.cancel_requested_at and wish in ("completed", "let go unseen"):
            seen = wish == "completed"
            if run is not None and seen:
                run.going_on = False
            return LetGo(confirmed=seen)
        if wish == "busy" and (run is None or performance.began_run):
            if run is not None:
                self.runs.remove(run)
            return NothingStarted("full")
        if wish in ("unresolved", "busy") and run is not None:
            return DidNotWork("lost", "Lost.", retryable=True, unresolved=True)
        if run is not None:
            run.going_on = False
        if wish == "asked":
            return Asked(FORM)  # paused, a run needs no place
        if wish in ("failed", "refused"):
            return DidNotWork("x", "No.", retryable=wish == "failed")
        return Completed({"attempt": task.attempt_count})

    async def arrive(self, number: int, *, twice: bool = False, luck: float = 0.5) -> None:
        """A report reaches the database, whatever has become of who sent it."""
        if not self.in_flight:
            return
        process, report = self.in_flight.pop(number % len(self.in_flight))
        types = await self.catalog.types()
        now = self.clock.now()

        def decide(task: Task) -> Change | None:
            return self._finish(task, report, rules_of(types.get(task.type), RESUMABLE), now, luck)

        for _ in range(2 if twice else 1):
            await self.store.decide([report.task_id], decide)
        performance = process.hands.get(report.task_id)
        if performance is not None and performance.task.attempt_count == report.attempt and performance.handed_in:
            del process.hands[report.task_id]

    def crash(self, process: Process) -> None:
        process.crashed = True
        process.hands.clear()
        process.offered.clear()

    async def drain(self, process: Process) -> None:
        """A warm shutdown: hand everything back and leave."""
        if not self.well(process):
            return
        process.draining = True
        await self.beat(process)
        for performance in list(process.hands.values()):
            self.send(process, performance, "hand back")
        while any(sender is process for sender, _ in self.in_flight):
            await self.arrive([sender is process for sender, _ in self.in_flight].index(True))
        await self.store.leave(process.id)
        self.left.add(process.id)
        self.crash(process)

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def tick(self, seconds: float, *, leader: Dispatcher | None = None) -> None:
        """Time passes; who acts beats, and the leader, if given, makes its rounds."""
        left = seconds
        while left > 0:
            self.clock.advance(min(BEAT, left))
            left -= BEAT
            for process in self.processes:
                await self.beat(process)
            if leader is not None:
                await self.turn(leader)

    async def blackout(self, seconds: float) -> None:
        """Time passes and nobody reaches the database."""
        self.clock.advance(seconds)
        for process in self.processes:
            if process.acts and not self.well(process):
                process.hands.clear()  # it has stopped by itself meanwhile

    # ── judgement ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def tasks(self) -> dict[str, Task]:
        return {task.id: task for task in await self.store.find(TaskFilter(), limit=100_000, payloads=True)}

    async def check(self) -> None:
        """All that must hold at any moment."""
        tasks = await self.tasks()
        assert tasks.keys() == self.accepted.keys(), "accepted and stored are not the same"
        for task in tasks.values():
            makes_sense(task)
            self._follows(task)
            await self._is_told(task)
            await self._is_blamed(task)
        self._performed_by_one(tasks)
        self._on_workers(tasks)
        self._within_limits(tasks)
        await self._counted(tasks)
        self.before = tasks
        self.revived.clear()

    def _follows(self, task: Task) -> None:
        before = self.before.get(task.id)
        if before is None:
            return
        assert task.attempt_count >= before.attempt_count, "an attempt was taken back"
        if before.terminal and task.id not in self.revived:
            same = (task.status, task.output_data, task.error_code, task.finished_at)
            assert same == (before.status, before.output_data, before.error_code, before.finished_at), "ended twice"
        if task.status is Status.COMPLETED:
            assert task.output_data == {"attempt": task.attempt_count}, "the result of another attempt"

    async def _is_told(self, task: Task) -> None:
        attempts = await self.store.attempts(task.id)
        assert [attempt.number for attempt in attempts] == list(range(1, _ended(task) + 1)), (
            "attempts are missing or doubled"
        )
        for attempt in attempts:
            assert attempt.worker_id == self.claims[task.id, attempt.number], "another worker's attempt"
        events = [line.event for line in await self.store.logs(task.id, limit=10_000)]
        assert events[0] == "task.accepted"
        assert events.count("task.accepted") == 1
        assert events.count("attempt.started") == task.attempt_count

    async def _is_blamed(self, task: Task) -> None:
        """Every death that it may have caused is held against a task, and no other."""
        before = self.before.get(task.id)
        if before is None or task.id in self.revived:
            return
        lost = [
            attempt
            for attempt in await self.store.attempts(task.id)
            if attempt.outcome is AttemptOutcome.LOST and attempt.number > _ended(before)
        ]
        assert task.crashes == before.crashes + sum(map(self._may_have_killed, lost)), "blamed wrongly, or not at all"

    def _may_have_killed(self, attempt: Attempt) -> bool:
        assert attempt.worker_id is not None
        assert attempt.started_at is not None
        if attempt.worker_id in self.left or (attempt.task_id, attempt.number) in self.signs:
            return False
        return self.beats[attempt.worker_id] - attempt.started_at < timedelta(seconds=30)

    def _performed_by_one(self, tasks: dict[str, Task]) -> None:
        performing = Counter(
            task_id
            for process in self.processes
            if self.well(process)
            for task_id, performance in process.hands.items()
            if not performance.handed_in
        )
        assert not [task_id for task_id, number in performing.items() if number > 1], "two perform one task"
        for run in self.runs:
            run.given_up = run.given_up or tasks[run.task_id].terminal
        runs = Counter(run.task_id for run in self._counted_on())
        assert not [task_id for task_id, number in runs.items() if number > 1], "two runs for one task"

    def _counted_on(self) -> Iterator[Run]:
        return (run for run in self.runs if run.going_on and not run.given_up)

    def _on_workers(self, tasks: dict[str, Task]) -> None:
        on_workers = [task for task in tasks.values() if task.status in ON_WORKER]
        numbers = Counter(task.worker_id for task in on_workers)
        assert max(numbers.values(), default=0) <= CAPACITY, "more than a worker can take"
        for task in on_workers:
            if task.crashes >= SUSPECT_AFTER:
                assert numbers[task.worker_id] == 1, "a suspect is not alone"

    def _within_limits(self, tasks: dict[str, Task]) -> None:
        """In flight never rises above the cap. (A cap that is lowered stops new tasks, not those that run.)"""
        held = Counter[str]()
        for task in tasks.values():
            if task.holds_slot:
                held[task.type] += 1
                held[task.lane] += 1
        for scope, number in held.items():
            cap = self.caps.get(scope, 1 if scope.startswith("plain/") and has_key(scope) else None)
            assert cap is None or number <= max(cap, self.held_before[scope]), f"{scope} is over its cap of {cap}"
        self.held_before = held
        for type_, number in Counter(run.type for run in self._counted_on()).items():
            assert number <= held[type_], "the upstream does more than is counted"

    async def _counted(self, tasks: dict[str, Task]) -> None:
        counts = {
            (type_, status): number
            for type_, of_type in (await self.store.counts()).items()
            for status, number in of_type.items()
            if number
        }
        assert counts == Counter((task.type, task.status) for task in tasks.values()), "the totals are wrong"

    async def becomes_kind(self) -> None:
        """The troubles end: everything must, too."""
        for process in self.processes:
            self.crash(process)
        self.in_flight.clear()
        for name in TYPES:
            await self.define(name)
        for _ in range(2):
            await self.start_worker()
        leader = self.dispatchers[0]
        for _ in range(400):
            await self.tick(BEAT, leader=leader)
            await self.answer_all()
            for process in self.processes:
                await self.claim(process)
                for performance in list(process.hands.values()):
                    self.send(process, performance, "completed")
            while self.in_flight:
                await self.arrive(0)
            if all(task.terminal for task in (await self.tasks()).values()):
                break
            self.signals.published.clear()
        await self.check()
        left = [task for task in (await self.tasks()).values() if not task.terminal]
        assert not left, f"these never ended: {left}"


def _ended(task: Task) -> int:
    """The number of its attempts that have ended."""
    return task.attempt_count - (task.status is Status.PROCESSING)


def makes_sense(task: Task) -> None:
    assert (task.status is Status.AWAITING_INPUT) <= (task.question is not None and not task.holds_slot)
    assert not (task.terminal and task.question), "an ended task asks"
    if task.status in ON_WORKER:
        assert task.holds_slot
        assert task.worker_id is not None
    else:
        assert task.worker_id is None
    if task.terminal:
        assert not task.holds_slot
        assert task.finished_at is not None
        assert task.runner_state is None
    elif task.holds_slot and task.status not in ON_WORKER:
        assert task.runner_state, "holds a place for a run that nobody will look for"
