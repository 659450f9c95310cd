"""Finding tasks and looking at one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, AttemptOutcome, LogLine, Task, Usage
from tradefree.tasks.transitions import Change
from tradefree.tasks.waits import Cause, Stretch


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def submit(world: World, **values: Any) -> str:
    answer = await world.api.post(f"{API}/tasks", json={"type": "echo", "input_data": {"n": 1}, **values})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def found(world: World, **params: Any) -> list[str]:
    answer = await world.api.get(f"{API}/tasks", params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_pages_run_from_the_newest_to_the_oldest_without_gap_or_repeat(world: World) -> None:
    ids = [await submit(world) for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        params: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await world.api.get(f"{API}/tasks", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        pages += 1
    assert seen == ids[::-1]
    assert pages == 3


async def test_each_filter_finds_what_it_names(world: World) -> None:
    plain = await submit(world)
    keyed = await submit(world, concurrency_key="Kunde 7", labels={"shop": "深圳", "kind": "a:b"})
    late = await submit(world, delay=60)
    strict = await submit(world, type="strict", input_data={"customer_id": "7"})
    await world.move(plain, Status.FAILED, error_message="the order is unknown")
    assert await found(world, status="failed") == [plain]
    assert await found(world, status="failed,scheduled") == [late, plain]
    assert await found(world, status=["failed", "scheduled"]) == [late, plain]
    assert await found(world, type="strict") == [strict]
    assert await found(world, concurrency_key="Kunde 7") == [keyed]
    assert await found(world, concurrency_key="kunde 7") == []
    assert await found(world, label="shop:深圳") == [keyed]
    assert await found(world, label=["shop:深圳", "kind:a:b"]) == [keyed]
    assert await found(world, label=["shop:深圳", "kind:a"]) == []
    assert await found(world, q="order is") == [plain]
    assert await found(world, q=keyed[:30]) != []
    now = datetime.now(UTC)
    assert await found(world, created_after=(now + timedelta(minutes=1)).isoformat()) == []
    assert len(await found(world, created_before=(now + timedelta(minutes=1)).isoformat())) == 4


async def test_what_ended_is_found_by_its_end_in_pages(world: World) -> None:
    """The last to end first, and a retry between two pages loses nothing."""
    begun = datetime.now(UTC)
    ids = [await submit(world) for _ in range(5)]
    for task in (done := [ids[n] for n in (3, 0, 4)]):
        await world.move(task, Status.FAILED, error_message="no")
    wanted = {"finished_after": (begun - timedelta(minutes=1)).isoformat()}
    assert await found(world, **wanted) == done[::-1]
    assert await found(world, **wanted, status="completed") == []
    assert await found(world, finished_before=begun.isoformat()) == []
    first = (await world.api.get(f"{API}/tasks", params={**wanted, "limit": 1})).json()
    assert (await world.api.post(f"{API}/tasks/{done[2]}/retries")).status_code == 202
    rest = {**wanted, "cursor": first["next_cursor"]}
    assert await found(world, **rest) == done[1::-1]
    answer = await world.api.get(f"{API}/tasks", params={"cursor": first["next_cursor"]})
    assert answer.status_code == 400


async def test_a_plus_that_became_a_space_is_understood(world: World) -> None:
    task = await submit(world)
    answer = await world.api.get(f"{API}/tasks?created_after=2020-01-01T00:00:00+08:00")
    assert [item["id"] for item in answer.json()["items"]] == [task]


BAD_QUERIES: list[tuple[dict[str, Any], int, str, str]] = [
    ({"cursor": "nonsense"}, 400, "cursor", "not a cursor"),
    ({"cursor": "AAAAAAAAAAAAAAAAAAAAAAA"}, 400, "cursor", "not a cursor"),
    ({"cursor": "%"}, 400, "cursor", "not a cursor"),
    ({"cursor": ""}, 400, "cursor", "not a cursor"),
    ({"limit": 0}, 422, "limit", "greater than or equal to 1"),
    ({"limit": 201}, 422, "limit", "less than or equal to 200"),
    ({"limit": "many"}, 422, "limit", "integer"),
    ({"status": "done"}, 422, "status/0", "'pending'"),
    ({"type": "A B"}, 422, "type/0", "pattern"),
    ({"label": "shop"}, 422, "label", "key:value"),
    ({"label": ["a:1", "a:2"]}, 422, "label", "two values"),
    ({"created_after": "yesterday"}, 422, "created_after", "datetime"),
    ({"finished_before": "soon"}, 422, "finished_before", "datetime"),
    ({"finished_after": "2026-01-01T00:00:00Z", "cursor": "AAAAAAAAAAAAAAAAAAAAAAA"}, 400, "cursor", "not a cursor"),
    ({"created_after": "2026-01-01"}, 422, "created_after", "timezone"),
    ({"payloads": "perhaps"}, 422, "payloads", "boolean"),
    ({"q": ""}, 422, "q", "1 character"),
    ({"q": "a\0b"}, 400, "q", "NUL"),
    ({"stauts": "failed"}, 422, "stauts", "not a known field"),
]


@pytest.mark.parametrize(("params", "status", "field", "reason"), BAD_QUERIES, ids=[str(b[0]) for b in BAD_QUERIES])
async def test_a_bad_query_is_refused_by_name(
    world: World, params: dict[str, Any], status: int, field: str, reason: str
) -> None:
    answer = await world.api.get(f"{API}/tasks", params=params)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert reason in answer.json()["errors"][0]["reason"]


async def test_lists_leave_payloads_out_unless_asked_and_allowed(world: World) -> None:
    await submit(world)
    reader = await world.as_key(Scope.TASKS_READ)
    for client, params, shown in [
        (world.api, {}, None),
        (world.api, {"payloads": "true"}, {"n": 1}),
        (reader, {"payloads": "true"}, None),
    ]:
        item = (await client.get(f"{API}/tasks", params=params)).json()["items"][0]
        assert item["input_data"] == shown
        assert item["payloads_hidden"] is (shown is None)


async def test_the_detail_shows_payloads_only_with_the_right(world: World) -> None:
    task = await submit(world)
    await world.move(task, Status.COMPLETED, output_data=[1.5, "深圳"])
    full = (await world.api.get(f"{API}/tasks/{task}")).json()
    assert (full["input_data"], full["output_data"], full["payloads_hidden"]) == ({"n": 1}, [1.5, "深圳"], False)
    reader = await world.as_key(Scope.TASKS_READ)
    hidden = (await reader.get(f"{API}/tasks/{task}")).json()
    assert (hidden["input_data"], hidden["output_data"], hidden["payloads_hidden"]) == (None, None, True)
    assert hidden["status"] == "completed"


async def test_the_detail_shows_ended_attempts_and_the_one_under_way(world: World) -> None:
    task_id = await submit(world)
    now = world.system.clock.now()
    usage = Usage(total_tokens=12, price=Decimal("0.00325"), currency="USD", elapsed=1.5)
    state = {"user": "u-1", "upstream": {"run_id": "r-1"}}

    def first_fails(task: Task) -> Change:
        ended = Attempt(task_id, 1, "w-1", now, now, AttemptOutcome.FAILED, "oops", "It broke.", usage, state)
        return Change(task, {"status": Status.PENDING}, LogLine(task_id, now, "info", "x"), ended)

    await world.system.store.decide([task_id], first_fails)
    await world.move(task_id, Status.PROCESSING, attempt_count=2, worker_id="w-2")
    attempts = (await world.api.get(f"{API}/tasks/{task_id}")).json()["attempts"]
    assert [attempt["number"] for attempt in attempts] == [1, 2]
    assert attempts[0]["outcome"] == "failed"
    assert attempts[0]["error_code"] == "oops"
    assert attempts[0]["usage"] == {
        "total_tokens": 12,
        "prompt_tokens": None,
        "completion_tokens": None,
        "price": "0.00325",
        "currency": "USD",
        "elapsed": 1.5,
    }
    assert attempts[0]["runner_state"] == state
    assert attempts[0]["upstream"] == {"run_id": "r-1"}
    assert attempts[1]["upstream"] is None
    assert attempts[1]["outcome"] is None
    assert attempts[1]["worker_id"] == "w-2"
    assert attempts[1]["finished_at"] is None
    reader = await world.as_key(Scope.TASKS_READ)
    shown = (await reader.get(f"{API}/tasks/{task_id}")).json()["attempts"][0]
    assert (shown["runner_state"], shown["upstream"]) == (None, {"run_id": "r-1"})


@pytest.mark.parametrize("task_id", ["nope", "深圳", "%00", "0" * 36, "00000000-0000-7000-8000-000000000000"])
async def test_what_is_no_task_is_not_found(world: World, task_id: str) -> None:
    answer = await world.api.get(f"{API}/tasks/{task_id}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_what_a_task_waited_for(world: World) -> None:
    task_id = await submit(world)
    task = await world.system.store.task(task_id)
    assert task is not None
    began = task.created_at - timedelta(minutes=1)
    seconds = [began + timedelta(seconds=second) for second in range(10)]
    stretches = [
        Stretch("echo", seconds[0] - timedelta(hours=1), seconds[2], Cause("full", "connection:main")),
        Stretch("echo", seconds[3], seconds[4], Cause("no_worker", "queue:default")),
        Stretch("strict", seconds[0], seconds[9], Cause("full", "everything")),
    ]
    await world.system.store.keep_stretches(stretches)
    await world.move(task_id, Status.PROCESSING, created_at=began, run_at=began, started_at=seconds[5])
    answer = await world.api.get(f"{API}/tasks/{task_id}/waits")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    pieces = [(one["kind"], one["scope"], one["began_at"], one["ended_at"]) for one in document["items"]]
    assert [(kind, scope) for kind, scope, *_ in pieces] == [
        ("full", "connection:main"),
        ("turn", "task"),
        ("no_worker", "queue:default"),
        ("turn", "task"),
    ]
    moments = [datetime.fromisoformat(end) for *_, end in pieces]
    assert moments == [seconds[2], seconds[3], seconds[4], seconds[5]]
    assert document["totals"] == [
        {"kind": "full", "scope": "connection:main", "seconds": 2.0},
        {"kind": "turn", "scope": "task", "seconds": 2.0},
        {"kind": "no_worker", "scope": "queue:default", "seconds": 1.0},
    ]


async def test_what_a_task_waited_for_is_told_to_those_who_may_see_it(world: World) -> None:
    task_id = await submit(world)
    other = await world.as_key(Scope.TASKS_READ, task_types=["strict"])
    assert (await other.get(f"{API}/tasks/{task_id}/waits")).status_code == 404
    assert (await world.api.get(f"{API}/tasks/nothing/waits")).status_code == 404
