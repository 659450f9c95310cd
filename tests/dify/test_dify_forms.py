"""Inputs are held against the app's form before the run is asked for, and the form is not fetched for each run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dify.dify_replay import Reply, frame, said, stream
from dify.dify_runs import FakeRun, Stage, a_stage
from tradefree.dify import forms
from tradefree.dify.client import DifyClient
from tradefree.dify.errand import WorkflowErrand
from tradefree.dify.forms import FRESH, MAX_AGE, RETRY_AFTER, Forms
from tradefree.dify.runner import DifyRunner
from tradefree.dify.verdict import RunFailed

DONE = stream(frame("workflow_started"), frame("workflow_finished", status="succeeded"))


def form(*rows: dict[str, Any]) -> Reply:
    return said({"user_input_form": list(rows)})


def text(variable: str, **more: Any) -> dict[str, Any]:
    return {"text-input": {"variable": variable, "required": True, **more}}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        made.dify.on("POST", "/workflows/run", DONE)
        yield made


def asked(stage: Stage) -> tuple[int, int]:
    """How often for the form, and for a run."""
    return len(stage.dify.asked("GET", "/parameters")), len(stage.dify.asked("POST", "/workflows/run"))


async def refused(runner: DifyRunner, run: FakeRun) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        await runner.run(run)
    return caught.value


async def test_a_misfit_is_refused_without_asking_for_a_run(stage: Stage) -> None:
    stage.dify.on("GET", "/parameters", form(text("query", max_length=3)))
    error = await refused(stage.runner(), stage.a_run(input_data={"query": "long"}))
    assert (error.code, error.retryable) == ("dify_bad_inputs", False)
    assert "`query` has 4 characters, and the app takes at most 3" in str(error)
    assert asked(stage) == (1, 0)


async def test_many_runs_share_one_look_at_the_form(stage: Stage) -> None:
    stage.dify.on("GET", "/parameters", form(text("query")))
    runner = stage.runner()
    await asyncio.gather(*(runner.run(stage.a_run(task_id=f"T{n}")) for n in range(20)))
    assert asked(stage) == (1, 20)


async def test_dify_is_asked_although_its_form_cannot_be_read(stage: Stage) -> None:
    stage.dify.on("GET", "/parameters", said({}, 500))
    runner = stage.runner()
    for _ in range(3):
        await runner.run(stage.a_run())
    assert asked(stage) == (1, 3)


async def test_a_form_that_does_not_come_delays_nothing_for_long(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "PATIENCE", 0.05)
    stage.dify.on("GET", "/parameters", Reply(200, {}, (asyncio.Event(),)))
    await stage.runner().run(stage.a_run())
    assert asked(stage) == (1, 1)


async def test_an_earlier_run_is_looked_for_whatever_the_form_says_now(stage: Stage) -> None:
    stage.dify.on("GET", "/parameters", form(text("other")))
    stage.dify.on("GET", "/workflows/run/run-1", said({"id": "run-1", "status": "succeeded", "outputs": {"a": 1}}))
    state = {"user": "tf-T-1", "attempt": 1, "run_id": "run-1", "task_id": "task-1"}
    await stage.runner().run(stage.a_run(attempt=2, state=state))
    assert asked(stage) == (0, 0)


async def test_a_refusal_by_dify_makes_the_form_be_read_again(stage: Stage) -> None:
    no = said({"code": "invalid_param", "message": "other is required in input form", "status": 400}, 400)
    stage.dify.on("GET", "/parameters", form(text("query")), form(text("other")))
    stage.dify.on("POST", "/workflows/run", no)
    runner = stage.runner()
    assert (await refused(runner, stage.a_run())).code == "dify_rejected"
    assert (await refused(runner, stage.a_run())).code == "dify_bad_inputs"
    assert asked(stage) == (2, 1)


async def test_age(stage: Stage) -> None:
    """Read again when old, when it refuses and is not fresh, and after a while if it could not be read."""
    moment = 1000.0
    kept = Forms(lambda: moment)
    errand = WorkflowErrand(stage.a_run())
    stage.dify.on("GET", "/parameters", form(text("other")), form(), said({}, 500), form())
    async with DifyClient(stage.dify.url, "app-x") as client:

        async def look(later: float) -> int:
            nonlocal moment
            moment += later
            await kept.refuse_misfit(client, errand)
            return asked(stage)[0]

        with pytest.raises(RunFailed):
            await look(0)
        assert await look(FRESH) == 2, "a refusal is not believed when it is not fresh"
        assert await look(MAX_AGE - 1) == 2
        assert await look(1) == 3
        assert await look(RETRY_AFTER - 1) == 3
        assert await look(1) == 4
