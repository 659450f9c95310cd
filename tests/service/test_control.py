"""Cancel and retry, one by one and by filter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.service import estimate
from tradefree.tasks.series import Happening, sorted_in
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


async def act(world: World, **body: Any) -> dict[str, Any]:
    answer = await world.api.post(f"{API}/task-actions", json=body)
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()
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


async def test_a_dry_run_counts_and_does_nothing(world: World) -> None:
    failed = [await submit(world, Status.FAILED) for _ in range(3)]
    other = await submit(world, Status.FAILED, type="strict", input_data={"customer_id": "7"})
    outcome = await act(world, action="retry", all=True, dry_run=True)
    assert (outcome["matched"], outcome["changed"]) == (4, 0)
    assert outcome["estimate"] == {"by_type": {"echo": 3, "strict": 1}, "more": False, "tokens": None, "cost": None}
    assert {await status_of(world, task) for task in (*failed, other)} == {"failed"}
    assert await world.system.store.audit(limit=10, target="tasks") == []


async def test_a_dry_run_of_a_retry_says_what_it_may_cost(world: World) -> None:
    for _ in range(3):
        await submit(world, Status.FAILED)
    now = datetime.now(UTC)
    happened = [
        Happening(now, "task.completed", "echo", tokens=100, price=Decimal("0.5"), currency="USD"),
        Happening(now, "task.failed", "echo", tokens=20, price=Decimal("0.1"), currency="USD"),
        Happening(now - timedelta(days=40), "task.failed", "echo", tokens=10_000),
        Happening(now, "task.completed", "strict", tokens=10_000),
    ]
    assert await world.system.store.tally(None, 1, sorted_in(happened))
    told = (await act(world, action="retry", all=True, dry_run=True))["estimate"]
    assert told["tokens"] == 180
    assert told["cost"] == {"USD": pytest.approx(0.9)}
    failed = {"status": ["failed"]}
    assert (await act(world, action="cancel", filter=failed, dry_run=True))["estimate"]["cost"] is None


async def test_more_than_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "MOST", 2)
    for _ in range(3):
        await submit(world)
    outcome = await act(world, action="cancel", all=True, dry_run=True)
    assert (outcome["matched"], outcome["estimate"]["more"]) == (2, True)


async def test_step_by_step_everything_is_done_once(world: World) -> None:
    tasks = [await submit(world) for _ in range(5)]
    outcome = await act(world, action="cancel", all=True, limit=2)
    assert (outcome["matched"], outcome["changed"]) == (2, 2)
    assert [await status_of(world, task) for task in tasks] == ["pending"] * 3 + ["cancelled"] * 2
    late = await submit(world)
    changed = 2
    while outcome["next_cursor"] is not None:
        outcome = await act(world, action="cancel", all=True, limit=2, cursor=outcome["next_cursor"])
        changed += outcome["changed"]
    assert changed == 5
    assert await status_of(world, late) == "pending", "it came after the action"
    trail = [entry.action for entry in await world.system.store.audit(limit=10, target="tasks")]
    assert trail == ["tasks.cancel.done"] * 3 + ["tasks.cancel"]


async def test_a_dry_run_sees_no_more_than_the_key(world: World) -> None:
    await submit(world)
    narrow = await world.as_key(Scope.TASKS_WRITE, own_only=True)
    answer = await narrow.post(f"{API}/task-actions", json={"action": "cancel", "all": True, "dry_run": True})
    assert answer.json()["matched"] == 0


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"action": "cancel"}, "", "all"),
    ({"action": "cancel", "filter": {}}, "", "all"),
    ({"action": "cancel", "filter": {"status": [], "labels": {}}}, "", "all"),
    ({"action": "cancel", "filter": {"concurrency_key": None}}, "", "all"),
    ({"action": "cancel", "filter": {}, "all": "yes"}, "all", "boolean"),
    ({"action": "cancel", "all": True, "limit": 0}, "limit", "greater than"),
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
