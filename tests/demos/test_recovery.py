"""How the distributed demo measures: from the rows, by what a person would wait for."""

from __future__ import annotations

from dataclasses import replace

from demo_distributed import recovery
from demo_distributed.facts import Facts
from demo_distributed.work import NOTES
from demos.scenes import a_strike, a_task, an_attempt, at, the_facts


def started(*moments: float, late: float = 0.01) -> Facts:
    """One task started at each moment, ``late`` seconds after its admission."""
    tasks = [
        a_task(f"n{n}", NOTES, queued_at=at(moment - late), started_at=at(moment)) for n, moment in enumerate(moments)
    ]
    attempts = {f"n{n}": [an_attempt(f"n{n}", 1, moment, moment + 1, "completed")] for n, moment in enumerate(moments)}
    return Facts({task.id: task for task in tasks}, attempts, [])


def test_a_worker_is_replaced_when_the_last_of_its_tasks_is_in_work_again() -> None:
    assert recovery.of_worker(the_facts(), a_strike()) == recovery.WorkerDeath(1, 20.5)


def test_a_worker_without_tasks_left_nothing() -> None:
    assert recovery.of_worker(the_facts(), a_strike(incarnation="w9")) == recovery.WorkerDeath(0, 0.0)


def test_a_leader_is_replaced_when_starts_go_on() -> None:
    found = recovery.of_leader(started(1.0, 1.5, 1.8, 5.0, 5.1), a_strike("leader"))
    assert found == recovery.LeaderDeath(3.2, 0.5)


def test_pauses_long_after_a_leaders_death_are_not_blamed_on_it() -> None:
    assert recovery.of_leader(started(1.9, 2.1, 40.0), a_strike("leader")).pause == 0.2


def test_redis_is_back_when_no_start_is_late() -> None:
    quick, slow = started(1.0, 4.4), started(3.0, 3.4, late=1.2)
    slow = replace(slow, tasks={f"s{key}": replace(task, id=f"s{key}") for key, task in slow.tasks.items()})
    slow = replace(slow, attempts={f"s{key}": some for key, some in slow.attempts.items()})
    facts = Facts({**quick.tasks, **slow.tasks}, {**quick.attempts, **slow.attempts}, [])
    found = recovery.of_redis(facts, a_strike("redis", back_after=2.0))
    assert found.seconds == 1.4
    assert found.meanwhile == 2
    assert (found.slowest, found.usual) == (1.2, 0.01)


def test_the_longest_wait_is_from_accepted_to_completed() -> None:
    facts = the_facts()
    late = replace(facts.tasks["order"], finished_at=at(23))
    assert recovery.longest_wait(replace(facts, tasks={**facts.tasks, "order": late})) == 23
