"""The distributed demo's judge lets nothing pass that was not promised so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from demo_distributed import verdict
from demo_distributed.facts import AttemptRow, Facts
from demo_distributed.timeline import Strike
from demo_distributed.verdict import Reattached
from demo_distributed.work import ORDERS
from demos.scenes import ACCEPTED, WORK, a_run, a_strike, a_task, an_attempt, at, the_facts
from tradefree.testing.dify_standin import Entry


def broken(
    facts: Facts, *, accepted: Mapping[int, str] = ACCEPTED, strikes: Sequence[Strike] = (a_strike(),)
) -> dict[str, list[str]]:
    """What the judge found, by promise."""
    return {p.words: list(p.broken) for p in verdict.judge(facts, WORK, accepted, strikes) if not p.kept}


def with_task(**but: object) -> Facts:
    facts = the_facts()
    return replace(facts, tasks={**facts.tasks, "note": replace(facts.tasks["note"], **but)})  # type: ignore[arg-type]


def with_attempts(task: str, *attempts: AttemptRow) -> Facts:
    facts = the_facts()
    return replace(facts, attempts={**facts.attempts, task: list(attempts)})


def with_runs(*runs: Entry) -> Facts:
    return replace(the_facts(), runs=[*the_facts().runs, *runs])


def test_nothing_is_broken_where_all_is_as_promised() -> None:
    assert broken(the_facts()) == {}


def test_an_accepted_task_that_is_not_there_is_missed() -> None:
    found = broken(the_facts(), accepted={**ACCEPTED, 3: "gone"})
    assert found == {"4 accepted, 3 rows": ["gone: was accepted and is not in the database"]}


def test_a_row_that_nobody_asked_for_is_found() -> None:
    facts = the_facts()
    extra = {"twin": a_task("twin", "note-event")}
    attempts = {**facts.attempts, "twin": [an_attempt("twin", 1, 1, 2, "completed")]}
    found = broken(replace(facts, tasks={**facts.tasks, **extra}, attempts=attempts))
    assert list(found) == ["3 accepted, 4 rows"]


def test_two_requests_with_one_task_are_found() -> None:
    found = broken(the_facts(), accepted={**ACCEPTED, 3: "note"})
    assert found == {"4 accepted, 3 rows": ["1 requests were answered with the same task"]}


def test_a_task_that_did_not_complete_is_named_with_its_reason() -> None:
    found = broken(with_task(status="failed", error_message="No room."))
    assert found == {"every task completed": ["note: failed: No room."]}


def test_a_task_that_finished_twice_is_found() -> None:
    twice = (an_attempt("note", 1, 1, 2, "completed"), an_attempt("note", 2, 2, 3, "completed"))
    assert broken(with_attempts("note", *twice)) == {"none finished twice": ["note: 2 attempts completed it"]}


def test_anothers_result_is_found() -> None:
    found = broken(with_task(output_data={"number": "order"}))
    assert found == {"each has its own result": ["note: input note, output order"]}


def test_two_workers_at_once_are_found() -> None:
    both = (an_attempt("order", 1, 1, 22, "lost"), an_attempt("order", 2, 21.9, 23, "completed", "w2"))
    assert list(broken(with_attempts("order", *both))) == ["never two workers at once"]


def test_a_second_result_at_dify_was_paid_twice() -> None:
    found = broken(with_runs(a_run("order", 22.5, 24, attempt=2)))
    assert found == {"every task of Dify ran there, none paid twice": ["order: paid twice at Dify"]}


def test_two_runs_at_once_were_paid_twice_even_if_one_came_to_nothing() -> None:
    other = a_run("order", 2, 2.5, attempt=2, outcome="stopped")
    assert verdict.reattached(with_runs(other)).paid_twice == ("order",)


def test_a_result_that_dify_knows_nothing_of_is_found() -> None:
    found = broken(replace(the_facts(), runs=the_facts().runs[:1]))
    assert list(found) == ["every task of Dify ran there, none paid twice"]


def test_a_run_of_no_task_is_found() -> None:
    assert list(broken(with_runs(a_run("nobody", 5, 6)))) == ["every task of Dify ran there, none paid twice"]


def test_a_cap_that_was_exceeded_is_found() -> None:
    crowd = replace(WORK, caps={**WORK.caps, ORDERS: 1})
    facts = with_runs(a_run("listing", 1.5, 2, attempt=2, outcome="stopped"))
    (caps,) = [p for p in verdict.judge(facts, crowd, ACCEPTED, [a_strike()]) if p.words == "all caps kept"]
    assert list(caps.broken) == ["summarize-order: 2 at once, the cap is 1"]


def test_a_strike_that_hit_nothing_is_found() -> None:
    assert broken(the_facts(), strikes=[a_strike(incarnation="w3")]) == {
        "every strike hit": ["worker-1 died without a task"]
    }
    late = a_strike("leader", at=at(60))
    assert broken(the_facts(), strikes=[late]) == {
        "every strike hit": ["nothing was left to be started when worker-1 died"]
    }


def test_what_did_not_come_back_is_found() -> None:
    assert broken(the_facts(), strikes=[a_strike(back_after=None)]) == {
        "every strike hit": ["worker-1 did not come back"]
    }


def test_the_balance_tells_taken_up_from_started_again() -> None:
    assert verdict.reattached(the_facts()) == Reattached(taken_up=1)
    runs = [run for run in the_facts().runs if run.app != ORDERS]
    late = replace(the_facts(), runs=[*runs, a_run("order", 22.6, 23, attempt=2)])
    assert verdict.reattached(late) == Reattached(started_late=1)
    stopped = a_run("order", 1, 3, outcome="stopped")
    again = replace(the_facts(), runs=[*runs, stopped, a_run("order", 22.6, 23, attempt=2)])
    assert verdict.reattached(again) == Reattached(explained=1)
