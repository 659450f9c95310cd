"""Streams that break, runs that get lost: listened to again, looked up, found by their user, given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dify.dify_replay import NOT_FOUND, PING, Cut, Reply, detail, exchanges, frame, logged, said, stream
from dify.dify_runs import PACE, Stage, a_stage, failed, performed
from tradefree.errors import OutcomeUnknown


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


async def test_a_cut_stream_is_taken_up_again_in_the_same_attempt(stage: Stage) -> None:
    first, again = exchanges("31")[:2]
    stage.dify.on("GET", "/workflows/run/*", detail("running"))
    stage.dify.on("GET", "/workflow/*/events", again.reply(asyncio.Event()))

    run, done = await performed(stage, first.reply(Cut()))

    assert done.output == {"body": '{"slept": 3.0, "body": ""}'}
    [asked] = stage.dify.asked("GET", "/workflow/*/events")
    assert asked.path == "/workflow/4058f5fa-4a45-47e4-a3dc-369f671ed302/events"
    assert asked.query == {"user": "tf-T-1", "include_state_snapshot": "true"}
    assert len(run.saved) == 1, "a replay's task_id is the run's id and must not replace the real one"
    assert run.saved[0]["task_id"] == "30e1564b-15d5-48e9-9eb3-daa0db87dd27"
    titles = [line.data["title"] for line in run.lines if line.event == "dify.node.finished"]
    assert titles == ["Start", "slow_a", "slow_b", "slow_c", "End"], "what the replay repeats is told once"
    assert len(stage.dify.asked("POST", "/workflows/run")) == 1


async def test_a_cut_stream_whose_run_ended_meanwhile(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", exchanges("24")[1].reply())

    run, done = await performed(stage, stream(PING, frame("workflow_started"), Cut()))

    assert done.output == {"result": "find-me-4711"}
    assert "dify.stream.lost" in run.events
    assert stage.dify.asked("GET", "/workflow/*/events") == []


async def test_a_server_without_reattachment_is_polled(stage: Stage) -> None:
    """Dify before 1.14.0 has no /workflow/{id}/events: the path is 404 in HTML."""
    stage.pace = replace(PACE, grace=5)
    ended = detail("succeeded", outputs={"a": 1})
    stage.dify.on("GET", "/workflows/run/*", detail("running"), NOT_FOUND, detail("running"), ended)

    run, done = await performed(stage, stream(frame("workflow_started"), Cut()))

    assert done.output == {"a": 1}
    assert len(stage.dify.asked("GET", "/workflow/*/events")) == 1
    assert "dify.run.polled" in run.events


async def test_a_run_found_by_its_user_when_the_answer_was_lost(stage: Stage) -> None:
    stage.pace = replace(PACE, grace=5)
    stage.dify.on("GET", "/workflows/logs", logged(), logged("run-7", user="tf-T-1"))
    stage.dify.on("GET", "/workflows/run/*", detail("succeeded", run_id="run-7", outputs={"a": 1}))

    run, done = await performed(stage, Reply(502, {"Content-Type": "text/html"}, (b"<h1>Bad Gateway</h1>",)))

    assert done.output == {"a": 1}
    assert run.saved[-1]["run_id"] == "run-7"
    assert stage.dify.asked("GET", "/workflows/logs")[0].query["created_by_end_user_session_id"] == "tf-T-1"


@pytest.mark.parametrize("lost", [Reply(200, {}, (Cut(),)), Reply(504, {"Content-Type": "text/html"}, (b"x",))])
async def test_an_outcome_nobody_knows_is_said_so_and_leaves_a_trace(stage: Stage, lost: Reply) -> None:
    stage.dify.on("POST", "/workflows/run", lost)
    stage.dify.on("GET", "/workflows/logs", logged())
    run = stage.a_run()

    with pytest.raises(OutcomeUnknown):
        await stage.runner().run(run)

    assert run.saved == [{"user": "tf-T-1", "attempt": 1}]
    assert len(stage.dify.asked("POST", "/workflows/run")) == 1


async def test_a_lost_run_is_stopped_and_given_up(stage: Stage) -> None:
    """Recorded in 34: the worker was killed, and the record says running for ever."""
    stage.dify.on("GET", "/workflows/run/*", exchanges("34")[1].reply())
    stage.dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))

    run, no = await failed(stage, exchanges("34")[0].reply(Cut()), timeout=0.2)

    assert (no.code, no.retryable) == ("dify_run_lost", True)
    [stop] = stage.dify.asked("POST", "/workflows/tasks/*/stop")
    assert "53b96801-3bdd-4f8d-bb99-8078d2552151" in stop.path
    assert len(run.saved) == 1


async def test_a_run_that_dify_forgot_is_lost(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", NOT_FOUND)
    stage.dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))

    _, no = await failed(stage, stream(frame("workflow_started"), Cut()))

    assert no.code == "dify_run_lost"
    assert "does not know it any more" in str(no)
