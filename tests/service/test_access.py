"""Who may do what: every route is walked with no key, with a wrong one and with the right one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.event_calls import event, put_rule, send
from service.service_world import API, MAX_BODY, World, a_world
from tradefree.access.scopes import Scope
from tradefree.ids import new_id
from tradefree.service.callers import Needs
from tradefree.service.openapi import operations
from tradefree.settings import Settings
from tradefree.tasks.questions import Action, Question
from tradefree.tasks.states import Status

GUARDED = [
    (path, method, route.operation_id, guard) for path, method, route, guard in operations() if isinstance(guard, Needs)
]
OPEN = {(path, method) for path, method, _, guard in operations() if guard is None}

BODIES: dict[str, Any] = {
    "submit_task": {"type": "echo"},
    "submit_batch": [{"type": "echo"}],
    "answer_task": {"action": "yes"},
    "retry_task": {},
    "act_on_tasks": {"action": "cancel", "filter": {"type": ["echo"]}},
    "put_task_type": {"runner": "echo"},
    "put_connection": {"base_url": "https://dify.example/v1", "api_key": "app-secret"},
    "define_limit": {"max_running": 3},
    "change_limit": {"max_running": 3},
    "set_limit_mode": {"mode": "paused"},
    "put_trigger": {"event": "a", "task_type": "echo"},
    "enable_trigger": {"enabled": False},
    "preview_trigger": {"trigger": {"name": "echo", "event": "a", "task_type": "echo"}},
    "put_hook": {"preset": "github", "secrets": ["long-enough"]},
    "put_schedule": {"every": 60},
    "preview_schedule": {"every": 60},
    "pause_schedule": {},
    "put_subscription": {"url": "https://hooks.example.com/"},
    "pause_subscription": {},
    "rotate_subscription_secret": {},
    "rotate_callback_secret": {},
    "create_api_key": {"name": "k", "scopes": ["tasks:read"]},
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def ask(client: httpx.AsyncClient, world: World, path: str, method: str, operation: str) -> httpx.Response:
    """One request to a route, with everything in the path there."""
    name = "bot" if operation.endswith("_connection") else "echo"
    if "subscription" in operation and operation != "put_subscription":
        await world.api.put(f"{API}/subscriptions/echo", json={"url": "https://hooks.example.com/"})
    key_id = (await world.system.keys.list())[-1].id
    task = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    if operation in ("retry_task", "stream_task"):
        await world.move(task, Status.FAILED)
    if operation == "answer_task":
        question = Question("Well?", actions=(Action("yes"),)).stored(1)
        await world.move(task, Status.AWAITING_INPUT, question=question)
    scope = "limit:shared" if operation == "define_limit" else "type:echo"
    happened = ""
    if operation == "get_event":
        happened = (await send(world.api, event())).json()["id"]
    worker = ""
    if operation == "drain_worker":
        world.system.settings = Settings(broker_url="redis://127.0.0.1/0", max_body_bytes=MAX_BODY)
        worker = (await world.enlist("w", 1, worker_id=new_id())).id
    url = path.format(task_id=task, name=name, key_id=key_id, scope=scope, event_id=happened, worker_id=worker)
    if operation == "suggest_filters":
        url += "?field=type"
    if operation == "watch_everything":
        world.app.state.closing.set()  # or the answer would have no end
    if operation == "send_event":
        return await send(client, event())
    if path.startswith(f"{API}/triggers/{{name}}") and operation != "put_trigger":
        await put_rule(world.api, "echo", event="a")
    return await client.request(method, url, json=BODIES.get(operation))


def test_only_these_paths_are_open() -> None:
    beside = {("/", "get"), ("/healthz", "get"), ("/readyz", "get"), ("/metrics", "get"), ("/hooks/{name}", "post")}
    assert beside | {(f"{API}/console/session", "post")} == OPEN


def test_the_walk_sees_every_route(world: World) -> None:
    walked = {(path, method) for path, method, route, _ in operations() if route.include_in_schema}
    documented = {(path, method) for path, methods in world.app.openapi()["paths"].items() for method in methods}
    assert walked == documented
    beside = {path for route in world.app.routes if (path := getattr(route, "path", None)) is not None}
    assert beside == {"/openapi.json", "/docs", "/{path:path}"}, "the last are the console's files"


@pytest.mark.parametrize(("path", "method", "operation", "guard"), GUARDED, ids=[str(g[2]) for g in GUARDED])
async def test_a_route_demands_its_scope(world: World, path: str, method: str, operation: str, guard: Any) -> None:
    nobody = await ask(world.client(), world, path, method, operation)
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    others = [scope for scope in Scope if scope not in (guard.scope, Scope.ADMIN)]
    wrong = await ask(await world.as_key(*others), world, path, method, operation)
    assert wrong.status_code == 403
    assert guard.scope.value in wrong.json()["detail"]
    if operation in ("get_connection", "delete_connection", "check_connection"):
        nobody_there = {"base_url": "http://127.0.0.1:1/v1", "api_key": "app-secret"}
        await world.api.put(f"{API}/connections/bot", json=nobody_there)
    if operation.endswith("_hook"):
        await world.api.put(f"{API}/hooks/echo", json=BODIES["put_hook"])
    if "_schedule" in operation:
        await world.api.put(f"{API}/schedules/echo", json=BODIES["put_schedule"])
    if operation == "delete_task_type":
        await world.api.post(f"{API}/task-actions", json={"action": "cancel", "all": True})
    right = await ask(await world.as_key(guard.scope), world, path, method, operation)
    expected = {409} if operation == "delete_task_type" else {200, 201, 202, 204}
    assert right.status_code in expected, right.text


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "send an API key"),
        ({"Authorization": "Basic abc"}, "Bearer <key>"),
        ({"Authorization": "Bearer"}, "Bearer <key>"),
        ({"Authorization": "Bearer nonsense"}, "not well-formed"),
        ({"X-API-Key": "nonsense"}, "not well-formed"),
    ],
)
async def test_a_bad_key_is_refused_in_words(world: World, headers: dict[str, str], words: str) -> None:
    answer = await world.client().get(f"{API}/tasks", headers=headers)
    assert answer.status_code == 401
    assert words in answer.json()["detail"]


async def test_the_key_may_come_in_either_header(world: World) -> None:
    secret = await world.key(Scope.TASKS_READ)
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"authorization": f"bearer {secret}"},
        {"X-API-Key": secret},
    ):
        assert (await world.client().get(f"{API}/tasks", headers=headers)).status_code == 200


async def test_a_revoked_key_is_refused(world: World) -> None:
    made = (await world.api.post(f"{API}/api-keys", json={"name": "k", "scopes": ["tasks:read"]})).json()
    client = world.client(made["key"])
    assert (await client.get(f"{API}/tasks")).status_code == 200
    assert (await world.api.delete(f"{API}/api-keys/{made['id']}")).status_code == 204
    answer = await client.get(f"{API}/tasks")
    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]


# ── what a narrowed key sees ────────────────────────────────────────────────────────────────────────────────────────

ALL_TASK_SCOPES = (Scope.TASKS_READ, Scope.TASKS_WRITE, Scope.PAYLOADS_READ)
ONE_TASK = [
    ("GET", ""),
    ("GET", "/logs"),
    ("GET", "/stream"),
    ("POST", "/cancellation"),
    ("POST", "/retries"),
]


@pytest.mark.parametrize(("method", "suffix"), ONE_TASK)
@pytest.mark.parametrize("rules", [{"task_types": ("strict",)}, {"own_only": True}])
async def test_a_task_out_of_sight_is_not_found(world: World, method: str, suffix: str, rules: dict[str, Any]) -> None:
    task = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    narrow = await world.as_key(*ALL_TASK_SCOPES, **rules)
    hidden = await narrow.request(method, f"{API}/tasks/{task}{suffix}")
    absent = await narrow.request(method, f"{API}/tasks/{'0' * 8}-0000-7000-8000-{'0' * 12}{suffix}")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["title"] == absent.json()["title"]
    stored = await world.system.store.task(task)
    assert stored is not None
    assert stored.status is Status.PENDING


async def test_lists_and_actions_leave_out_what_is_out_of_sight(world: World) -> None:
    narrow = await world.as_key(*ALL_TASK_SCOPES, own_only=True)
    mine = (await narrow.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    theirs = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    assert [task["id"] for task in (await narrow.get(f"{API}/tasks")).json()["items"]] == [mine]
    acted = await narrow.post(f"{API}/task-actions", json={"action": "cancel", "all": True})
    assert acted.json() == {"matched": 1, "changed": 1}
    assert (await world.api.get(f"{API}/tasks/{theirs}")).json()["status"] == "pending"


async def test_a_key_for_one_type_sees_only_that_type(world: World) -> None:
    narrow = await world.as_key(*ALL_TASK_SCOPES, task_types=("strict",))
    await world.api.post(f"{API}/tasks", json={"type": "echo"})
    mine = await world.api.post(f"{API}/tasks", json={"type": "strict", "input_data": {"customer_id": "7"}})
    assert [task["id"] for task in (await narrow.get(f"{API}/tasks")).json()["items"]] == [mine.json()["id"]]
    assert (await narrow.get(f"{API}/tasks", params={"type": "echo"})).json()["items"] == []
    stats = (await narrow.get(f"{API}/stats")).json()
    assert stats["by_status"]["pending"] == stats["total"] == 1
    assert list(stats["by_type"]) == ["strict"]


async def test_a_key_that_sees_its_own_tasks_has_no_statistics(world: World) -> None:
    narrow = await world.as_key(Scope.TASKS_READ, own_only=True)
    assert (await narrow.get(f"{API}/stats")).status_code == 403


async def test_a_narrowed_key_defines_only_its_types(world: World) -> None:
    narrow = await world.as_key(Scope.DEFINITIONS_READ, Scope.DEFINITIONS_WRITE, task_types=("strict",))
    assert [item["name"] for item in (await narrow.get(f"{API}/task-types")).json()["items"]] == ["strict"]
    assert (await narrow.get(f"{API}/task-types/echo")).status_code == 404
    assert (await narrow.put(f"{API}/task-types/echo", json={"runner": "echo"})).status_code == 403
    assert (await narrow.delete(f"{API}/task-types/echo")).status_code == 403
