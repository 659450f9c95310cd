"""Signing in to the console, and what a request by cookie must bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.service_world import API, World, a_world
from tradefree.access.keys import new_secret
from tradefree.access.scopes import Scope
from tradefree.settings import Settings

SESSION = f"{API}/console/session"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def browser(world: World, *scopes: Scope, **rules: Any) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    """A browser that is signed in, and its session. httpx sends Secure cookies over https only."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=world.app), base_url="https://service")
    world.clients.append(client)
    answer = await client.post(SESSION, json={"api_key": await world.key(*scopes, **rules)})
    assert answer.status_code == 200, answer.text
    return client, answer.json()


async def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(world: World) -> None:
    secret = await world.key(Scope.TASKS_READ)
    answer = await world.client().post(SESSION, json={"api_key": secret})
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == "__Host-tradefree"
    token, *attributes = [part.strip() for part in rest.split(";")]
    assert sorted(a.lower() for a in attributes) == [
        "httponly",
        "max-age=604800",
        "path=/",
        "samesite=strict",
        "secure",
    ]
    assert token not in answer.text
    assert secret not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_session_says_who_it_is(world: World) -> None:
    client, session = await browser(world, Scope.TASKS_READ, Scope.TASKS_WRITE, task_types=("echo",), own_only=True)
    assert session["role"] == "operator"
    assert session["scopes"] == ["tasks:read", "tasks:write"]
    assert session["payloads"] is False
    assert session["task_types"] == ["echo"]
    assert session["own_only"] is True
    assert (await client.get(SESSION)).json() == session
    _, admin = await browser(world, Scope.ADMIN)
    assert admin["role"] == "admin"
    assert admin["payloads"] is True
    assert set(admin["scopes"]) == set(Scope)


async def test_a_session_has_the_rights_of_its_key_and_no_others(world: World) -> None:
    client, session = await browser(world, Scope.TASKS_READ)
    assert (await client.get(f"{API}/tasks")).status_code == 200
    refused = await client.post(f"{API}/tasks", json={"type": "echo"}, headers={"X-CSRF-Token": session["csrf_token"]})
    assert refused.status_code == 403
    assert "tasks:write" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["tasks", "task-actions"], ids=["shortcut", "route"])
@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "X-CSRF-Token"),
        ({"X-CSRF-Token": "guessed"}, "X-CSRF-Token"),
        ({"X-CSRF-Token": "é"}, "X-CSRF-Token"),
        ({"X-CSRF-Token": "right", "Origin": "https://evil.example"}, "another site"),
        ({"X-CSRF-Token": "right", "Origin": "null"}, "another site"),
        ({"X-CSRF-Token": "right", "Origin": "https://service.evil.example"}, "another site"),
    ],
)
async def test_what_another_site_may_have_sent_is_refused(
    world: World, path: str, headers: dict[str, str], words: str
) -> None:
    client, session = await browser(world, Scope.ADMIN)
    if headers.get("X-CSRF-Token") == "right":
        headers = {**headers, "X-CSRF-Token": session["csrf_token"]}
    sent = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = await client.post(f"{API}/{path}", json={"type": "echo"}, headers=sent)
    assert answer.status_code == 403
    assert words in answer.json()["detail"]
    assert await world.tasks() == 0


async def test_our_own_page_is_let_in(world: World) -> None:
    client, session = await browser(world, Scope.ADMIN)
    right = {"X-CSRF-Token": session["csrf_token"]}
    for origin in ({}, {"Origin": "https://service"}):
        answer = await client.post(f"{API}/tasks", json={"type": "echo"}, headers={**right, **origin})
        assert answer.status_code == 202
    world.system.settings = world.system.settings.model_copy(update={"public_url": "https://tasks.example.com/x"})
    behind = {**right, "Origin": "https://tasks.example.com"}
    assert (await client.post(f"{API}/tasks", json={"type": "echo"}, headers=behind)).status_code == 202


async def test_the_token_of_one_session_is_not_good_for_another(world: World) -> None:
    client, _ = await browser(world, Scope.ADMIN)
    _, other = await browser(world, Scope.ADMIN)
    answer = await client.post(f"{API}/tasks", json={"type": "echo"}, headers={"X-CSRF-Token": other["csrf_token"]})
    assert answer.status_code == 403


async def test_a_key_beside_the_cookie_counts_and_needs_no_token(world: World) -> None:
    client, _ = await browser(world, Scope.TASKS_READ)
    bearer = {"Authorization": f"Bearer {await world.key(Scope.TASKS_WRITE)}"}
    assert (await client.post(f"{API}/tasks", json={"type": "echo"}, headers=bearer)).status_code == 202


async def test_signing_out(world: World) -> None:
    client, session = await browser(world, Scope.TASKS_READ)
    kept = client.cookies["__Host-tradefree"]
    assert (await client.delete(SESSION)).status_code == 403
    answer = await client.delete(SESSION, headers={"X-CSRF-Token": session["csrf_token"]})
    assert answer.status_code == 204
    assert "__Host-tradefree" not in client.cookies
    stolen = await client.get(f"{API}/tasks", headers={"Cookie": f"__Host-tradefree={kept}"})
    assert stolen.status_code == 401
    assert "sign in" in stolen.json()["detail"]


async def test_signing_out_everywhere(world: World) -> None:
    secret = await world.key(Scope.TASKS_READ)
    clients = [httpx.AsyncClient(transport=httpx.ASGITransport(app=world.app), base_url="https://s") for _ in range(2)]
    world.clients.extend(clients)
    sessions = [(await client.post(SESSION, json={"api_key": secret})).json() for client in clients]
    gone = await clients[0].delete(
        SESSION, params={"everywhere": "true"}, headers={"X-CSRF-Token": sessions[0]["csrf_token"]}
    )
    assert gone.status_code == 204
    assert (await clients[1].get(SESSION)).status_code == 401


async def test_a_bad_key_begins_nothing(world: World) -> None:
    client = world.client()
    for key, words in (("nonsense", "not well-formed"), (new_secret(), "unknown")):
        answer = await client.post(SESSION, json={"api_key": key})
        assert answer.status_code == 401
        assert words in answer.json()["detail"]
        assert "Set-Cookie" not in answer.headers
        assert key not in answer.text
    too_long = await client.post(SESSION, json={"api_key": "k" * 500})
    assert too_long.status_code == 422
    assert "kkkk" not in too_long.text
    for _ in range(8):
        await client.post(SESSION, json={"api_key": "nonsense"})
    answer = await client.post(SESSION, json={"api_key": "nonsense"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


async def test_nobody_is_signed_in_by_another_site(world: World) -> None:
    answer = await world.client().post(
        SESSION, json={"api_key": await world.key(Scope.ADMIN)}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


async def test_a_key_is_no_session(world: World) -> None:
    assert (await world.api.get(SESSION)).status_code == 401


async def test_over_plain_http_the_cookie_has_another_name(world: World) -> None:
    world.system.settings = Settings(console_insecure_cookie=True)
    client = world.client()
    answer = await client.post(SESSION, json={"api_key": await world.key(Scope.TASKS_READ)})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("tradefree=")
    assert "secure" not in cookie.lower()
    assert (await client.get(SESSION)).status_code == 200


async def test_the_database_away_is_no_sign_out(world: World) -> None:
    client, _ = await browser(world, Scope.TASKS_READ)
    world.system.store.away = True
    assert (await client.get(SESSION)).status_code == 503
    world.system.store.away = False
    assert (await client.get(SESSION)).status_code == 200
