"""Stopping: beside a running attempt, and for a run left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from dify.dify_replay import PING, Reply, Seen, Step, detail, exchanges, frame, logged, said, stream
from dify.dify_runs import PACE, Stage, a_result, a_stage
from tradefree.dify.verdict import RunFailed
from tradefree.errors import OutcomeUnknown
from tradefree.tasks.outcome import Completed

STATE = {"run_id": "run-1", "task_id": "task-1", "user": "tf-T-1", "attempt": 1}
YES = said({"result": "success"})


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


async def stopped_midway(
    stage: Stage, before: list[Step], after: bytes, *, cancelled: bool = True
) -> tuple[bool, Completed | RunFailed]:
    """Start a run, cancel it once it has started, let Dify say ``after`` when the stop arrives."""
    gate = asyncio.Event()

    def on_stop(_: Seen) -> Reply:
        gate.set()
        return YES

    stage.dify.on("POST", "/workflows/run", stream(*before, gate, after))
    stage.dify.on("POST", "/workflows/tasks/*/stop", on_stop)
    runner, run = stage.runner(), stage.a_run()
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.started")
    run.cancelled = cancelled
    seen = await runner.stop(run)
    try:
        return seen, a_result(await running)
    except RunFailed as no:
        return seen, no


def halves(name: str, number: int) -> tuple[bytes, bytes]:
    """A recorded stream, divided before its last event."""
    body = exchanges(name)[number].body.rstrip()
    at = body.rindex(b"\n\n") + 2
    return body[:at], body[at:] + b"\n\n"


@pytest.mark.parametrize(
    ("name", "number", "last"),
    [("06-", 0, "Stopped by user."), ("06c", 0, "Stopped by user."), ("06e", 0, "Aborted: User requested stop")],
)
async def test_both_recorded_faces_of_a_stop_are_a_cancel(stage: Stage, name: str, number: int, last: str) -> None:
    before, after = halves(name, number)
    assert last.encode() in after

    seen, no = await stopped_midway(stage, [before], after)

    assert seen
    assert isinstance(no, RunFailed)
    assert (no.code, no.retryable) == ("stopped", False)
    [stop] = stage.dify.asked("POST", "/workflows/tasks/*/stop")
    assert stop.path.split("/")[3] in before.decode()
    assert stop.json == {"user": "tf-T-1"}


async def test_a_stop_because_time_is_over_is_asked_for_too(stage: Stage) -> None:
    """Nobody cancelled; the runtime's time-out calls stop. The record would say running for ever: it is not watched."""
    before, after = halves("06-", 0)

    seen, no = await stopped_midway(stage, [before], after, cancelled=False)

    assert seen
    assert isinstance(no, RunFailed)
    assert no.code == "stopped"
    assert stage.dify.asked("GET", "/workflows/run/*") == []


async def test_finish_beats_cancel(stage: Stage) -> None:
    before, after = halves("02-", 0)

    seen, done = await stopped_midway(stage, [before], after)

    assert seen
    assert isinstance(done, Completed)
    assert done.output == {"result": "yes please", "branch": 200}


async def test_a_stop_before_the_run_has_an_id_is_sent_when_it_has_one(stage: Stage) -> None:
    stage.pace = replace(PACE, stop_wait=0.1)
    gate, stopped = asyncio.Event(), asyncio.Event()

    def on_stop(_: Seen) -> Reply:
        stopped.set()
        return YES

    end = frame("workflow_finished", status="stopped", error="Stopped by user.")
    stage.dify.on("POST", "/workflows/run", stream(PING, gate, frame("workflow_started"), stopped, end))
    stage.dify.on("POST", "/workflows/tasks/*/stop", on_stop)
    runner, run = stage.runner(), stage.a_run()
    running = asyncio.create_task(runner.run(run))
    await stage.dify.until(lambda: stage.dify.asked("POST", "/workflows/run") != [])
    run.cancelled = True

    assert await runner.stop(run) is False, "a queued run cannot be stopped"
    assert run.saved == [{"user": "tf-T-1", "attempt": 1}], "it may start later: the next attempt must look for it"
    assert stage.dify.asked("POST", "/workflows/tasks/*/stop") == []
    gate.set()
    with pytest.raises(RunFailed) as caught:
        await running

    assert caught.value.code == "stopped"
    assert len(stage.dify.asked("POST", "/workflows/tasks/task-1/stop")) == 1


