"""A task that waits for a person: asked, answered, overdue, cancelled; and what is held where nobody knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.system import System
from tradefree.errors import Conflict, InvalidInput
from tradefree.tasks.outcome import Asked, Completed, DidNotWork, LetGo, NothingStarted
from tradefree.tasks.ports import RunState
from tradefree.tasks.questions import Action, Field, Question, answer_of, shown
from tradefree.tasks.states import Status
from tradefree.tasks.task import AttemptOutcome, Task, Usage

FORM = Question(
    "Approve",
    "Buy milk?",
    fields=(Field("comment", default="n/a"), Field("buyer")),
    actions=(Action("approve", "Approve"), Action("reject")),
    secret={"token": "s3cret"},
)


@pytest.fixture
async def system() -> System:
    made = System()
    await made.define("order", runner="resumable", answer_within="1h")
    await made.define("echo")
    await made.worker()
    return made


async def asked(system: System, question: Question = FORM, type_: str = "order", **values: Any) -> Task:
    """A task that waits for a person, its run paused."""
    task = await system.running(type_, **values)
    await system.store.save_states("w1", [RunState(task.id, 1, {"run_id": "r1"})])
    await system.finish(task, Asked(question, Usage(total_tokens=7)))
    return await system.see(task)


async def test_a_question_holds_no_worker_and_no_place_and_keeps_what_it_cost(system: System) -> None:
    task = await asked(system)
    assert (task.status, task.worker_id, task.holds_slot) == (Status.AWAITING_INPUT, None, False)
    assert task.runner_state == {"run_id": "r1"}
    assert task.answer_by == system.clock.now() + timedelta(hours=1)
    (attempt,) = await system.store.attempts(task.id)
    assert (attempt.outcome, attempt.usage.total_tokens) == (AttemptOutcome.ASKED, 7)


async def test_an_answer_is_at_hand_when_the_task_was_admitted_and_claimed_again(system: System) -> None:
    task = await asked(system)
    await system.control.answer(task.id, "approve", {"buyer": "Li"}, by="Ann")
    assert await system.status(task) is Status.PENDING
    assert await system.rounds() == [task.id]
    (again,) = await system.claim(task)
    given = answer_of(again.question)
    assert given is not None
    assert (given.action, given.inputs, given.by) == ("approve", {"buyer": "Li", "comment": "n/a"}, "Ann")
    assert given.secret == {"token": "s3cret"}
    assert again.runner_state == {"run_id": "r1"}


async def test_what_was_started_does_not_expire_after_the_answer(system: System) -> None:
    task = await asked(system, expires_in=60.0)
    system.clock.advance(120)
    await system.control.answer(task.id, "approve", {"buyer": "Li"})
    await system.beat("w1")
    await system.round()
    assert await system.status(task) is Status.QUEUED


async def test_limits_hold_for_answered_tasks(system: System) -> None:
    await system.define("order", runner="resumable", concurrency={"max_running": 1})
    task = await asked(system)
    other = await system.submit("order")
    assert await system.rounds() == [other.id]
    await system.control.answer(task.id, "reject", {"buyer": "Li"})
    assert await system.rounds() == []


@pytest.mark.parametrize(
    ("action", "inputs", "field", "says"),
    [
        ("maybe", {"buyer": "Li"}, "action", "approve (Approve), reject"),
        ("approve", {}, "inputs/buyer", "is required"),
        ("approve", {"buyer": 7}, "inputs/buyer", "should be text"),
        ("approve", {"buyer": "Li", "colour": "red"}, "inputs/colour", "comment, buyer"),
    ],
)
async def test_what_does_not_fit_the_form_is_refused_by_name(
    system: System, action: str, inputs: dict[str, Any], field: str, says: str
) -> None:
    task = await asked(system)
    with pytest.raises(InvalidInput) as refused:
        await system.control.answer(task.id, action, inputs)
    assert refused.value.field == field
    assert says in refused.value.reason
    assert await system.status(task) is Status.AWAITING_INPUT


async def test_a_second_answer_is_told_who_was_first(system: System) -> None:
    task = await asked(system)
    await system.control.answer(task.id, "approve", {"buyer": "Li"}, by="Ann")
    with pytest.raises(Conflict, match="Ann chose 'approve'"):
        await system.control.answer(task.id, "reject", {"buyer": "Li"}, by="Bo")


async def test_an_answer_to_an_earlier_question_is_refused(system: System) -> None:
    task = await asked(system)
    with pytest.raises(Conflict, match="asks something else"):
        await system.control.answer(task.id, "approve", {"buyer": "Li"}, question_id=99)


async def test_who_asks_nothing_cannot_be_answered(system: System) -> None:
    task = await system.submit()
    with pytest.raises(Conflict, match="is pending and asks nothing"):
        await system.control.answer(task.id, "approve", {})


async def test_a_task_that_nobody_answers_fails_when_its_time_is_over(system: System) -> None:
    task = await asked(system, expires_in=60.0)
    system.clock.advance(3599)
    await system.round()
    assert await system.status(task) is Status.AWAITING_INPUT
    system.clock.advance(2)
    with pytest.raises(Conflict, match="time for an answer is over"):
        await system.control.answer(task.id, "approve", {"buyer": "Li"})
    await system.round()
    failed = await system.see(task)
    assert (failed.status, failed.error_code) == (Status.FAILED, "answer_overdue")
    assert (failed.question, failed.runner_state) == (None, None)
    await system.control.retry(task.id)
    assert await system.status(task) is Status.PENDING


async def test_a_cancelled_question_goes_to_a_worker_that_stops_the_run(system: System) -> None:
    task = await asked(system)
    await system.control.cancel(task.id)
    assert await system.rounds() == [task.id]
    (again,) = await system.claim(task)
    assert again.runner_state == {"run_id": "r1"}
    assert again.cancel_requested_at
    await system.finish(again, LetGo())
    assert await system.status(task) is Status.CANCELLED


async def test_a_question_after_a_cancel_is_not_asked(system: System) -> None:
    task = await system.running("order")
    await system.control.cancel(task.id)
    await system.store.save_states("w1", [RunState(task.id, 1, {"run_id": "r1"})])
    await system.finish(task, Asked(FORM))
    after = await system.see(task)
    assert (after.status, after.question, after.holds_slot) == (Status.PENDING, None, True)


async def test_a_run_may_ask_several_times_and_a_lost_worker_does_not_lose_the_answer(system: System) -> None:
    task = await asked(system)
    await system.control.answer(task.id, "approve", {"buyer": "Li"})
    await system.rounds()
    (again,) = await system.claim(task)
    await system.finish(again, NothingStarted("too many requests"))
    waiting = await system.see(task)
    assert waiting.runner_state == {"run_id": "r1"}
    assert answer_of(waiting.question)
    system.clock.advance(120)
    await system.beat("w1")
    await system.round()
    (again,) = await system.claim(task)
    await system.finish(again, Asked(Question("Once more", actions=(Action("yes"),))))
    second = (await system.see(task)).question
    assert second is not None
    assert (second["id"], second["title"], second.get("answer")) == (3, "Once more", None)
    await system.control.answer(task.id, "yes", {}, question_id=3)
    await system.round()
    (last,) = await system.claim(task)
    await system.finish(last, Completed({"ok": True}))
    assert (await system.see(task)).question is None


async def test_a_failed_run_takes_its_answer_with_it(system: System) -> None:
    task = await asked(system)
    await system.control.answer(task.id, "approve", {"buyer": "Li"})
    await system.rounds()
    (again,) = await system.claim(task)
    await system.finish(again, DidNotWork("nope", "No.", retryable=True))
    assert (await system.see(task)).question is None


async def test_secrets_of_a_question_are_not_shown(system: System) -> None:
    task = await asked(system)
    assert "s3cret" in str(task.question)
    assert "s3cret" not in str(shown(task.question))


UNKNOWN = DidNotWork("run_lost", "The run is gone.", retryable=True, unknown=True)


async def held(system: System) -> Task:
    await system.define("pay", runner="resumable", side_effects=True)
    task = await system.running("pay")
    await system.finish(task, UNKNOWN)
    return await system.see(task)


async def test_a_lost_run_with_side_effects_waits_for_a_person(system: System) -> None:
    task = await held(system)
    assert task.status is Status.AWAITING_INPUT
    assert task.question is not None
    assert "The run is gone." in task.question["content"]
    assert [action["id"] for action in task.question["actions"]] == ["rerun", "fail", "complete"]


@pytest.mark.parametrize("policy", [{}, {"side_effects": True, "on_unknown": "rerun"}])
async def test_a_lost_run_without_them_or_by_policy_is_counted_and_started_again(
    system: System, policy: dict[str, Any]
) -> None:
    await system.define("pay", runner="resumable", **policy)
    task = await system.running("pay")
    await system.finish(task, UNKNOWN)
    again = await system.see(task)
    assert (again.status, again.failures) == (Status.SCHEDULED, 1)


@pytest.mark.parametrize(
    ("action", "inputs", "status"),
    [
        ("rerun", {}, Status.PENDING),
        ("fail", {}, Status.FAILED),
        ("complete", {"output": {"paid": True}}, Status.COMPLETED),
    ],
)
async def test_the_person_decides(system: System, action: str, inputs: dict[str, Any], status: Status) -> None:
    task = await held(system)
    await system.control.answer(task.id, action, inputs, by="Ann")
    after = await system.see(task)
    assert (after.status, after.question, after.runner_state) == (status, None, None)
    assert after.output_data == inputs.get("output")


async def test_a_function_with_side_effects_that_lost_its_worker_waits_for_a_person(system: System) -> None:
    await system.define("mail", side_effects=True)
    task = await system.running("mail")
    await system.store.bury("w1", at_once=True)
    await system.recovery.rescue([task.id])
    assert await system.status(task) is Status.AWAITING_INPUT
