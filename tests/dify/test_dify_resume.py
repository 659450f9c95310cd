"""The runner on runs that an earlier attempt left behind: adopt them, or make sure that there are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from dify.dify_replay import NOT_FOUND, Reply, Seen, detail, exchanges, frame, logged, said, stream
from dify.dify_runs import NOW, PACE, Stage, a_stage, completed
from tradefree.dify.verdict import RunFailed
from tradefree.errors import Busy, OutcomeUnknown

STATE = {"run_id": "run-1", "task_id": "task-1", "user": "tf-T-1", "attempt": 1, "started_at": NOW.timestamp()}
ENDED = stream(frame("workflow_started"), frame("workflow_finished", status="succeeded", outputs={"new": 1}))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


def log_of(**runs: tuple[str, str]) -> Any:
    """The app's log: attempt → (run id, status)."""

    def answer(seen: Seen) -> Reply:
        user = seen.query["created_by_end_user_session_id"]
        found = runs.get(f"a{user.rpartition('-')[2]}")
        return logged(found[0], status=found[1], user=user) if found else logged()

    return answer


async def test_a_run_that_has_ended_is_adopted(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", exchanges("24")[1].reply())
    run = stage.a_run(state=STATE, attempt=2)

    done = await completed(stage.runner(), run)

    assert done.output == {"result": "find-me-4711"}
    assert done.usage.elapsed == 0.088445
    assert stage.dify.asked("POST", "/workflows/run") == []
    assert "An earlier attempt started Dify run run-1" in run.said
    assert "dify.run.adopted" in run.events


async def test_a_run_that_has_failed_is_adopted_too(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", detail("failed", error="boom", elapsed_time=2.5))

    with pytest.raises(RunFailed, match="boom") as caught:
        await stage.runner().run(stage.a_run(state=STATE, attempt=2))

    assert (caught.value.code, caught.value.retryable, caught.value.usage.elapsed) == ("dify_run_failed", True, 2.5)
    assert stage.dify.asked("POST", "/workflows/run") == []


async def test_a_running_run_is_listened_to_as_its_starter(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", detail("running"))
    stage.dify.on("GET", "/workflow/*/events", exchanges("31")[1].reply(asyncio.Event()))
    run = stage.a_run(state={**STATE, "run_id": "4058f5fa-4a45-47e4-a3dc-369f671ed302"}, attempt=3)

    done = await completed(stage.runner(), run)

    assert done.output == {"body": '{"slept": 3.0, "body": ""}'}
    assert stage.dify.asked("GET", "/workflow/*/events")[0].query["user"] == "tf-T-1"
    assert stage.dify.asked("POST", "/workflows/run") == []


async def test_a_stop_id_that_was_unknown_is_learned_from_live_events(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", detail("running"))
    stage.dify.on("GET", "/workflow/*/events", exchanges("31")[1].reply())
    state = {"run_id": "4058f5fa-4a45-47e4-a3dc-369f671ed302", "user": "tf-T-1", "attempt": 1}
    run = stage.a_run(state=state, attempt=2)

    await stage.runner().run(run)

    assert run.saved[-1]["task_id"] == "30e1564b-15d5-48e9-9eb3-daa0db87dd27"


async def test_running_is_no_proof_of_life(stage: Stage) -> None:
    """Older than its time: one look more, and it is lost, stopped, and may be started anew by another attempt."""
    stage.dify.on("GET", "/workflows/run/*", detail("running"))
    stage.dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))
    old = {**STATE, "started_at": NOW.timestamp() - 3600}
    run = stage.a_run(state=old, attempt=2, timeout=600)

    with pytest.raises(RunFailed) as caught:
        await stage.runner().run(run)

    assert (caught.value.code, caught.value.retryable) == ("dify_run_lost", True)
    assert stage.dify.asked("POST", "/workflows/run") == []
    assert len(stage.dify.asked("POST", "/workflows/tasks/task-1/stop")) == 1


async def test_a_run_that_dify_does_not_know_is_started_anew_at_once(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", NOT_FOUND)
    stage.dify.on("POST", "/workflows/run", ENDED)
    run = stage.a_run(state=STATE, attempt=2)

    assert (await completed(stage.runner(), run)).output == {"new": 1}

    assert stage.dify.asked("POST", "/workflows/run")[0].json["user"] == "tf-T-2"
    assert stage.dify.asked("GET", "/workflows/logs") == []
    assert run.saved[-1]["attempt"] == 2


async def test_a_forgotten_run_does_not_hide_that_of_a_later_attempt(stage: Stage) -> None:
    """Attempt 2 found run 1 gone, started its own and was cut off before it could store the id."""
    stage.dify.on("GET", "/workflows/run/run-1", NOT_FOUND)
    stage.dify.on("GET", "/workflows/run/run-2", detail("succeeded", run_id="run-2", outputs={"a": 2}))
    stage.dify.on("GET", "/workflows/logs", log_of(a2=("run-2", "succeeded")))

    assert (await completed(stage.runner(), stage.a_run(state=STATE, attempt=3))).output == {"a": 2}

    assert stage.dify.asked("POST", "/workflows/run") == []


async def test_cut_off_before_anything_was_stored_and_never_started(stage: Stage) -> None:
    stage.pace = replace(PACE, grace=0.3)
    stage.dify.on("GET", "/workflows/logs", logged())
    stage.dify.on("POST", "/workflows/run", ENDED)
    run = stage.a_run(state={}, attempt=4)

    assert (await completed(stage.runner(), run)).output == {"new": 1}

    users = [seen.query["created_by_end_user_session_id"] for seen in stage.dify.asked("GET", "/workflows/logs")]
    assert users[:3] == ["tf-T-3", "tf-T-2", "tf-T-1"]
    assert set(users[3:]) == {"tf-T-3"}, "the grace is for the latest: it may still be queued"
    assert len(users) > 3
    assert "starting one" in run.said


async def test_cut_off_before_anything_was_stored_and_appearing_late(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/logs", logged(), logged(), logged("run-9", user="tf-T-1"))
    stage.dify.on("GET", "/workflows/run/*", detail("succeeded", run_id="run-9", outputs={"late": 1}))
    stage.pace = replace(PACE, grace=5.0)
    run = stage.a_run(state={}, attempt=2)

    assert (await completed(stage.runner(), run)).output == {"late": 1}

    assert run.saved == [{"user": "tf-T-1", "attempt": 1, "run_id": "run-9", "upstream": {"run_id": "run-9"}}]
    assert stage.dify.asked("POST", "/workflows/run") == []


@pytest.mark.parametrize(
    ("state", "runs", "adopted"),
    [
        ({}, {"a3": ("run-3", "failed")}, "run-3"),
        ({}, {"a1": ("run-1", "failed")}, None),
        ({}, {"a1": ("run-1", "running")}, "run-1"),
        ({}, {"a1": ("run-1", "succeeded")}, "run-1"),
        ({"user": "tf-T-2", "attempt": 2}, {"a1": ("run-1", "succeeded")}, None),
        ({"user": "tf-T-2", "attempt": 2}, {"a2": ("run-2", "failed")}, "run-2"),
    ],
)
async def test_whose_run_is_adopted(
    stage: Stage, state: dict[str, Any], runs: dict[str, tuple[str, str]], adopted: str | None
) -> None:
    """Attempt 4 looks back. Failures of attempts before the last were accounted for, unless the state names them."""
    stage.dify.on("GET", "/workflows/logs", log_of(**runs))
    stage.dify.on("GET", "/workflows/run/*", lambda seen: detail("succeeded", outputs={"run": seen.path[-5:]}))
    stage.dify.on("POST", "/workflows/run", ENDED)

    done = await completed(stage.runner(), stage.a_run(state=state, attempt=4))

    assert done.output == ({"run": adopted} if adopted else {"new": 1})


async def test_only_so_many_attempts_are_looked_back(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/logs", logged())
    stage.dify.on("POST", "/workflows/run", ENDED)
    stage.pace = replace(PACE, grace=0.0)

    await stage.runner().run(stage.a_run(state={}, attempt=500))

    assert len(stage.dify.asked("GET", "/workflows/logs")) == 10


async def test_dify_away_is_waited_for_before_anything_is_started(stage: Stage) -> None:
    away = said({"code": "unknown", "message": "away"}, 500)
    stage.dify.on("GET", "/workflows/run/*", away, away, away, detail("succeeded", outputs={"a": 1}))
    run = stage.a_run(state=STATE, attempt=2)

    assert (await completed(stage.runner(), run)).output == {"a": 1}

    assert "Asking again until it answers" in run.said


@pytest.mark.parametrize("state", [STATE, {}])
async def test_dify_away_for_too_long_is_never_busy(stage: Stage, state: dict[str, Any]) -> None:
    """Busy would mean that nothing was started, and the trace of the earlier run would be thrown away."""
    away = said({"code": "too_many_requests", "message": "away"}, 429)
    for path in ("/workflows/run/*", "/workflows/logs"):
        stage.dify.on("GET", path, away)

    with pytest.raises(OutcomeUnknown, match="could not be asked"):
        await stage.runner().run(stage.a_run(state=state, attempt=2, timeout=0.1))

    assert stage.dify.asked("POST", "/workflows/run") == []


async def test_busy_after_a_look_that_found_nothing_is_busy(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", NOT_FOUND)
    stage.dify.on("POST", "/workflows/run", exchanges("26-")[1].reply())

    with pytest.raises(Busy):
        await stage.runner().run(stage.a_run(state=STATE, attempt=2))


async def test_a_cancelled_task_is_not_started_anew(stage: Stage) -> None:
    stage.dify.on("GET", "/workflows/run/*", NOT_FOUND)

    with pytest.raises(RunFailed) as caught:
        await stage.runner().run(stage.a_run(state=STATE, attempt=2, cancelled=True))

    assert caught.value.code == "stopped"
    assert stage.dify.asked("POST", "/workflows/run") == []
