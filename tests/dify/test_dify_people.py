"""Runs that pause for a person: recorded pauses, answers, and what can go wrong with a form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dify.dify_replay import Reply, detail, exchanges, frame, logged, said, stream
from dify.dify_runs import NOW, Stage, a_stage
from tradefree.dify.verdict import RunFailed, RunUnaccounted
from tradefree.errors import Busy, OutcomeUnknown
from tradefree.tasks.outcome import Asked, Completed
from tradefree.tasks.questions import Action, Answer, Field, Question

TOKEN = "wjBkZOCfJzXerVf0jzyoxW"
FORM = f"/form/human_input/{TOKEN}"
RUN = "acbaca82-3d04-4019-a422-46012d742746"
STATE = {"run_id": RUN, "task_id": "task-1", "user": "tf-T-1", "attempt": 1, "started_at": NOW.timestamp() - 9e5}
ANSWER = Answer("approve", {"comment": "ok by me"}, "Ann", {"form_token": TOKEN})
FIELDS = (Field("comment", default="n/a"),)
ACTIONS = (Action("approve", "Approve"), Action("reject", "Reject"))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


async def answered(stage: Stage, *form: Reply, events: Reply | None = None, **fields: Any) -> Any:
    """What the attempt with the answer comes to, and its run."""
    stage.dify.on("GET", "/workflows/run/*", detail("paused"))
    stage.dify.on("GET", "/workflow/*/events", events or exchanges("28")[3].reply())
    stage.dify.on("POST", FORM, *form)
    run = stage.a_run(state=STATE, attempt=2, answer=ANSWER, **fields)
    return await stage.runner().run(run), run


async def test_a_recorded_pause_is_a_question_with_its_variables_filled_in(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", exchanges("27")[0].reply(asyncio.Event()))
    stage.dify.on("GET", "/form/human_input/*", exchanges("28")[0].reply())
    asked = await stage.runner().run(stage.a_run())
    assert isinstance(asked, Asked)
    question = asked.question
    assert (question.title, question.fields, question.actions) == ("Approve", FIELDS, ACTIONS)
    assert question.content == "Please approve: buy milk\n\n{{#$output.comment#}}"
    assert question.expires_at is not None
    assert question.expires_at > datetime(2026, 11, 23, 15, 38, tzinfo=UTC)
    assert question.secret
    assert asked.usage.total_tokens == 0


async def test_a_pause_that_only_the_record_tells_is_asked_after(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", detail("paused"))
    stage.dify.on("GET", "/workflow/*/events", exchanges("28")[1].reply(asyncio.Event()))
    stage.dify.on("GET", FORM, exchanges("28")[0].reply())
    asked = await stage.runner().run(stage.a_run(state=STATE, attempt=2))
    assert isinstance(asked, Asked)
    assert asked.question.secret == {"form_token": TOKEN}


async def test_a_recorded_answer_is_handed_in_and_the_run_heard_to_its_end(stage: Stage) -> None:
    done, run = await answered(stage, exchanges("28")[2].reply())
    assert isinstance(done, Completed)
    (posted,) = stage.dify.asked("POST", FORM)
    assert posted.json == {"action": "approve", "inputs": {"comment": "ok by me"}, "user": "tf-T-1"}
    assert stage.dify.asked("POST", "/workflows/run") == []
    assert "handed in" in run.said
    assert run.saved[-1]["started_at"] == NOW.timestamp(), "the attempt has its whole time, however long people took"


async def test_a_form_that_was_answered_inside_dify_is_no_error(stage: Stage) -> None:
    done, run = await answered(stage, exchanges("28")[4].reply())
    assert isinstance(done, Completed)
    assert "has an answer to this form already" in run.said


@pytest.mark.parametrize(
    ("status", "code", "ours"),
    [
        (412, "human_input_form_expired", "dify_form_expired"),
        (404, "not_found", "dify_form_gone"),
        (400, "invalid_form_data", "dify_form_refused"),
    ],
)
async def test_a_form_that_takes_no_answer_is_a_failure_for_good(
    stage: Stage, status: int, code: str, ours: str
) -> None:
    with pytest.raises(RunFailed) as caught:
        await answered(stage, said({"code": code, "message": "No."}, status))
    assert (caught.value.code, caught.value.retryable) == (ours, False)


async def test_no_room_for_an_answer_is_a_deferral_and_a_broken_proxy_is_not(stage: Stage) -> None:
    with pytest.raises(Busy):
        await answered(stage, said({"code": "too_many_requests", "message": "Later."}, 429))
    with pytest.raises(OutcomeUnknown):
        await answered(stage, said({"code": "", "message": "Bad gateway"}, 502))


async def test_a_second_pause_is_another_question(stage: Stage) -> None:
    reasons = [{"form_token": TOKEN}]
    more = [{"form_token": "next", "node_title": "Again", "actions": [{"id": "yes"}], "form_content": "Sure?"}]
    events = stream(
        frame("workflow_started"), frame("workflow_paused", reasons=reasons), frame("workflow_paused", reasons=more)
    )
    asked, _ = await answered(stage, exchanges("28")[2].reply(), events=events)
    assert asked.question == Question("Again", "Sure?", (), (Action("yes"),), None, {"form_token": "next"})


async def test_a_form_without_a_token_cannot_be_answered_and_says_what_to_do(stage: Stage) -> None:
    events = stream(frame("workflow_started"), frame("workflow_paused", reasons=[{"node_title": "x"}]))
    stage.dify.on("POST", "/workflows/run", events)
    with pytest.raises(RunFailed, match="web app delivery") as caught:
        await stage.runner().run(stage.a_run())
    assert (caught.value.code, caught.value.retryable) == ("dify_paused", False)


async def test_where_a_person_decides_no_other_run_is_started(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/logs", logged())
    with pytest.raises(RunUnaccounted, match="Dify shows none"):
        await stage.runner().run(stage.a_run(state={"attempt": 1}, attempt=2, holds_unknown=True))
    assert stage.dify.asked("POST", "/workflows/run") == []
