"""Task types, connections and API keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.service_world import API, World, a_world

BOT = {"base_url": "https://dify.example/v1", "api_key": "app-very-secret"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_a_new_task_type_can_be_used_at_once(world: World) -> None:
    assert (await world.api.post(f"{API}/tasks", json={"type": "fresh"})).status_code == 422
    definition = {"runner": "echo", "timeout": "10m", "concurrency": {"max_running": 3}}
    made = await world.api.put(f"{API}/task-types/fresh", json=definition)
    assert made.status_code == 201
    assert made.json()["name"] == "fresh"
    assert made.json()["timeout"] == 600
    assert (await world.api.post(f"{API}/tasks", json={"type": "fresh"})).status_code == 202


async def test_what_was_read_can_be_written_back(world: World) -> None:
    read = (await world.api.get(f"{API}/task-types/strict")).json()
    written = await world.api.put(f"{API}/task-types/strict", json=read)
    assert written.status_code == 200
    assert written.json() == read
    assert (await world.api.get(f"{API}/task-types")).json()["items"][1] == read


BAD_TYPES: list[tuple[str, Any, str, str]] = [
    ("t", {}, "runner", "required"),
    ("t", {"runner": "nope"}, "runner", "known: echo"),
    ("t", {"runner": "echo", "connection": "nope"}, "connection", "none is defined yet"),
    ("t", {"runner": "echo", "name": "other"}, "name", "as in the path"),
    ("t", {"runner": "echo", "options": {"speed": 9}}, "options", "unknown option 'speed'"),
    ("t", {"runner": "echo", "input_schema": {"type": "thing"}}, "input_schema", "JSON Schema"),
    ("t", {"runner": "echo", "timeout": "soon"}, "timeout", "10m"),
    ("t", {"runner": "echo", "retry": {"max_attempts": 0}}, "retry/max_attempts", "greater than or equal to 1"),
    ("t", {"runner": "echo", "limits": {}}, "limits", "valid tuple"),
    ("t", {"runner": "echo", "limits": ["nope"]}, "limits", "unknown limit"),
    ("t", {"runner": "echo", "rate": "0/s"}, "rate", "at least one start"),
    ("t", {"runner": "echo", "concurrency": {"key": "input."}}, "concurrency/key", "not a CEL expression"),
    ("Bad Name", {"runner": "echo"}, "name", "pattern"),
    ("t", [], "", "object"),
]


@pytest.mark.parametrize(("name", "body", "field", "reason"), BAD_TYPES, ids=[str(b[1]) for b in BAD_TYPES])
async def test_a_bad_task_type_is_refused_and_not_stored(
    world: World, name: str, body: Any, field: str, reason: str
) -> None:
    answer = await world.api.put(f"{API}/task-types/{name}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert reason in answer.json()["errors"][0]["reason"]
    assert [item["name"] for item in (await world.api.get(f"{API}/task-types")).json()["items"]] == ["echo", "strict"]


async def test_a_task_type_with_live_tasks_stays(world: World) -> None:
    task = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    assert (await world.api.delete(f"{API}/task-types/echo")).status_code == 409
    await world.api.post(f"{API}/tasks/{task}/cancellation")
    assert (await world.api.delete(f"{API}/task-types/echo")).status_code == 204
    assert (await world.api.get(f"{API}/task-types/echo")).status_code == 404
    assert (await world.api.delete(f"{API}/task-types/echo")).status_code == 404


async def test_a_connections_secret_goes_in_and_never_comes_out(world: World) -> None:
    made = await world.api.put(f"{API}/connections/bot", json=BOT)
    assert made.status_code == 201
    shown = {"name": "bot", "kind": "dify", "base_url": BOT["base_url"], "api_key_set": True, "options": {}}
    shown |= {"max_running": None, "rate": None, "burst": 1, "max_pending": None, "adaptive": True}
    assert made.json() == (await world.api.get(f"{API}/connections/bot")).json() == shown
    assert (await world.api.get(f"{API}/connections")).json() == {"items": [shown]}
    stored = (await world.system.store.connections())["bot"]
    assert stored.api_key == "app-very-secret"


async def test_a_stored_secret_is_kept_only_for_the_same_address(world: World) -> None:
    await world.api.put(f"{API}/connections/bot", json=BOT)
    kept = await world.api.put(f"{API}/connections/bot", json={"base_url": BOT["base_url"], "options": {"a": 1}})
    assert kept.status_code == 200
    assert kept.json()["options"] == {"a": 1}
    moved = await world.api.put(f"{API}/connections/bot", json={"base_url": "https://elsewhere.example/v1"})
    assert moved.status_code == 422
    assert moved.json()["errors"][0]["field"] == "api_key"
    stored = (await world.system.store.connections())["bot"]
    assert (stored.base_url, stored.api_key, stored.options) == (BOT["base_url"], BOT["api_key"], {"a": 1})


BAD_CONNECTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"base_url": BOT["base_url"]}, "api_key", "required"),
    ({"api_key": "app-1"}, "base_url", "required"),
    ({**BOT, "base_url": "ftp://dify.example"}, "base_url", "pattern"),
    ({**BOT, "base_url": "https://user:pw@dify.example"}, "base_url", "pattern"),
    ({**BOT, "api_key": "app-very-secret "}, "", "white space"),
    ({**BOT, "kind": "other"}, "kind", "pattern"),
    ({**BOT, "name": "other"}, "name", "as in the path"),
    ({**BOT, "secret": "x"}, "secret", "not a known field"),
]


@pytest.mark.parametrize(("body", "field", "reason"), BAD_CONNECTIONS, ids=[str(b[1:]) for b in BAD_CONNECTIONS])
async def test_a_bad_connection_is_refused_without_repeating_the_secret(
    world: World, body: dict[str, Any], field: str, reason: str
) -> None:
    answer = await world.api.put(f"{API}/connections/bot", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert reason in answer.json()["errors"][0]["reason"]
    assert "very-secret" not in answer.text
    assert "user:pw" not in answer.text
    assert await world.system.store.connections() == {}


async def test_environment_variables_are_not_expanded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "app-from-the-service")
    await world.api.put(f"{API}/connections/bot", json={**BOT, "api_key": "${SECRET}"})
    assert (await world.system.store.connections())["bot"].api_key == "${SECRET}"


async def test_a_connection_in_use_stays(world: World) -> None:
    await world.api.put(f"{API}/connections/bot", json=BOT)
    await world.api.put(f"{API}/task-types/user", json={"runner": "echo", "connection": "bot"})
    assert (await world.api.delete(f"{API}/connections/bot")).status_code == 409
    await world.api.delete(f"{API}/task-types/user")
    assert (await world.api.delete(f"{API}/connections/bot")).status_code == 204
    assert (await world.api.delete(f"{API}/connections/bot")).status_code == 404


async def test_an_api_key_is_shown_once(world: World) -> None:
    body = {"name": "shop", "scopes": ["tasks:write", "tasks:read"], "task_types": ["echo"], "expires_in": "1d"}
    made = await world.api.post(f"{API}/api-keys", json=body)
    assert made.status_code == 201
    key = made.json()
    assert key["key"].startswith(key["hint"])
    assert key["scopes"] == ["tasks:read", "tasks:write"]
    listed = await world.api.get(f"{API}/api-keys")
    assert listed.json()["items"][-1] == {name: value for name, value in key.items() if name != "key"}
    assert key["key"] not in listed.text
    assert (await world.client(key["key"]).get(f"{API}/tasks")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["admin"]}, "name"),
        ({"name": "", "scopes": ["admin"]}, "name"),
        ({"name": "k", "scopes": []}, "scopes"),
        ({"name": "k", "scopes": ["root"]}, "scopes/0"),
        ({"name": "k", "scopes": ["admin"], "expires_in": 0}, "expires_in"),
        ({"name": "k", "scopes": ["admin"], "task_types": []}, "task_types"),
        ({"name": "k", "scopes": ["admin"], "task_types": ["A B"]}, "task_types/0"),
        ({"name": "k", "scopes": ["admin"], "own_only": 1}, "own_only"),
        ({"name": "k", "scopes": ["admin"], "id": "x"}, "id"),
    ],
)
async def test_a_bad_api_key_is_refused(world: World, body: dict[str, Any], field: str) -> None:
    before = len(await world.system.keys.list())
    answer = await world.api.post(f"{API}/api-keys", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert len(await world.system.keys.list()) == before


@pytest.mark.parametrize("key_id", ["nope", "00000000-0000-7000-8000-000000000000"])
async def test_a_key_that_is_not_there_cannot_be_revoked(world: World, key_id: str) -> None:
    assert (await world.api.delete(f"{API}/api-keys/{key_id}")).status_code == 404
