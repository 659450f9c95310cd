"""The runner when Dify falls silent: queued, refused without a word, running unheard, or lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dify.dify_replay import PING, Reply, Seen, detail, exchanges, frame, logged, said, stream
from dify.dify_runs import PACE, Stage, a_result, a_stage, completed
from tradefree.dify.verdict import RunFailed
from tradefree.dify.wire import Timeouts
from tradefree.errors import OutcomeUnknown

FORM = exchanges("23")[1].reply()
OPEN_FORM = said({"user_input_form": []})


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        made.timeouts = Timeouts(connect=5, answer=5, first_event=5, quiet=0.03, silence=5)
        yield made


async def test_recorded_silence_after_bad_inputs_is_explained(stage: Stage) -> None:
    """Recorded in 13: a missing required input, one ping, then nothing for 300 s. The form, read anew, says why."""
    stage.dify.on("POST", "/workflows/run", exchanges("13")[0].reply(asyncio.Event()))
    stage.dify.on("GET", "/workflows/logs", logged())
    stage.dify.on("GET", "/parameters", OPEN_FORM, FORM)  # changed just now

    with pytest.raises(RunFailed, match="`query` is required and missing") as caught:
        await stage.runner().run(stage.a_run(input_data={}))

    assert (caught.value.code, caught.value.retryable) == ("dify_bad_inputs", False)
    await asyncio.wait_for(stage.dify.closed_by_client.wait(), 5)


async def test_the_same_when_dify_has_ended_the_silent_stream(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", exchanges("13")[0].reply())
    stage.dify.on("GET", "/workflows/logs", logged())
    stage.dify.on("GET", "/parameters", OPEN_FORM, FORM)  # changed just now

    with pytest.raises(RunFailed, match="`query` is required"):
        await stage.runner().run(stage.a_run(input_data={}))


async def test_the_form_of_the_latest_version_does_not_judge_another(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/v-1/run", stream(PING))
    stage.dify.on("GET", "/workflows/logs", logged())
    stage.dify.on("GET", "/parameters", FORM)

    with pytest.raises(OutcomeUnknown):
        await stage.runner().run(stage.a_run(input_data={}, options={"workflow_id": "v-1"}, timeout=0.1))

    assert stage.dify.asked("GET", "/parameters") == []


async def test_a_queued_run_is_waited_for_on_the_same_stream(stage: Stage) -> None:
    gate = asyncio.Event()
    end = frame("workflow_started") + frame("workflow_finished", status="succeeded", outputs={"a": 1})
    stage.dify.on("POST", "/workflows/run", stream(PING, gate, end))
    stage.dify.on("GET", "/workflows/logs", logged())
    stage.dify.on("GET", "/parameters", OPEN_FORM)
    run = stage.a_run()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(stage.runner().run(run))
        await run.until("dify.run.looked_up")
        gate.set()

    assert a_result(running.result()).output == {"a": 1}
    assert "waits in Dify's queue" in run.said
    assert len(stage.dify.asked("POST", "/workflows/run")) == 1


async def test_a_queued_run_is_waited_for_after_the_stream_has_ended(stage: Stage) -> None:
    """Recorded in 35b: a run that its client had abandoned was executed when a worker came."""
    stage.dify.on("POST", "/workflows/run", stream(PING))
    stage.dify.on("GET", "/workflows/logs", *[logged()] * 5, logged("run-9", user="tf-T-1"))
    stage.dify.on("GET", "/parameters", OPEN_FORM)
    stage.dify.on("GET", "/workflows/run/*", detail("succeeded", outputs={"late": True}))
    stage.pace = replace(PACE, grace=0.0)

    assert (await completed(stage.runner(), stage.a_run())).output == {"late": True}


async def test_an_accepted_run_that_never_appears_is_unknown(stage: Stage) -> None:
    """The recorded log entry is another user's: it must not be taken for ours."""
    stage.dify.on("POST", "/workflows/run", stream(PING))
    stage.dify.on("GET", "/workflows/logs", exchanges("35b")[0].reply())
    stage.dify.on("GET", "/parameters", OPEN_FORM)
    run = stage.a_run(timeout=0.1)

    with pytest.raises(OutcomeUnknown, match="accepted the request and shows no run"):
        await stage.runner().run(run)

    assert run.saved == [{"user": "tf-T-1", "attempt": 1}]


