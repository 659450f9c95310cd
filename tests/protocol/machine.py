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
    ["completed", "completed", "failed", "refused", "busy", "unresolved", "let go", "let go unseen", "hand back"]
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

    @initialize(news=st.lists(new_tasks, min_size=1, max_size=6))
    def begin(self, news: list[NewTask]) -> None:
        for new in news:
            self.do(self.world.submit(new))

    @rule(new=new_tasks)
    def submit(self, new: NewTask) -> None:
        self.do(self.world.submit(new))

    @rule(new=new_tasks, number=some)
    def submit_with_a_key(self, new: NewTask, number: int) -> None:
        key = f"key {number % 3}"
        if key in self.world.keys:
            self.do(self.world.submit_again(key))
        else:
            self.do(self.world.submit(new, key))

    @rule(number=some)
    def cancel(self, number: int) -> None:
        ids = list(self.world.accepted)
        self.do(self.world.cancel(ids[number % len(ids)]))

    @rule(number=some)
    def retry(self, number: int) -> None:
        ids = list(self.world.accepted)
        self.do(self.world.retry(ids[number % len(ids)]))

    @rule(type_=st.sampled_from(["plain", "agent"]), cap=st.integers(1, 4))
    def change_a_cap(self, type_: str, cap: int) -> None:
        self.do(self.world.define(type_, cap))

    # ── dispatchers ─────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(number=some, hears=st.booleans())
    def turn(self, number: int, hears: bool) -> None:
        self.do(self.world.turn(self.world.dispatchers[number % 2], hears=hears))

    @rule(number=some)
    def resign(self, number: int) -> None:
        self.do(self.world.resign(self.world.dispatchers[number % 2]))

    # ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(number=some)
    def ring_arrives(self, number: int) -> None:
        self.world.hear_ring(number)

    @rule(number=some, twice=st.booleans())
    def claim(self, number: int, twice: bool) -> None:
        self.do(self.world.claim(self.process(number), twice=twice))

    @rule(number=some)
    def beat(self, number: int) -> None:
        self.do(self.world.beat(self.process(number)))

    @rule(number=some)
    def work_goes_on(self, number: int) -> None:
        """The usual: a round, a beat, a claim."""
        self.do(self.world.turn(self.world.dispatchers[number % 2]))
        for process in self.world.processes:
            self.do(self.world.beat(process))
            self.do(self.world.claim(process))

    @rule(number=some)
    def sign_of_life(self, number: int) -> None:
        if held := self.performance(number):
            self.do(self.world.save(*held))

    @rule(number=some, wish=wishes)
    def attempt_ends(self, number: int, wish: str) -> None:
        if held := self.performance(number):
            self.world.send(*held, wish)
            self.do()

    @rule(number=some, twice=st.booleans(), luck=st.floats(0, 0.99))
    def report_arrives(self, number: int, twice: bool, luck: float) -> None:
        self.do(self.world.arrive(number, twice=twice, luck=luck))

    @precondition(lambda self: len(self.world.processes) < 6)
    @rule()
    def worker_starts(self) -> None:
        self.do(self.world.start_worker())

    @rule(number=some)
    def worker_crashes(self, number: int) -> None:
        self.world.crash(self.process(number))

    @rule(number=some)
    def worker_freezes(self, number: int) -> None:
        self.process(number).frozen = True

    @rule(number=some)
    def worker_thaws(self, number: int) -> None:
        self.process(number).frozen = False

    @rule(number=some)
    def worker_leaves(self, number: int) -> None:
        self.do(self.world.drain(self.process(number)))

    # ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(seconds=st.sampled_from([0.5, 2.0, 6.0, 16.0, 34.0]), number=some)
    def time_passes(self, seconds: float, number: int) -> None:
        self.do(self.world.tick(seconds, leader=[None, *self.world.dispatchers][number % 3]))

    @rule(seconds=st.sampled_from([1.0, 4.0, 13.0, 60.0]))
    def nobody_reaches_the_database(self, seconds: float) -> None:
        self.do(self.world.blackout(seconds))
