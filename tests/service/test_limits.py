"""/limits, /audit, and why a task waits, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope

SCHEMA = {"runner": "echo", "concurrency": {"max_running": 5}}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        await made.api.put(f"{API}/task-types/echo", json=SCHEMA)
        yield made


async def limit(world: World, scope: str) -> dict[str, Any]:
    answer = await world.api.get(f"{API}/limits/{scope}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_every_scope_is_listed_the_widest_first(world: World) -> None:
    await world.api.put(f"{API}/limits/limit:shared/baseline", json={"rate": "60/m", "burst": 3})
    items = (await world.api.get(f"{API}/limits")).json()["items"]
    assert [item["scope"] for item in items] == [
        "everything",
        "queue:default",
        "limit:shared",
        "type:echo",
        "type:strict",
    ]
    assert items[2] | {"starts_left": 3, "rate": "60/m", "burst": 3} == items[2]
    assert items[3] | {"max_running": 5, "in_flight": 0, "waiting": 0, "mode": "open", "override": None} == items[3]


async def test_a_change_is_shown_beside_what_is_defined_and_written_down(world: World) -> None:
    body = {"max_running": 2, "for": "1h", "reason": "slow today"}
    answer = await world.api.patch(f"{API}/limits/type:echo", json=body)
    assert answer.status_code == 200
    found = answer.json()
    assert found["max_running"] == 2
    assert found["baseline"] == {"max_running": 5}
    assert found["override"]["values"] == {"max_running": 2}
    assert found["override"]["reason"] == "slow today"
    assert found["override"]["until"] is not None
    assert await limit(world, "type:echo") == found
    await world.api.delete(f"{API}/limits/type:echo")
    assert (await limit(world, "type:echo"))["override"] is None
    trail = (await world.api.get(f"{API}/audit?target=type:echo")).json()["items"]
    assert [entry["action"] for entry in trail] == ["limit.reset", "limit.change", "type.put"]
    assert trail[1]["detail"]["after"]["values"] == {"max_running": 2}
    assert trail[0]["actor"]


async def test_pause_resume_and_drain(world: World) -> None:
    for mode, shown in (("paused", "paused"), ("draining", "drained"), ("open", "open")):
        answer = await world.api.put(f"{API}/limits/everything/mode", json={"mode": mode, "reason": "why not"})
        assert answer.json()["mode"] == shown
    assert (await limit(world, "everything"))["mode"] == "open"


async def test_a_lane_is_named_by_its_key_whatever_is_in_it(world: World) -> None:
    answer = await world.api.put(f"{API}/limits/lane:echo/a/b%20客户/mode", json={"mode": "paused", "reason": "why"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["label"] == "lane:echo/a/b 客户"
    task = (await world.api.post(f"{API}/tasks", json={"type": "echo", "concurrency_key": "a/b 客户"})).json()
    waiting = (await world.api.get(f"{API}/tasks/{task['id']}")).json()["waiting"]
    assert [hold["kind"] for hold in waiting["holds"]] == ["no_worker", "paused"]
    assert [(hold["by"], hold["reason"]) for hold in waiting["holds"]] == [(None, None), ("a test", "why")]
    assert waiting["ahead"] == 0


async def test_why_it_waits(world: World) -> None:
    task = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()
    waiting = (await world.api.get(f"{API}/tasks/{task['id']}")).json()["waiting"]
    (hold,) = waiting["holds"]
    assert (hold["kind"], hold["scope"]) == ("no_worker", "queue:default")
    assert "No live worker" in hold["message"]


async def test_too_many_waiting_is_429_with_the_scope(world: World) -> None:
    await world.api.patch(f"{API}/limits/type:echo", json={"max_pending": 1})
    assert (await world.api.post(f"{API}/tasks", json={"type": "echo"})).status_code == 202
    answer = await world.api.post(f"{API}/tasks", json={"type": "echo"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "type:echo" in answer.json()["detail"]
    batch = await world.api.post(f"{API}/tasks/batch", json=[{"type": "echo"}])
    assert batch.status_code == 207
    assert batch.json()["items"][0]["error"]["status"] == 429


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PATCH", "type:echo", {"max_running": 0}, 422, "max_running"),
        ("PATCH", "type:echo", {"rate": "fast"}, 422, "rate"),
        ("PATCH", "type:echo", {"max_runing": 3}, 422, "max_runing"),
        ("PATCH", "type:echo", {"reason": "nothing else"}, 422, ""),
        ("PATCH", "type:nope", {"max_running": 1}, 404, None),
        ("PATCH", "nope", {"max_running": 1}, 422, "scope"),
        ("PUT", "type:echo/mode", {"mode": "off"}, 422, "mode"),
        ("PUT", "type:echo/mode", {"mode": "paused", "for": "-1"}, 422, "for"),
        ("PUT", "type:echo/baseline", {"max_running": 1}, 422, "scope"),
        ("PUT", "limit:Bad Name/baseline", {"max_running": 1}, 422, "scope"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field(
    world: World, method: str, path: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    answer = await world.api.request(method, f"{API}/limits/{path}", json=body)
    assert answer.status_code == status, answer.text
    if field is not None:
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    trail = (await world.api.get(f"{API}/audit")).json()["items"]
    assert not [entry for entry in trail if entry["action"].startswith("limit.")]


async def test_a_key_for_one_type_sees_and_changes_its_own(world: World) -> None:
    await world.api.put(f"{API}/task-types/other", json={"runner": "echo"})
    api = await world.as_key(Scope.DEFINITIONS_READ, Scope.DEFINITIONS_WRITE, task_types=("echo",))
    listed = (await api.get(f"{API}/limits")).json()["items"]
    assert [item["scope"] for item in listed] == ["queue:default", "type:echo"]
    assert (await api.patch(f"{API}/limits/type:echo", json={"max_running": 1})).status_code == 200
    assert (await api.patch(f"{API}/limits/type:other", json={"max_running": 1})).status_code == 403
    assert (await api.patch(f"{API}/limits/everything", json={"max_running": 1})).status_code == 403
    assert (await api.patch(f"{API}/limits/queue:default", json={"max_running": 1})).status_code == 403