async def test_a_stop_while_an_earlier_run_is_sought_is_sent_when_it_is_found(stage: Stage) -> None:
    end = frame("workflow_finished", status="stopped", error="Stopped by user.")
    away = said({"code": "unknown", "message": "away"}, 500)
    stage.dify.on("GET", "/workflows/run/*", away, away, detail("running"))
    stage.dify.on("GET", "/workflow/*/events", stream(end))
    stage.dify.on("POST", "/workflows/tasks/*/stop", YES)
    runner, run = stage.runner(), stage.a_run(state=STATE, attempt=2)
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.sought")
    run.cancelled = True

    assert await runner.stop(run) is True

    with pytest.raises(RunFailed) as caught:
        await running
    assert caught.value.code == "stopped"
    assert len(stage.dify.asked("POST", "/workflows/tasks/task-1/stop")) == 1


async def test_an_end_that_is_not_seen_is_not_claimed(stage: Stage) -> None:
    stage.pace = replace(PACE, stop_wait=0.1)
    stopped, told = asyncio.Event(), asyncio.Event()
    spent = frame("node_finished", status="succeeded", execution_metadata={"total_tokens": 42})
    stage.dify.on("POST", "/workflows/run", stream(frame("workflow_started"), stopped, spent, told))

    def on_stop(_: Seen) -> Reply:
        stopped.set()
        return YES

    stage.dify.on("POST", "/workflows/tasks/*/stop", on_stop)
    runner, run = stage.runner(), stage.a_run()
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.started")

    assert await runner.stop(run) is False

    running.cancel()
    with pytest.raises(RunFailed) as caught:
        await running
    assert caught.value.code == "stop_unseen"
    assert caught.value.usage.total_tokens == 42, "spent after the stop"


async def test_letting_go_of_an_unknown_run_is_no_end(stage: Stage) -> None:
    """The attempt is over, and what it asked for may still be queued at Dify."""
    gate = asyncio.Event()
    stage.dify.on("POST", "/workflows/run", stream(PING, gate))
    stage.dify.on("GET", "/workflows/logs", logged())
    runner, run = stage.runner(), stage.a_run(timeout=0.5)
    running = asyncio.create_task(runner.run(run))
    await stage.dify.until(lambda: len(stage.dify.seen) == 1)
    stopping = asyncio.create_task(runner.stop(run))
    gate.set()

    with pytest.raises(OutcomeUnknown):
        await running
    assert await stopping is False


async def test_being_cut_off_never_stops_the_run(stage: Stage) -> None:
    """A fenced or leaving worker lets go of the connection; another one will look after the run."""
    stage.dify.on("POST", "/workflows/run", stream(frame("workflow_started"), asyncio.Event()))
    runner, run = stage.runner(), stage.a_run()
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.started")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await asyncio.wait_for(stage.dify.closed_by_client.wait(), 5)
    assert stage.dify.asked("POST", "/workflows/tasks/*/stop") == []
    assert runner._watches == {}


async def test_alone_a_stop_is_watched_to_its_end(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/tasks/*/stop", YES)
    stage.dify.on("GET", "/workflows/run/*", detail("running"), detail("running"), exchanges("06e")[2].reply())
    run = stage.a_run(state=STATE, attempt=2)

    assert await stage.runner().stop(run) is True

    [stop] = stage.dify.asked("POST", "/workflows/tasks/*/stop")
    assert (stop.path, stop.json) == ("/workflows/tasks/task-1/stop", {"user": "tf-T-1"})
    assert "has ended: stopped" in run.said


async def test_alone_a_run_that_stays_running_is_not_confirmed(stage: Stage) -> None:
    """Recorded in 06: after the stop the record says running, for ever."""
    stage.pace = replace(PACE, stop_wait=0.1)
    stage.dify.on("POST", "/workflows/tasks/*/stop", YES)
    stage.dify.on("GET", "/workflows/run/*", exchanges("06-")[4].reply())
    run = stage.a_run(state=STATE, attempt=2)

    assert await stage.runner().stop(run) is False

    assert "still calls run run-1 running" in run.said


async def test_alone_without_an_id_the_run_is_looked_for(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/logs", logged("run-5", user="tf-T-1"))
    stage.dify.on("GET", "/workflows/run/run-5", detail("succeeded", run_id="run-5"))
    run = stage.a_run(state={}, attempt=1)

    assert await stage.runner().stop(run) is True

    assert "cannot be stopped" in run.said


@pytest.mark.parametrize("state", [None, {}])
async def test_alone_with_nothing_to_be_found(stage: Stage, state: dict[str, Any] | None) -> None:
    stage.dify.on("GET", "/workflows/logs", logged())

    assert await stage.runner().stop(stage.a_run(state=state, attempt=2)) is False


async def test_alone_with_dify_away(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/tasks/*/stop", Reply(502, {"Content-Type": "text/html"}, (b"x",)))
    run = stage.a_run(state=STATE, attempt=2)

    assert await stage.runner().stop(run) is False

    assert "could not be asked" in run.said
