"""The database goes away under a whole system: what clients hear, and what becomes of work that is under way."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from faults.chaos.evidence import read_performances
from faults.chaos.ground import Ground, down, ready

pytestmark = pytest.mark.timeout(600)

PATIENCE = 120.0
"""Seconds any condition may take on a busy machine."""


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with Ground(tmp_path, services=1, workers=1) as ground:
        yield ground


@pytest.fixture
async def api(ground: Ground) -> AsyncIterator[aiohttp.ClientSession]:
    async with ground.api(base_url=ground.services[0].url) as api:
        yield api


async def wait_for(probe: Callable[[], Awaitable[Any]], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := await probe():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:g} s for {what}")


async def submitted(api: aiohttp.ClientSession, kind: str, seconds: float) -> str:
    body = {"type": kind, "input_data": {"n": 1, "seconds": seconds}}
    async with api.post("/api/v1/tasks", json=body) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["id"])


async def ended(api: aiohttp.ClientSession, task_id: str) -> dict[str, Any]:
    """The task, once it has ended."""

    async def probe() -> dict[str, Any] | None:
        async with api.get(f"/api/v1/tasks/{task_id}") as answer:
            task = dict(await answer.json())
            return task if task.get("status") in ("completed", "failed", "cancelled") else None

    return dict(await wait_for(probe, f"the end of {task_id}"))


def at_work(ground: Ground) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return bool(read_performances(ground.record, ()))

    return probe


async def says(ground: Ground, words: str) -> None:
    """Return when the worker has said so."""

    async def probe() -> bool:
        return words in ground.workers[0].log.read_text(errors="replace")

    await wait_for(probe, f"the worker to say {words!r}")


async def come_back(ground: Ground) -> None:
    ground.database.start(wait=False)
    await ready(ground.database)


async def test_clients_hear_when_to_try_again_and_a_result_waits(ground: Ground, api: aiohttp.ClientSession) -> None:
    task_id = await submitted(api, "tick", 2.0)
    await wait_for(at_work(ground), "the task to be performed")
    await down(ground.database, signal.SIGKILL)
    async with api.post("/api/v1/tasks", json={"type": "tick", "input_data": {"n": 2, "seconds": 0}}) as answer:
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "2")
        assert (await answer.json())["type"] == "urn:tradefree:problem:storage-unavailable"
    async with api.get("/readyz") as answer:
        told = await answer.json()
        assert (answer.status, [error["field"] for error in told["errors"]]) == (503, ["database"])
    async with api.get("/healthz") as answer:
        assert answer.status == 200

    async def performed() -> bool:
        return read_performances(ground.record, ())[0].how == "ended"

    await wait_for(performed, "the result to be known")
    await says(ground, "database unavailable; trying again")
    await come_back(ground)
    task = await ended(api, task_id)
    assert [attempt["outcome"] for attempt in task["attempts"]] == ["completed"]
    assert len(read_performances(ground.record, ())) == 1
    async with api.get("/readyz") as answer:
        assert answer.status == 200
    assert len(await ground.truth.rows("SELECT id FROM tasks")) == 1, "what was refused must not be stored"


async def test_after_a_long_absence_a_run_at_dify_is_found_again(ground: Ground, api: aiohttp.ClientSession) -> None:
    """Longer than the lease: the worker drops what it performs, and begins anew when it can."""
    at_dify, ours = await submitted(api, "agent", 30.0), await submitted(api, "tick", 30.0)

    async def known() -> bool:
        rows = await ground.truth.rows("SELECT runner_state FROM tasks WHERE id = :id", id=at_dify)
        return "run_id" in (rows[0].runner_state or "")

    await wait_for(known, "the run's id to be stored")
    await wait_for(at_work(ground), "the other task to be performed")
    await down(ground.database, signal.SIGKILL)
    await says(ground, "lease lost")
    await come_back(ground)
    for task_id in (at_dify, ours):
        task = await ended(api, task_id)
        assert [attempt["outcome"] for attempt in task["attempts"]] == ["lost", "completed"], task_id
    (run,) = ground.dify.runs()
    assert (run.user, run.outcome) == (f"tf-{at_dify}-1", "succeeded")
    first, second = read_performances(ground.record, ())
    assert (first.how, second.how) == ("dropped", "ended")
    assert first.ended is not None
    assert first.ended < second.began
    assert ground.workers[0].lives
