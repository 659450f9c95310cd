"""Whatever happens in whatever order: no task is lost, none is performed twice at once, every limit holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from protocol.machine import Machine
from protocol.world import Finish, World
from stores.engines import ENGINES
from tradefree.limits.room import NO_CAP
from tradefree.tasks import transitions
from tradefree.tasks.outcome import Report
from tradefree.tasks.recover import Recovery
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules, finish

STEPS = settings(
    stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False
)


def test_in_memory() -> None:
    run_state_machine_as_test(Machine, settings=settings(STEPS, max_examples=150))


def test_on_sqlite() -> None:
    class OnSqlite(Machine):
        engine = staticmethod(ENGINES["sqlite"])

    run_state_machine_as_test(OnSqlite, settings=settings(STEPS, max_examples=8, stateful_step_count=25))


# ── negative controls: the same checks must find what is wrong ──────────────────────────────────────────────────────


def without_the_fence(task: Task, report: Report, rules: Rules, now: datetime, luck: float) -> Change | None:
    """What ``finish`` would be if it asked nobody whose the task is."""
    if task.status is not Status.PROCESSING:
        return None
    forged = replace(report, attempt=task.attempt_count, worker_id=task.worker_id or "")
    return finish(task, forged, rules, now, luck)


async def a_report_that_comes_too_late(finish: Finish) -> None:
    """A worker hands in a result and freezes; its task is given to another; then the first result arrives."""
    world = World(ENGINES["memory"], finish=finish)
    await world.open()
    leader, first = world.dispatchers[0], world.processes[0]
    await world.submit(NewTask("plain"))
    await world.turn(leader)
    await world.beat(first)
    await world.claim(first)
    (performance,) = first.hands.values()
    world.send(first, performance, "completed")
    first.frozen = True
    second = await world.start_worker()
    await world.tick(34, leader=leader)
    await world.claim(second)
    (again,) = second.hands.values()
    assert again.task.attempt_count == 2
    await world.check()
    await world.arrive(0)
    await world.check()
    await world.becomes_kind()
    await world.close()


def test_a_report_that_comes_too_late_changes_nothing() -> None:
    asyncio.run(a_report_that_comes_too_late(finish))


def test_without_the_fence_it_would() -> None:
    with pytest.raises(AssertionError, match="the result of another attempt"):
        asyncio.run(a_report_that_comes_too_late(without_the_fence))


def haste(patch: pytest.MonkeyPatch) -> None:
    async def run(recovery: Recovery) -> int:
        for worker in await recovery._store.lapsed(everyone=True):
            await recovery._store.bury(worker.id, at_once=True)
        return await recovery.rescue(await recovery._store.orphans(100, 30.0))

    patch.setattr(Recovery, "run", run)


def no_limits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tradefree.tasks.book.Book.cap", lambda self, scope: NO_CAP)


def no_capacity(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tradefree.limits.places.Seat.free", property(lambda seat: 100))


def no_suspicion(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tradefree.tasks.admit.SUSPECT_AFTER", 99)


def no_looking_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "_to_be_looked_up", lambda task, rules: {"holds_slot": False, "runner_state": None})


def a_place_for_nothing(patch: pytest.MonkeyPatch) -> None:
    """A run that may go on and was never named is not looked for."""
    patch.setattr(
        transitions, "_to_be_looked_up", lambda task, rules: {"holds_slot": True, "runner_state": task.runner_state}
    )


def a_way_back(patch: pytest.MonkeyPatch) -> None:
    """A hand-back takes its attempt back."""
    original = transitions.hand_back

    def hand_back(task: Task, rules: Rules, now: datetime) -> Change:
        change = original(task, rules, now)
        return replace(change, values={**change.values, "attempt_count": task.attempt_count - 1})

    patch.setattr(transitions, "hand_back", hand_back)


def cancelling_twice(patch: pytest.MonkeyPatch) -> None:
    """A cancel does not care whether the task has ended."""
    original = transitions.cancel

    def cancel(task: Task, now: datetime, by: str | None = None) -> Change | None:
        if not task.terminal:
            return original(task, now, by)
        change = transitions.cancel_now(replace(task, status=Status.PENDING), now, by=by)
        return replace(change, before=task)

    patch.setattr("tradefree.tasks.control.cancel", cancel)


def blame_for_all(patch: pytest.MonkeyPatch) -> None:
    """Whoever was there when a worker went is blamed."""
    patch.setattr(transitions, "_may_have_killed", lambda task, last_beat: True)


def blame_for_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transitions, "_may_have_killed", lambda task, last_beat: False)


SABOTAGE: list[Callable[[pytest.MonkeyPatch], Any]] = [
    haste,
    no_limits,
    no_capacity,
    no_suspicion,
    no_looking_up,
    a_place_for_nothing,
    a_way_back,
    cancelling_twice,
    blame_for_all,
    blame_for_nobody,
]
FINDS = settings(STEPS, max_examples=400, derandomize=True, database=None, phases=[Phase.generate])


@pytest.mark.parametrize("sabotage", SABOTAGE, ids=lambda sabotage: sabotage.__name__)
def test_the_checks_find_sabotage(
    sabotage: Callable[[pytest.MonkeyPatch], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=FINDS)


def test_the_checks_find_a_missing_fence() -> None:
    class Fenceless(Machine):
        finish = staticmethod(without_the_fence)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Fenceless, settings=FINDS)
