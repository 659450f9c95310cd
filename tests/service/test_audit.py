from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope

SECOND = timedelta(seconds=1)
CANARY = "app-canary-5f2d"
HOOK = {"preset": "github", "secrets": [CANARY]}
SCHEDULE = {"cron": "0 3 * * *", "event": {"type": "com.example.night"}}
SUBSCRIPTION = {"url": "https://hooks.test/x"}
TRIGGER = {"event": "order.created", "task_type": "echo"}

CHANGES: list[tuple[str, str, Any, str, str]] = [
    ("PUT", "/task-types/new", {"runner": "echo"}, "type.put", "type:new"),
    ("DELETE", "/task-types/strict", None, "type.delete", "type:strict"),
    (
        "PUT",
        "/connections/bot",
        {"base_url": "http://dify.test/v1", "api_key": CANARY},
        "connection.put",
        "connection:bot",
    ),
    ("PUT", "/hooks/git", HOOK, "hook.put", "hook:git"),
    ("PUT", "/schedules/night", SCHEDULE, "schedule.put", "schedule:night"),
    ("PUT", "/triggers/order", TRIGGER, "trigger.put", "trigger:order"),
    ("PUT", "/subscriptions/shop", SUBSCRIPTION, "subscription.put", "subscription:shop"),
    ("PUT", "/limits/everything/baseline", {"max_running": 5}, "limit.define", "everything"),
    ("PATCH", "/limits/everything", {"max_running": 4}, "limit.change", "everything"),
    ("POST", "/api-keys", {"name": "shop", "scopes": ["tasks:read"]}, "key.create", "key:"),
    ("POST", "/task-actions", {"action": "cancel", "filter": {"type": ["echo"]}}, "tasks.cancel.done", "tasks"),
]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def trail(world: World) -> list[dict[str, Any]]:
    return list((await world.api.get(f"{API}/audit")).json()["items"])


@pytest.mark.parametrize(
    ("method", "path", "body", "action", "target"), CHANGES, ids=lambda v: v if isinstance(v, str) else ""
)
async def test_every_change_is_written_down(
    world: World, method: str, path: str, body: Any, action: str, target: str
) -> None:
    before = len(await trail(world))
    answer = await world.api.request(method, API + path, json=body)
    assert answer.status_code < 300, answer.text
    newest, *_ = lines = await trail(world)
    assert len(lines) > before
    assert newest["action"] == action
    assert newest["target"].startswith(target)
    assert newest["actor"] == "a test"
    assert CANARY not in str(lines)


@pytest.mark.parametrize(
    ("path", "body"), [("/task-types/new", {"runner": "echo"}), ("/hooks/git", HOOK), ("/schedules/night", SCHEDULE)]
)
async def test_what_changes_nothing_is_not(world: World, path: str, body: Any) -> None:
    await world.api.put(API + path, json=body)
    lines = await trail(world)
    await world.api.put(API + path, json=body)
    assert await trail(world) == lines


async def test_a_deletion_is(world: World) -> None:
    await world.api.put(f"{API}/hooks/git", json=HOOK)
    await world.api.put(f"{API}/schedules/night", json=SCHEDULE)
    await world.api.put(f"{API}/connections/bot", json={"base_url": "http://dify.test/v1", "api_key": CANARY})
    for path in ("hooks/git", "schedules/night", "connections/bot"):
        assert (await world.api.delete(f"{API}/{path}")).status_code == 204
    assert [line["action"] for line in await trail(world)][:3] == [
        "connection.delete",
        "schedule.delete",
        "hook.delete",
    ]


async def test_a_key_is_revoked_once(world: World) -> None:
    made = (await world.api.post(f"{API}/api-keys", json={"name": "x", "scopes": ["tasks:read"]})).json()
    for _ in range(2):
        await world.api.delete(f"{API}/api-keys/{made['id']}")
    actions = [line["action"] for line in await trail(world) if line["target"] == f"key:{made['id']}"]
    assert actions == ["key.revoke", "key.create"]
    assert made["key"] not in str(await trail(world))


async def test_an_action_on_many_tells_what_was_asked_and_done(world: World) -> None:
    for _ in range(3):
        await world.api.post(f"{API}/tasks", json={"type": "echo"})
    await world.api.post(f"{API}/task-actions", json={"action": "cancel", "filter": {"type": ["echo"]}})
    done, asked, *_ = await trail(world)
    assert (asked["action"], asked["detail"]["filter"]) == ("tasks.cancel", {"type": ["echo"]})
    assert (done["detail"]["matched"], done["detail"]["changed"]) == (3, 3)


async def test_a_line_names_the_key_by_its_id(world: World) -> None:
    await world.api.put(f"{API}/task-types/new", json={"runner": "echo"})
    keys = (await world.api.get(f"{API}/api-keys")).json()["items"]
    assert (await trail(world))[0]["detail"]["key"] in {key["id"] for key in keys}


async def test_the_trail_of_a_time(world: World) -> None:
    await world.api.put(f"{API}/task-types/new", json={"runner": "echo"})
    [line] = (await world.api.get(f"{API}/audit", params={"action": "type.*", "actor": "a test"})).json()["items"]
    at = datetime.fromisoformat(line["at"])
    for params, count in (
        ({"after": (at - SECOND).isoformat(), "before": (at + SECOND).isoformat()}, 1),
        ({"after": (at + SECOND).isoformat()}, 0),
        ({"before": (at - SECOND).isoformat()}, 0),
    ):
        answer = await world.api.get(f"{API}/audit", params={"target": "type:new", **params})
        assert len(answer.json()["items"]) == count, params
    assert (await world.api.get(f"{API}/audit", params={"after": "today"})).status_code == 422


async def test_the_trail_is_for_admins_and_cannot_be_changed(world: World) -> None:
    writer = await world.as_key(Scope.DEFINITIONS_READ, Scope.DEFINITIONS_WRITE)
    assert (await writer.get(f"{API}/audit")).status_code == 403
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await world.api.request(method, f"{API}/audit")).status_code == 405
