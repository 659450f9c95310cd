"""What held tasks, and when: the leader's stretches, and the waits that are told from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.limited import Limited
from tradefree.errors import StorageUnavailable
from tradefree.limits.caps import Mode
from tradefree.tasks.holding import GOES_ON, KEPT, Holding
from tradefree.tasks.leisure import Leisure
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, AttemptOutcome, Task
from tradefree.tasks.waits import LATER, PERSON, TURN, Cause, Stretch, waits
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

FULL, RATE = Cause("full", "type:echo"), Cause("rate", "everything")
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


# ── stretches ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Leader:
    """A leader whose rounds find what a test says, looked at second by second."""

    def __init__(self, store: MemoryStore | None = None, clock: FrozenClock | None = None) -> None:
        self.clock = clock or FrozenClock(START)
        self.store = store or MemoryStore(self.clock)
        self.held: Mapping[str, Cause] | None = {}
        self.holding = Holding(self.store, self.clock, lambda: self.held, Leisure(self.clock, lambda: True, pause=0))

    async def see(self, cause: Cause | None, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.held = {} if cause is None else {"echo": cause}
            await self.holding.look()
            self.clock.advance(1)

    async def kept(self) -> list[tuple[int, int, Cause]]:
        """From which second to which what held."""
        stretches = await self.store.stretches("echo", START, START + timedelta(days=90), 100)
        return [(_second(one.began_at), _second(one.ended_at), one.cause) for one in stretches]


def _second(moment: datetime) -> int:
    return round((moment - START).total_seconds())


async def test_what_holds_is_kept_from_the_first_look_to_the_last() -> None:
    leader = Leader()
    await leader.see(None, 3)
    await leader.see(FULL, 10)
    await leader.see(RATE, 5)
    await leader.see(None, 3)
    assert await leader.kept() == [(3, 12, FULL), (13, 17, RATE)]


async def test_what_is_seen_once_is_no_stretch_and_ends_none() -> None:
    leader = Leader()
    await leader.see(RATE)
    await leader.see(FULL, 4)
    await leader.see(RATE)
    await leader.see(FULL, 4)
    await leader.see(None, 3)
    assert await leader.kept() == [(1, 9, FULL)]


async def test_a_stretch_that_goes_on_is_known_before_it_ends() -> None:
    leader = Leader()
    await leader.see(FULL, 2)
    assert await leader.kept() == [(0, 1, FULL)]
    await leader.see(FULL, 28)
    ((_, end, _),) = await leader.kept()
    assert end >= 25


async def test_the_next_leader_goes_on_with_it() -> None:
    first = Leader()
    await first.see(FULL, 10)
    first.held = None
    await first.holding.look()
    second = Leader(first.store, first.clock)
    await second.see(FULL, 10)
    await second.see(None, 3)
    assert await second.kept() == [(0, 19, FULL)]


async def test_a_time_without_leader_is_nobodys() -> None:
    first = Leader()
    await first.see(FULL, 10)
    first.clock.advance(GOES_ON.total_seconds() + 1)
    began = _second(first.clock.now())
    second = Leader(first.store, first.clock)
    await second.see(FULL, 10)
    (before, after) = await second.kept()
    assert before[1] <= 10
    assert after[0] == began


async def test_nothing_is_lost_while_the_database_is_away() -> None:
    leader = Leader()
    await leader.see(FULL, 3)
    await leader.see(None)
    leader.store.away = True
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            await leader.see(None)
        leader.clock.advance(1)
    leader.store.away = False
    await leader.see(None, 2)
    assert await leader.kept() == [(0, 2, FULL)]


async def test_what_is_old_is_deleted() -> None:
    leader = Leader()
    await leader.see(FULL, 3)
    await leader.see(None, 3)
    leader.clock.advance(KEPT.total_seconds() - 60)
    await leader.holding.forget()
    assert await leader.kept() == [(0, 2, FULL)]
    leader.clock.advance(120)
    await leader.holding.forget()
    assert await leader.kept() == []


# ── what a round finds ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("full", "everything"),
        ("full", "type:echo"),
        ("rate", "type:echo"),
        ("paused", "type:echo"),
        ("draining", "queue:default"),
        ("workers_full", "queue:default"),
        ("no_worker", "queue:default"),
    ],
)
async def test_a_round_says_what_holds_a_type_as_the_answer_to_why_does(kind: str, scope: str) -> None:
    system = Limited()
    values: dict[str, Any] = {}
    if (kind, scope) == ("full", "type:echo"):
        values = {"concurrency": {"max_running": 3}}
    if kind == "rate":
        values = {"rate": "3/h"}
    await system.define(**values)
    if scope == "everything":
        await system.limit("everything", max_running=3)
    if kind in ("paused", "draining"):
        await system.limiting.set_mode(scope, Mode(kind), lasts=None, reason="", by="ann")
    if kind != "no_worker":
        await system.worker("w1", 4 if kind == "workers_full" else 100)
    last = (await system.many(9))[-1]
    await system.admitted()
    assert system.dispatcher.held == {"echo": Cause(kind, scope)}
    assert await system.why(last) == [(kind, scope)]


async def test_a_round_with_room_holds_nothing_and_a_key_holds_no_type() -> None:
    system = Limited()
    await system.define(concurrency={"max_running_per_key": 1})
    await system.worker("w1", 100)
    task, *_ = await system.many(3, concurrency_key="C-7")
    await system.admitted()
    assert system.dispatcher.held == {}
    assert await system.limiting.in_line(task) == Cause("key", "lane:echo/C-7")
    assert await system.limiting.in_line(await system.submit()) == TURN


async def test_a_type_that_nobody_knows_any_more_is_named_until_it_is_known() -> None:
    system = Limited()
    await system.define()
    await system.worker("w1", 100)
    await system.submit()
    del system.store._tables.task_types["echo"]
    system.store._tables.config_version += 1
    system.catalog.forget()
    await system.admitted()
    assert system.dispatcher.held == {"echo": Cause("undefined", "type:echo")}
    await system.define()
    await system.admitted()
    assert system.dispatcher.held == {}


async def test_who_does_not_lead_knows_nothing() -> None:
    system = Limited()
    await system.define()
    await system.submit()
    await system.admitted()
    assert system.dispatcher.held
    system.dispatcher._stand_down()
    assert system.dispatcher.held is None


# ── waits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def a_task(status: Status = Status.COMPLETED, **values: Any) -> Task:
    fields: dict[str, Any] = {
        "id": "t",
        "type": "echo",
        "status": status,
        "created_at": START,
        "updated_at": START,
        "run_at": START,
        "sort_at": 0,
        "lane": "echo",
        "input_data": {},
    }
    return Task(**(fields | values))


def an_attempt(number: int, began: float, ended: float | None, outcome: AttemptOutcome | None) -> Attempt:
    return Attempt("t", number, "w1", at(began), None if ended is None else at(ended), outcome)


def stretch(began: float, ended: float, cause: Cause = FULL) -> Stretch:
    return Stretch("echo", at(began), at(ended), cause)


def told(task: Task, *attempts: Attempt, stretches: tuple[Stretch, ...] = (), now: float = 100) -> list[Any]:
    found = waits(task, attempts, stretches, TURN, at(now))
    return [(_second(wait.began_at), _second(wait.ended_at), wait.cause) for wait in found]


DONE = an_attempt(1, 10, 20, AttemptOutcome.COMPLETED)


def test_a_wait_that_nothing_held_was_for_its_turn() -> None:
    assert told(a_task(), DONE) == [(0, 10, TURN)]


def test_a_wait_is_split_by_what_held_the_type_meanwhile() -> None:
    stretches = (stretch(-50, 2), stretch(4, 6, RATE), stretch(6, 9), stretch(15, 18), stretch(30, 40))
    assert told(a_task(), DONE, stretches=stretches) == [
        (0, 2, FULL),
        (2, 4, TURN),
        (4, 6, RATE),
        (6, 9, FULL),
        (9, 10, TURN),
    ]


def test_no_moment_counts_twice_where_two_leaders_saw_it() -> None:
    stretches = (stretch(0, 6), stretch(4, 9, RATE))
    assert told(a_task(), DONE, stretches=stretches) == [(0, 6, FULL), (6, 9, RATE), (9, 10, TURN)]


def test_a_start_that_was_set_for_later() -> None:
    assert told(a_task(run_at=at(6)), DONE, stretches=(stretch(3, 8),)) == [(0, 6, LATER), (6, 8, FULL), (8, 10, TURN)]
    assert told(a_task(Status.SCHEDULED, run_at=at(500)), now=7) == [(0, 7, LATER)]


def test_pauses_after_failures() -> None:
    failed = an_attempt(1, 1, 2, AttemptOutcome.FAILED)
    again = an_attempt(2, 12, 13, AttemptOutcome.FAILED)
    last = an_attempt(3, 40, None, None)
    task = a_task(Status.PROCESSING, run_at=at(33))
    assert told(task, failed, again, last, stretches=(stretch(0, 100),)) == [
        (0, 1, FULL),
        (2, 12, LATER),
        (13, 33, LATER),
        (33, 40, FULL),
    ]


def test_a_person_who_was_asked() -> None:
    asked = an_attempt(1, 1, 2, AttemptOutcome.ASKED)
    assert told(a_task(Status.AWAITING_INPUT), asked, now=9) == [(0, 1, TURN), (2, 9, PERSON)]
    answered = an_attempt(2, 30, 31, AttemptOutcome.COMPLETED)
    assert told(a_task(), asked, answered, stretches=(stretch(0, 50),)) == [(0, 1, FULL), (2, 30, PERSON)]


def test_a_wait_that_goes_on_ends_now() -> None:
    assert told(a_task(Status.PENDING), stretches=(stretch(0, 4),), now=6) == [(0, 4, FULL), (4, 6, TURN)]
    lost = an_attempt(1, 1, 2, AttemptOutcome.LOST)
    assert told(a_task(Status.PENDING), lost, now=6) == [(0, 1, TURN), (2, 6, TURN)]


def test_what_a_person_retries_was_not_waiting_while_it_had_ended() -> None:
    again = an_attempt(2, 65, 66, AttemptOutcome.COMPLETED)
    task = a_task(run_at=at(60))
    assert told(task, DONE, again, stretches=(stretch(0, 100),)) == [(0, 10, FULL), (20, 60, LATER), (60, 65, FULL)]
    assert replace(task, status=Status.CANCELLED).terminal
    assert told(a_task(Status.CANCELLED), DONE, now=99) == [(0, 10, TURN)]
