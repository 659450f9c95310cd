"""Cancel and retry, one by one and by filter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.tasks.states import TERMINAL, Status


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def submit(world: World, status: Status = Status.PENDING, **values: Any) -> str:
    task_id = str((await world.api.post(f"{API}/tasks", json={"type": "echo", **values})).json()["id"])
    if status is not Status.PENDING:
        await world.move(task_id, status)
    return task_id


async def status_of(world: World, task_id: str) -> str:
    return str((await world.api.get(f"{API}/tasks/{task_id}")).json()["status"])


async def test_a_waiting_task_is_cancelled_at_once(world: World) -> None:
    task = await submit(world)
    for _ in range(2):  # asking twice is the same as once
        answer = await world.api.post(f"{API}/tasks/{task}/cancellation")
        assert answer.status_code == 200
        assert answer.json()["status"] == "cancelled"


async def test_the_worker_of_a_running_task_is_asked(world: World) -> None:
    task = await submit(world, Status.PROCESSING)
    answer = await world.api.post(f"{API}/tasks/{task}/cancellation")
    assert answer.status_code == 202
    assert answer.json()["status"] == "processing"
    assert answer.json()["cancel_requested_at"] is not None


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
async def test_what_has_ended_cannot_be_cancelled(world: World, status: Status) -> None:
    task = await submit(world, status)
    answer = await world.api.post(f"{API}/tasks/{task}/cancellation")
    assert answer.status_code == 409
    assert status in answer.json()["detail"]
    assert await status_of(world, task) == status


@pytest.mark.parametrize("status", sorted(TERMINAL))
async def test_what_has_ended_can_be_retried(world: World, status: Status) -> None:
    task = await submit(world, status)
    answer = await world.api.post(f"{API}/tasks/{task}/retries")
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    assert answer.json()["finished_at"] is None


async def test_a_retry_may_have_other_input(world: World) -> None:
    task = await submit(world, Status.FAILED, type="strict", input_data={"customer_id": "7"})
    refused = await world.api.post(f"{API}/tasks/{task}/retries", json={"input_data": {"customer_id": 8}})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "input_data/customer_id"
    assert await status_of(world, task) == "failed"
    answer = await world.api.post(f"{API}/tasks/{task}/retries", json={"input_data": {"customer_id": "8"}})
    assert answer.status_code == 202
    assert answer.json()["input_data"] == {"customer_id": "8"}


async def test_a_live_task_cannot_be_retried(world: World) -> None:
    task = await submit(world)
    answer = await world.api.post(f"{API}/tasks/{task}/retries")
    assert answer.status_code == 409
    assert "pending" in answer.json()["detail"]


async def act(world: World, **body: Any) -> dict[str, int]:
    answer = await world.api.post(f"{API}/task-actions", json=body)
    assert answer.status_code == 200, answer.text
    outcome: dict[str, int] = answer.json()
    return outcome


async def test_an_action_changes_what_matches_and_nothing_else(world: World) -> None:
    ours = await submit(world, labels={"shop": "a"})
    other = await submit(world, labels={"shop": "b"})
    running = await submit(world, Status.PROCESSING, labels={"shop": "a"})
    ended = await submit(world, Status.COMPLETED, labels={"shop": "a"})
    assert await act(world, action="cancel", filter={"labels": {"shop": "a"}}) == {"matched": 2, "changed": 2}
    assert [await status_of(world, task) for task in (ours, other, running, ended)] == [
        "cancelled",
        "pending",
        "processing",
        "completed",
    ]


async def test_completed_work_is_done_again_only_if_that_is_said(world: World) -> None:
    failed = await submit(world, Status.FAILED)
    completed = await submit(world, Status.COMPLETED)
    assert await act(world, action="retry", all=True) == {"matched": 1, "changed": 1}
    assert (await status_of(world, failed), await status_of(world, completed)) == ("pending", "completed")
    assert await act(world, action="retry", filter={"status": ["completed"]}) == {"matched": 1, "changed": 1}
    assert await status_of(world, completed) == "pending"


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"action": "cancel"}, "", "all"),
    ({"action": "cancel", "filter": {}}, "", "all"),
    ({"action": "cancel", "filter": {"status": [], "labels": {}}}, "", "all"),
    ({"action": "cancel", "filter": {"concurrency_key": None}}, "", "all"),
    ({"action": "cancel", "filter": {}, "all": "yes"}, "all", "boolean"),
    ({"action": "delete", "all": True}, "action", "'cancel' or 'retry'"),
    ({"all": True}, "action", "required"),
    ({"action": "cancel", "filter": {"state": ["failed"]}}, "filter/state", "not a known field"),
    ({"action": "cancel", "filter": {"status": ["done"]}}, "filter/status/0", "'pending'"),
]


@pytest.mark.parametrize(("body", "field", "reason"), BAD, ids=[str(b[0]) for b in BAD])
async def test_a_bad_action_is_refused_and_changes_nothing(
    world: World, body: dict[str, Any], field: str, reason: str
) -> None:
    task = await submit(world)
    answer = await world.api.post(f"{API}/task-actions", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert reason in answer.json()["errors"][0]["reason"]
    assert await status_of(world, task) == "pending"
