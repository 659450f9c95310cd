"""A Dify whose connections are all taken: the stop gets the connection of the run that it should stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dify.dify_replay import Reply, detail, frame, said, stream
from dify.dify_runs import PACE, FakeRun, Stage, a_stage
from tradefree.dify.verdict import RunFailed

FULL = replace(PACE, stop_heard=0.05)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        made.pace = FULL
        yield made


async def stopped(stage: Stage, stop: Reply) -> tuple[FakeRun, bool]:
    """The run that was told to stop, and whether it was seen to."""
    stage.dify.on("POST", "/workflows/run", stream(frame("workflow_started"), asyncio.Event()))
    stage.dify.on("POST", "/workflows/tasks/*/stop", stop)
    stage.dify.on("GET", "/workflows/run/*", detail("running"), detail("stopped"))
    runner, run = stage.runner(), stage.a_run()
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.started")
    run.cancelled = True
    seen = await runner.stop(run)
    with pytest.raises(RunFailed) as caught:
        await running
    assert caught.value.code == "stopped"
    return run, seen


async def test_an_unheard_stop_is_given_the_connection_of_its_run(stage: Stage) -> None:
    run, seen = await stopped(stage, Reply(200, {}, (stage.dify.closed_by_client, b'{"result": "success"}')))
    assert seen
    assert "dify.run.hung_up" in run.events
    assert len(stage.dify.asked("POST", "/workflows/tasks/*/stop")) == 1
    assert stage.dify.asked("GET", "/workflow/*/events") == [], "listening again would take the connection again"


async def test_a_stop_that_is_heard_lets_the_stream_be(stage: Stage) -> None:
    end = asyncio.Event()
    stage.dify.on(
        "POST", "/workflows/run", stream(frame("workflow_started"), end, frame("workflow_finished", status="stopped"))
    )
    stage.dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))
    runner, run = stage.runner(), stage.a_run()
    running = asyncio.create_task(runner.run(run))
    await run.until("dify.run.started")
    run.cancelled = True
    stopping = asyncio.create_task(runner.stop(run))
    await stage.dify.until(lambda: bool(stage.dify.asked("POST", "/workflows/tasks/*/stop")))
    await asyncio.sleep(FULL.stop_heard * 2)
    end.set()
    assert await stopping
    with pytest.raises(RunFailed):
        await running
    assert "dify.run.hung_up" not in run.events
