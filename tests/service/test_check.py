"""POST /connections/{name}/check."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.testing.dify_standin import App, Config, DifyStandin, Node

KEY = "app-very-secret"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
async def dify() -> AsyncIterator[DifyStandin]:
    async with DifyStandin(
        Config(apps=[App(name="work", key=KEY, inputs=["query"], nodes=[Node(id="n", title="N")])])
    ) as server:
        yield server


async def define(world: World, base_url: str, key: str = KEY) -> None:
    body = {"base_url": base_url, "api_key": key}
    assert (await world.api.put(f"{API}/connections/bot", json=body)).status_code == 201


async def test_a_good_connection_tells_what_is_there(world: World, dify: DifyStandin) -> None:
    await define(world, dify.base_url)
    answer = await world.api.post(f"{API}/connections/bot/check")
    report = answer.json()
    assert answer.status_code == 200, answer.text
    assert (report["connection"], report["ok"], report["app"], report["mode"]) == ("bot", True, "work", "workflow")
    assert [field["variable"] for field in report["form"]] == ["query"]
    assert KEY not in answer.text


async def test_what_is_wrong_is_an_answer_and_no_error(world: World, dify: DifyStandin) -> None:
    await define(world, dify.base_url, "app-another-one")
    answer = await world.api.post(f"{API}/connections/bot/check", json={})
    assert answer.status_code == 200
    assert not answer.json()["ok"]
    assert "app-another-one" not in answer.text


async def test_a_connection_that_is_not_there(world: World) -> None:
    assert (await world.api.post(f"{API}/connections/nope/check")).status_code == 404


async def test_it_needs_the_right_to_change_definitions(world: World) -> None:
    reader = await world.as_key(Scope.DEFINITIONS_READ)
    assert (await reader.post(f"{API}/connections/bot/check")).status_code == 403
