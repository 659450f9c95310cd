"""The random walk through the world: Hypothesis chooses what happens next and, if it went wrong, the shortest way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from protocol.world import TYPES, Performance, Process, World
from stores.engines import ENGINES, Engine
from tradefree.tasks.submit import NewTask
from tradefree.tasks.transitions import finish

T = TypeVar("T")

some = st.integers(0, 1000)
"""Which of those there are."""
types = st.sampled_from(sorted(TYPES))
wishes = st.sampled_from(
    [
        *("completed", "failed", "failed", "refused", "busy", "unresolved", "unresolved"),
        *("let go unseen", "hand back", "asked"),
    ]
)
new_tasks = st.builds(
    NewTask,
    types,
    concurrency_key=st.sampled_from([None, "k", "K"]),
    priority=st.sampled_from([0, 0, -100, 100]),
    delay=st.sampled_from([None, None, 5.0, 60.0]),
    expires_in=st.sampled_from([None, None, 70.0, 300.0]),
    max_attempts=st.sampled_from([None, None, 1]),
)


class Machine(RuleBasedStateMachine):
    """One world, and an event loop for it. Subclasses choose the store, or sabotage the rules."""

    engine: Engine = staticmethod(ENGINES["memory"])
    finish = staticmethod(finish)

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.broken = False
        self.world = World(self.engine, finish=self.finish)
        self.runner.run(self.world.open())

    def do(self, action: Coroutine[Any, Any, T] | None = None) -> None:
        """Take an action, then see whether all is well."""

        async def act() -> None:
            if action is not None:
                await action
            await self.world.check()

        try:
            self.runner.run(act())
        except BaseException:
            self.broken = True
            raise

    def teardown(self) -> None:
        try:
            if not self.broken:
                self.runner.run(self.world.becomes_kind())
        finally:
            self.runner.run(self.world.close())
            self.runner.close()

    def process(self, number: int) -> Process:
        return self.world.processes[number % len(self.world.processes)]

    def performance(self, number: int) -> tuple[Process, Performance] | None:
        held = [(process, held) for process in self.world.processes for held in process.hands.values()]
        return held[number % len(held)] if held else None

    # ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @initialize(news=st.lists(new_tasks, min_size=2, max_size=8))
    def begin(self, news: list[NewTask]) -> None:
        for new in news:
            self.do(self.world.submit(new))
        self.work_goes_on(0, [])

    @rule(news=st.lists(new_tasks, min_size=1, max_size=3))
    def submit(self, news: list[NewTask]) -> None:
        for new in news:
            self.do(self.world.submit(new))

    @rule(new=new_tasks, number=some)
    def submit_with_a_key(self, new: NewTask, number: int) -> None:
        key = f"key {number % 3}"
        if key in self.world.keys:
            self.do(self.world.submit_again(key))
        else:
            self.do(self.world.submit(new, key))

    @rule(number=some, wish=st.sampled_from(["cancel", "cancel", "retry"]))
    def somebody_asks(self, number: int, wish: str) -> None:
        task_id = list(self.world.accepted)[number % len(self.world.accepted)]
        self.do(self.world.cancel(task_id) if wish == "cancel" else self.world.retry(task_id))

    @rule(number=some, action=st.sampled_from(["approve", "no action of the form"]))
    def somebody_answers(self, number: int, action: str) -> None:
        if self.world.waiting:
            self.do(self.world.answer(self.world.waiting[number % len(self.world.waiting)], action))

    @rule(number=some, wish=wishes)
    def somebody_cancels_what_runs(self, number: int, wish: str) -> None:
        if held := self.performance(number):
            process, performance = held
            self.do(self.world.cancel(performance.task.id))
            self.do(self.world.beat(process))
            self.world.send(process, performance, wish)
            self.do()

    @rule(type_=st.sampled_from(["plain", "agent"]), cap=st.integers(1, 4))
    def a_cap_changes(self, type_: str, cap: int) -> None:
        self.do(self.world.define(type_, cap))

    # ── the usual ───────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(number=some, ends=st.lists(wishes, max_size=6))
    def work_goes_on(self, number: int, ends: list[str]) -> None:
        """Some attempts end and are written; then a round, and every worker beats and claims."""
        for wish in ends:
            if held := self.performance(number):
                self.world.send(*held, wish)
                self.do(self.world.arrive(-1))
        self.do(self.world.turn(self.world.dispatchers[number % 2]))
        for process in self.world.processes:
            self.do(self.world.beat(process))
            self.do(self.world.claim(process))

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0]), number=some, ends=st.lists(wishes, max_size=6))
    def work_goes_on_later(self, seconds: float, number: int, ends: list[str]) -> None:
        self.do(self.world.tick(seconds, leader=self.world.dispatchers[number % 2]))
        self.work_goes_on(number, ends)

    # ── the same in small, unusual steps ────────────────────────────────────────────────────────────────────────────

    @rule(number=some, hears=st.booleans())
    def a_dispatcher_turns(self, number: int, hears: bool) -> None:
        self.do(self.world.turn(self.world.dispatchers[number % 2], hears=hears))

    @rule(number=some)
    def a_dispatcher_resigns(self, number: int) -> None:
        self.do(self.world.resign(self.world.dispatchers[number % 2]))

    @rule(number=some, twice=st.booleans())
    def a_ring_arrives(self, number: int, twice: bool) -> None:
        self.world.hear_ring(number)
        for process in self.world.processes:
            self.do(self.world.claim(process, twice=twice))

    @rule(number=some)
    def a_worker_beats(self, number: int) -> None:
        self.do(self.world.beat(self.process(number)))

    @rule(number=some)
    def a_run_gives_a_sign_of_life(self, number: int) -> None:
        if held := self.performance(number):
            self.do(self.world.save(*held))

    @rule(number=some, wish=wishes)
    def an_attempt_ends(self, number: int, wish: str) -> None:
        if held := self.performance(number):
            self.world.send(*held, wish)
            self.do()

    @rule(number=some, twice=st.booleans(), luck=st.floats(0, 0.99))
    def a_report_arrives(self, number: int, twice: bool, luck: float) -> None:
        self.do(self.world.arrive(number, twice=twice, luck=luck))

    # ── trouble ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: sum(process.acts for process in self.world.processes) < 3)
    @rule(number=some)
    def a_worker_starts_or_thaws(self, number: int) -> None:
        process = self.process(number)
        if process.frozen and not process.crashed:
            process.frozen = False
        else:
            self.do(self.world.start_worker())

    @precondition(lambda self: any(process.hands for process in self.world.processes))
    @rule(number=some, kind=st.sampled_from(["crashes", "freezes", "freezes", "leaves"]))
    def a_worker_fails(self, number: int, kind: str) -> None:
        busy = [process for process in self.world.processes if process.hands]
        process = busy[number % len(busy)]
        match kind:
            case "crashes":
                self.world.crash(process)
            case "freezes":
                process.frozen = True
            case "leaves":
                self.do(self.world.drain(process))

    @precondition(lambda self: any(process.hands for process in self.world.processes))
    @rule(number=some, last_words=st.lists(wishes, max_size=3))
    def everybody_dies_and_somebody_begins_anew(self, number: int, last_words: list[str]) -> None:
        """Reports they sent before may arrive at any time after: one does at once."""
        for wish in last_words:
            if held := self.performance(number):
                self.world.send(*held, wish)
        for process in self.world.processes:
            self.world.crash(process)
        self.do(self.world.start_worker())
        self.do(self.world.tick(38.0, leader=self.world.dispatchers[number % 2]))
        self.work_goes_on(number, [])
        self.do(self.world.arrive(number))

    @rule(seconds=st.sampled_from([16.0, 34.0]), number=some)
    def time_passes(self, seconds: float, number: int) -> None:
        self.do(self.world.tick(seconds, leader=[None, *self.world.dispatchers][number % 3]))

    @rule(seconds=st.sampled_from([1.0, 4.0, 13.0, 60.0]))
    def nobody_reaches_the_database(self, seconds: float) -> None:
        self.do(self.world.blackout(seconds))