async def test_a_run_whose_start_was_not_heard_is_found_by_its_user(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", stream(PING, asyncio.Event()))
    stage.dify.on("GET", "/workflows/logs", logged("run-9", user="tf-T-1"))
    stage.dify.on("GET", "/workflows/run/*", detail("succeeded", run_id="run-9", outputs={"a": 1}))
    run = stage.a_run()

    done = await completed(stage.runner(), run)

    assert done.output == {"a": 1}
    assert run.saved == [{"user": "tf-T-1", "attempt": 1, "run_id": "run-9", "upstream": {"run_id": "run-9"}}]
    assert "dify.run.found" in run.events


async def test_an_end_that_was_not_heard_is_read_from_the_record(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", stream(PING, frame("workflow_started"), asyncio.Event()))
    stage.dify.on("GET", "/workflows/run/*", detail("failed", error="boom"))
    run = stage.a_run()

    with pytest.raises(RunFailed, match="boom") as caught:
        await stage.runner().run(run)

    assert caught.value.code == "dify_run_failed"
    assert "Dify's record says failed" in run.said


async def test_a_silent_run_that_the_record_calls_running_is_waited_for_and_then_lost(stage: Stage) -> None:
    """Recorded in 34: the worker died; GET run says running, also after a new worker has come."""
    stage.dify.on("POST", "/workflows/run", exchanges("34")[0].reply(asyncio.Event()))
    stage.dify.on("GET", "/workflows/run/*", exchanges("34")[1].reply())
    stage.dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))
    stage.pace = replace(PACE, lost_after=0.5)
    run = stage.a_run()

    with pytest.raises(RunFailed) as caught:
        await stage.runner().run(run)

    assert (caught.value.code, caught.value.retryable) == ("dify_run_lost", True)
    assert len(stage.dify.asked("GET", "/workflows/run/*")) >= 2
    assert len(stage.dify.asked("POST", "/workflows/tasks/*/stop")) == 1
    assert "Its worker may have died" in run.said


async def test_pings_are_life_so_nothing_is_looked_up(stage: Stage) -> None:
    gates = [asyncio.Event() for _ in range(30)]
    pings = [step for gate in gates for step in (PING, gate)]
    end = frame("workflow_finished", status="succeeded")
    stage.dify.on("POST", "/workflows/run", stream(frame("workflow_started"), *pings, end))
    stage.timeouts = replace(stage.timeouts, quiet=0.3)
    loop = asyncio.get_running_loop()
    for number, gate in enumerate(gates):
        loop.call_later(0.02 * number, gate.set)

    await stage.runner().run(stage.a_run())

    assert [seen.path for seen in stage.dify.seen] == ["/parameters", "/workflows/run"]


async def test_pings_of_a_reattached_stream_are_no_life(stage: Stage) -> None:
    """There the API process pings by itself: only the record can tell that the run has ended unheard."""
    records = iter([detail("running"), detail("running"), detail("succeeded", outputs={"a": 1})])

    def record(_: Seen) -> Reply:
        return next(records)

    stage.timeouts = replace(stage.timeouts, quiet=0.3)
    gates = [asyncio.Event() for _ in range(250)]
    loop = asyncio.get_running_loop()
    for number, gate in enumerate(gates):
        loop.call_later(0.02 * number, gate.set)
    stage.dify.on("GET", "/workflows/run/*", record)
    stage.dify.on("GET", "/workflow/*/events", stream(*[step for gate in gates for step in (PING, gate)]))
    state = {"run_id": "run-1", "task_id": "task-1", "user": "tf-T-1", "attempt": 1}

    done = await completed(stage.runner(), stage.a_run(state=state, attempt=2))

    assert done.output == {"a": 1}
    assert len(stage.dify.asked("GET", "/workflow/*/events")) == 1
    await asyncio.wait_for(stage.dify.closed_by_client.wait(), 5)


async def test_dify_away_while_looking_does_not_end_the_stream(stage: Stage) -> None:
    gate = asyncio.Event()
    end = frame("workflow_finished", status="succeeded", outputs={"a": 1})
    stage.dify.on("POST", "/workflows/run", stream(frame("workflow_started"), gate, end))
    stage.dify.on("GET", "/workflows/run/*", said({"code": "unknown", "message": "away"}, 503))
    run = stage.a_run()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(stage.runner().run(run))
        await run.until("dify.run.looked_up")
        gate.set()

    assert a_result(running.result()).output == {"a": 1}
