"""The runner on fresh runs: what recorded streams of a real Dify come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dify.dify_replay import NOT_FOUND, detail, exchanges, frame, said, stream
from dify.dify_runs import NOW, PACE, FakeRun, Stage, a_stage, completed, failed, performed
from tradefree.dify.runner import DifyRunner, WorkflowRunner
from tradefree.dify.verdict import RunFailed
from tradefree.errors import Busy, Failed, InvalidInput
from tradefree.tasks.outcome import Asked, Completed
from tradefree.tasks.ports import Run, Runner
from tradefree.tasks.task import Usage
from tradefree.tasks.types import TaskType


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


def test_it_is_a_runner(stage: Stage) -> None:
    runner: Runner = stage.runner()
    run: Run = stage.a_run()

    assert (runner.name, runner.resumable) == ("dify.workflow", True)
    assert run.attempt == 1


async def test_recorded_success(stage: Stage) -> None:
    run, done = await performed(stage, exchanges("02-")[0].reply(asyncio.Event()), input_data={"query": "yes please"})

    assert done.output == {"result": "yes please", "branch": 200}
    assert done.usage == Usage(total_tokens=0, elapsed=0.167238)
    assert done.note is None
    assert "".join(run.texts) == "yes please\n200"
    assert stage.dify.asked("POST", "/workflows/run")[0].json == {
        "inputs": {"query": "yes please"},
        "response_mode": "streaming",
        "user": "tf-T-1",
    }


async def test_the_trace_of_the_task_goes_along(stage: Stage) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    stage.dify.on("POST", "/workflows/run", exchanges("02-")[0].reply())
    runner = stage.runner()
    await completed(runner, stage.a_run(traceparent=trace))
    assert {seen.headers.get("traceparent") for seen in stage.dify.seen} == {trace}
    stage.dify.seen.clear()
    await completed(runner, stage.a_run())
    assert all("traceparent" not in seen.headers for seen in stage.dify.seen)


async def test_the_id_is_stored_first_and_once(stage: Stage) -> None:
    run, _ = await performed(stage, exchanges("02-")[0].reply())

    assert run.saved == [
        {
            "user": "tf-T-1",
            "attempt": 1,
            "run_id": "85377e9d-1d23-442b-963f-c41227a821e1",
            "task_id": "05ce7d08-d35b-4d7e-9ec9-08176db4d5a5",
            "started_at": NOW.timestamp(),
            "upstream": {
                "run_id": "85377e9d-1d23-442b-963f-c41227a821e1",
                "workflow_id": "d8668377-b40d-4ecf-8cdb-92ce48393ce1",
                "dify_version": "1.14.2",
            },
        }
    ]
    assert run.lines[0].event == "dify.run.started"
    assert run.lines[0].data["run_id"] == "85377e9d-1d23-442b-963f-c41227a821e1"


async def test_each_step_becomes_a_line(stage: Stage) -> None:
    run, _ = await performed(stage, exchanges("02-")[0].reply())

    assert [line.message for line in run.lines[1:] if line.level == "info"] == [
        "Start (start) finished in 0.00 s.",
        "http1 (http-request) finished in 0.08 s.",
        "If (if-else) finished in 0.00 s.",
        "EndA (end) finished in 0.00 s.",
    ]
    told = [line for line in run.lines if line.event == "dify.node.finished"]
    assert [line.message for line in run.lines if line.level == "debug"][:2] == [
        "Start (start) started.",
        "http1 (http-request) started.",
    ]
    assert told[1].data.pop("payload")["outputs"]["status_code"] == 200
    assert told[1].data == {
        "node_id": "http1",
        "node_type": "http-request",
        "title": "http1",
        "status": "succeeded",
        "elapsed_time": 0.07737,
    }


async def test_recorded_model_call_is_charged(stage: Stage) -> None:
    run, done = await performed(stage, exchanges("43")[1].reply())

    assert done.usage == Usage(34, 30, 4, Decimal("0.0000069"), "USD", 0.134115)
    assert "llm1 (llm) finished in 0.05 s with 34 tokens." in run.said
    assert "".join(run.texts).startswith("Echo: hello there friend")


async def test_recorded_failure(stage: Stage) -> None:
    run, no = await failed(stage, exchanges("04")[0].reply(asyncio.Event()))

    assert (no.code, no.retryable) == ("dify_run_failed", True)
    assert "[Errno 111] Connection refused" in str(no)
    assert no.usage.elapsed == 0.055766
    assert run.events[-2:] == ["dify.node.failed", "dify.run.ended"]
    assert "boom (http-request) failed in 0.01 s: [Errno 111] Connection refused" in run.said


async def test_recorded_retries_of_a_node(stage: Stage) -> None:
    run, done = await performed(stage, exchanges("05a")[0].reply())

    retries = [line for line in run.lines if line.event == "dify.node.retry"]
    assert [line.message.partition(":")[0] for line in retries] == [
        "flaky (http-request) failed in 0.53 s and is tried again (retry 1)",
        "flaky (http-request) failed in 0.51 s and is tried again (retry 2)",
    ]
    assert done.output == {"body": '{"call": 3}'}
    assert done.note is not None
    assert "2 failed step(s)" in done.note


async def test_recorded_partial_success(stage: Stage) -> None:
    run, done = await performed(stage, exchanges("05b")[0].reply())

    assert done.output == {"body": "DEFAULT"}
    assert done.note is not None
    assert "partial-succeeded" in done.note
    [line] = [line for line in run.lines if line.event == "dify.node.failed"]
    assert "its error strategy took over" in line.message


async def test_partial_success_may_count_as_failure(stage: Stage) -> None:
    _, no = await failed(stage, exchanges("05b")[0].reply(), options={"partial_success": "fail"})

    assert (no.code, no.retryable) == ("dify_partial", True)


async def test_recorded_iteration(stage: Stage) -> None:
    run, done = await performed(stage, exchanges("48-iteration")[0].reply())

    assert done.output == {"output": ["output: 1", "output: 2", "output: 3"]}
    assert "dify.iteration.started" in run.events
    assert "dify.iteration.finished" in run.events


async def test_recorded_pause_is_told_in_the_log(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", exchanges("27")[0].reply(asyncio.Event()))
    stage.dify.on("GET", "/form/human_input/*", NOT_FOUND)
    run = stage.a_run()
    assert isinstance(await stage.runner().run(run), Asked)
    assert "dify.node.waiting" in run.events


async def test_recorded_error_event(stage: Stage) -> None:
    """The stream stays open for 300 s after the error; the runner does not."""
    _, no = await failed(stage, exchanges("47")[1].reply(asyncio.Event()))

    assert (no.code, no.retryable) == ("dify_rejected", False)
    assert "No class mapping found for node type: no-such-node" in str(no)
    assert "mend and publish" in str(no)


async def test_an_error_event_in_the_middle_of_a_run_is_a_failure_of_the_run(stage: Stage) -> None:
    late = b'data: {"event":"error","code":"rate_limit_error","status":429,"message":"Too many requests"}\n\n'
    _, no = await failed(stage, stream(frame("workflow_started"), late))

    assert (no.code, no.retryable) == ("dify_run_failed", True)


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("07", 0, "api_key"),
        ("10", 1, "publish the workflow"),
        ("11", 0, "no workflow"),
        ("52", 0, "API access switched on"),
        ("09", 11, "base_url"),
    ],
)
async def test_recorded_refusals(stage: Stage, name: str, number: int, words: str) -> None:
    run, no = await failed(stage, exchanges(name)[number].reply())

    assert (no.code, no.retryable) == ("dify_rejected", False)
    assert words in str(no)
    assert run.saved == []


async def test_recorded_refusal_of_a_version(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/v-1/run", exchanges("12")[2].reply())
    with pytest.raises(RunFailed, match="workflow_id"):
        await stage.runner().run(stage.a_run(options={"workflow_id": "v-1"}))


async def test_recorded_too_many_requests(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", exchanges("26-")[1].reply())
    run = stage.a_run()

    with pytest.raises(Busy, match="maximum concurrent requests"):
        await stage.runner().run(run)

    assert run.saved == []


async def test_retry_after_reaches_the_domain(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", said({"code": "rate_limit_error"}, 429, **{"Retry-After": "30"}))

    with pytest.raises(Busy) as caught:
        await stage.runner().run(stage.a_run())

    assert caught.value.retry_after == 30


async def test_500_is_retryable(stage: Stage) -> None:
    _, no = await failed(stage, exchanges("09")[7].reply())

    assert (no.code, no.retryable) == ("dify_unavailable", True)


# ── stops nobody asked for ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "number"), [("06-", 0), ("06c", 0), ("06e", 0), ("06e", 3)])
async def test_recorded_stops_are_cancels_if_asked_for(stage: Stage, name: str, number: int) -> None:
    _, no = await failed(stage, exchanges(name)[number].reply(), cancelled=False, input_data={"seconds": 1})
    assert no.code == "dify_stopped"
    assert not no.retryable

    stage.dify.on("POST", "/workflows/run", exchanges(name)[number].reply())
    run = stage.a_run()
    with pytest.raises(RunFailed) as caught:
        await cancelled_after_start(stage.runner(), run)
    assert (caught.value.code, caught.value.retryable) == ("stopped", False)


async def cancelled_after_start(runner: DifyRunner, run: FakeRun) -> Completed:
    save = run.save

    async def cancel_then_save(state: dict[str, Any]) -> None:
        run.cancelled = True
        await save(state)

    run.save = cancel_then_save  # type: ignore[method-assign]
    return await completed(runner, run)


async def test_an_unasked_stop_is_not_believed_before_the_record_is_read(stage: Stage) -> None:
    """Recorded in 53: APP_MAX_EXECUTION_TIME says stopped to the caller, and the run succeeds all the same."""
    stage.pace = replace(PACE, stopped_watch=5)
    told = exchanges("53")[0].json["data"]
    record = exchanges("53")[1]
    stage.dify.on("GET", "/workflows/run/*", detail("running"), detail("running"), record.reply())

    run, done = await performed(stage, stream(frame("workflow_finished", run_id=told["id"], **told)))

    assert done.output == {"body": '{"slept": 2.0, "body": ""}'}
    assert "nobody asked for it" in run.said


async def test_a_success_stays_one_although_cancelled(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", exchanges("02-")[0].reply())
    run = stage.a_run()

    done = await cancelled_after_start(stage.runner(), run)

    assert run.cancelled
    assert done.output == {"result": "yes please", "branch": 200}


# ── the rest ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_loop_over_thousands_does_not_fill_the_log(stage: Stage) -> None:
    node: dict[str, Any] = {"node_id": "n", "node_type": "code", "title": "Each", "elapsed_time": 0.1}
    steps = b"".join(frame("node_finished", **{**node, "id": f"e{i}", "status": "succeeded"}) for i in range(1000))
    bad = frame("node_finished", **{**node, "id": "bad", "status": "failed", "error": "x" * 9000})
    end = frame("workflow_finished", status="succeeded", outputs={})

    run, _ = await performed(stage, stream(frame("workflow_started"), steps, bad, end))

    assert len(run.lines) < 410
    assert "dify.steps.omitted" in run.events
    assert run.events[-2:] == ["dify.node.failed", "dify.run.ended"]
    assert len(run.lines[-1].message) < 700


async def test_clients_are_shared_by_connection_and_closed(stage: Stage) -> None:
    stage.dify.on("POST", "/workflows/run", stream(frame("workflow_finished", status="succeeded")))
    runner = stage.runner()
    await runner.run(stage.a_run())
    [first] = runner._clients.values()
    await runner.run(stage.a_run())
    [second] = runner._clients.values()

    assert first is second
    await runner.close()
    assert runner._clients == {}


def test_another_loop_gets_other_clients() -> None:
    """One runner object outlives event loops; a client does not."""
    runner = WorkflowRunner()

    async def clients() -> list[Any]:
        async with a_stage() as stage:
            stage.dify.on("POST", "/workflows/run", stream(frame("workflow_finished", status="succeeded")))
            await runner.run(stage.a_run())
            made = list(runner._clients.values())
            for client in made:
                await client.close()
            return made

    first, second = asyncio.run(clients()), asyncio.run(clients())

    assert len(second) == 1
    assert first[0] is not second[0]


async def test_without_a_connection(stage: Stage) -> None:
    run = stage.a_run()
    run.connection = None

    with pytest.raises(Failed, match="connection"):
        await stage.runner().run(run)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"connection": None}, "connection"),
        ({"options": {"inputs": {"a": 1}}}, "options/inputs/a"),
        ({"options": {"unknown": 1}}, "options/unknown"),
    ],
)
def test_check_names_what_is_wrong(fields: dict[str, Any], field: str) -> None:
    good = {"name": "t", "runner": "dify.workflow", "connection": "bot", "options": {"inputs": {"q": "a.b"}}}
    WorkflowRunner().check(TaskType.model_validate(good))

    with pytest.raises(InvalidInput) as caught:
        WorkflowRunner().check(TaskType.model_validate({**good, **fields}))

    assert caught.value.field == field
