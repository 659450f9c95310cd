"""Secrets that were put in are looked for in everything that comes out."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.service_world import API, ENDLESS, World, a_world
from tradefree.service.openapi import operations

CONNECTION = "app-canary-connection"
HOOK = "canary-hook-0123456789"
SUBSCRIPTION = "whsec_" + base64.b64encode(b"canary-subscription-secret").decode()
CANARIES = (CONNECTION, HOOK, SUBSCRIPTION)

PUT: list[tuple[str, dict[str, Any]]] = [
    ("connections/bot", {"base_url": "http://127.0.0.1:9/v1", "api_key": CONNECTION}),
    ("hooks/git", {"preset": "github", "secrets": [HOOK]}),
    ("subscriptions/shop", {"url": "https://hooks.test/x", "secret": SUBSCRIPTION}),
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("connections/bot", {"base_url": "nonsense", "api_key": CONNECTION}),
    ("connections/bot", {"base_url": "http://127.0.0.1:9/v1", "api_key": CONNECTION, "max_running": 0}),
    ("hooks/git", {"preset": "nonsense", "secrets": [HOOK]}),
    ("hooks/git", {"preset": "standard-webhooks", "secrets": [HOOK]}),
    ("subscriptions/shop", {"url": "nonsense", "secret": SUBSCRIPTION}),
    ("subscriptions/shop", {"url": "https://hooks.test/x", "secret": SUBSCRIPTION + "!"}),
]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_no_answer_and_no_log_line_has_a_secret(world: World) -> None:
    secret = str(world.api.headers["Authorization"]).split()[1]
    seen: list[str] = []
    with capture_logs() as logged:
        for path, body in [*PUT, *WRONG]:
            seen.append((await world.api.put(f"{API}/{path}", json=body)).text)
        seen.append((await world.api.post(f"{API}/connections/bot/check")).text)
        for path, method, route, _ in operations():
            if method == "get" and route.operation_id not in ENDLESS:
                name = {"connections": "bot", "hooks": "git"}.get(
                    path.split("/")[3] if path.count("/") > 2 else "", "shop"
                )
                url = path.format(name=name, task_id="x", event_id="x", scope="everything", key_id="x")
                seen.append((await world.api.get(url)).text)
    everything = "\n".join(seen) + str(logged)
    assert len(seen) > 30
    assert [canary for canary in (*CANARIES, secret) if canary in everything] == []
    assert "canary" not in everything


async def test_a_wrong_key_is_not_repeated(world: World) -> None:
    with capture_logs() as logged:
        answer = await world.client("tfk_canary").get(f"{API}/tasks")
    assert answer.status_code == 401
    assert "canary" not in answer.text + str(logged) + str(answer.headers)


async def test_the_store_gives_secrets_only_to_those_who_need_them(world: World) -> None:
    for path, body in PUT:
        assert (await world.api.put(f"{API}/{path}", json=body)).status_code == 201
    connection = (await world.system.store.connections())["bot"]
    hook = (await world.system.store.hooks())["git"]
    subscriber = (await world.system.store.subscribers())["shop"]
    assert "canary" not in repr(connection) + repr(hook) + repr(subscriber)
