"""Questions, answers and their deadlines, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stores.acts import Acts, save_state
from tradefree.tasks.outcome import Asked
from tradefree.tasks.questions import Action, Field, Question, answer_of
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import answer, expire

FORM = Question(
    "批准?",
    "Buy 牛奶?",
    (Field("comment", default={"a": [1, None]}),),
    (Action("approve", "好"),),
    datetime(2026, 3, 4, 5, 6, 7, 8, UTC),
    {"token": "t"},
)


async def asked(acts: Acts, question: Question = FORM, within: float | None = 60.0) -> Task:
    task = await acts.running()
    await save_state(acts.store, task.id, 1, "w1", {"run": 1})
    await acts.finish(task, Asked(question), answer_within=within)
    return await acts.see(task)


async def test_a_question_comes_back_as_it_was_asked(acts: Acts) -> None:
    task = await asked(acts)
    assert task.status is Status.AWAITING_INPUT
    assert task.question is not None
    assert Question.of(task.question) == FORM
    assert task.runner_state == {"run": 1}
    async with acts.round() as round_:
        assert await round_.held() == []


async def test_the_answer_is_there_for_the_worker_that_claims_the_task_again(acts: Acts) -> None:
    task = await asked(acts)
    now = acts.clock.now()
    await acts.store.decide([task.id], lambda t: answer(t, "approve", {"comment": "可以"}, now, "Ann"))
    await acts.admit(task)
    (again,) = await acts.claim(task)
    said = answer_of(again.question)
    assert said is not None
    assert (said.action, said.inputs, said.by, said.secret) == ("approve", {"comment": "可以"}, "Ann", {"token": "t"})
    assert again.attempt_count == 2


async def test_of_two_answers_one_is_taken(acts: Acts) -> None:
    task = await asked(acts)
    now = acts.clock.now()
    first = await acts.store.decide([task.id], lambda t: answer(t, "approve", {}, now))
    second = await acts.store.decide([task.id], lambda t: answer(t, "approve", {}, now))
    assert (len(first), len(second)) == (1, 0)


async def test_the_leader_finds_what_nobody_answered_and_wakes_for_it(acts: Acts) -> None:
    task = await asked(acts, Question("?", actions=(Action("a"),)))
    never = await asked(acts, Question("?", actions=(Action("a"),)), within=None)
    due = acts.clock.now() + timedelta(seconds=60)
    async with acts.round() as round_:
        assert await round_.expired(10) == []
        assert await round_.next_due() == due
    acts.clock.advance(60)
    async with acts.round() as round_:
        assert await round_.expired(10) == [task.id]
    now = acts.clock.now()
    await acts.store.decide([task.id, never.id], lambda t: expire(t, now))
    assert await acts.status(task) is Status.FAILED
    assert await acts.status(never) is Status.AWAITING_INPUT
    async with acts.round() as round_:
        assert await round_.expired(10) == []
