"""``input_schema: from-app``: the app's form decides at submit, and a check brings it up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.dify.runner import dify_runners
from tradefree.testing.dify_standin import App, Config, DifyStandin, InputField, Node

NODE = Node(id="n", title="N")


def apps(*form: InputField) -> Config:
    return Config(
        apps=[
            App(name="flow", key="app-flow", inputs=list(form), nodes=[NODE]),
            App(name="chat", key="app-chat", mode="chat", inputs=list(form), nodes=[NODE]),
            App(name="draft", key="app-draft", nodes=[NODE], published=False),
        ]
    )


@pytest.fixture
async def dify() -> AsyncIterator[DifyStandin]:
    async with DifyStandin(apps(InputField(name="text", required=True, max_length=5))) as server:
        yield server


@pytest.fixture
async def world(dify: DifyStandin) -> AsyncIterator[World]:
    async with a_world() as made:
        made.system.runners = {**made.system.runners, **{runner.name: runner for runner in dify_runners()}}
        for app in ("flow", "chat", "draft"):
            body = {"base_url": dify.base_url, "api_key": f"app-{app}"}
            await made.api.put(f"{API}/connections/{app}", json=body)
        yield made


def definition(app: str = "flow", **more: Any) -> dict[str, Any]:
    runner = "dify.chat" if app == "chat" else "dify.workflow"
    return {"runner": runner, "connection": app, "input_schema": "from-app", **more}


async def submit(world: World, input_data: Any) -> list[str]:
    """The fields that were refused."""
    answer = await world.api.post(f"{API}/tasks", json={"type": "sum-up", "input_data": input_data})
    return [error["field"] for error in answer.json().get("errors", [])]


async def test_wrong_inputs_are_refused_at_submit_with_the_fields_name(world: World) -> None:
    made = await world.api.put(f"{API}/task-types/sum-up", json=definition())
    assert made.status_code == 201, made.text
    assert made.json()["input_schema"] == "from-app"
    assert made.json()["derived_schema"]["required"] == ["text"]
    assert await submit(world, {"text": "short"}) == []
    assert await submit(world, {"text": "too long"}) == ["input_data/text"]
    assert await submit(world, {}) == ["input_data"]


async def test_a_chats_query_is_asked_for_too(world: World) -> None:
    await world.api.put(f"{API}/task-types/sum-up", json=definition("chat", options={"conversation": "customer.id"}))
    assert await submit(world, {"text": "t", "query": "q", "customer": {"id": "C-1"}}) == []
    assert await submit(world, {"text": "t", "query": "", "customer": {"id": "C-1"}}) == ["input_data/query"]
    assert await submit(world, {"text": "t", "query": "q", "customer": {}}) == ["input_data/customer"]


async def test_what_was_read_can_be_written_back(world: World) -> None:
    made = (await world.api.put(f"{API}/task-types/sum-up", json=definition())).json()
    assert (await world.api.put(f"{API}/task-types/sum-up", json=made)).json() == made
    plain = {**made, "input_schema": None}
    assert (await world.api.put(f"{API}/task-types/sum-up", json=plain)).json()["derived_schema"] is None


BAD: list[tuple[dict[str, Any], str]] = [
    (definition("draft"), "the app is not published"),
    (definition(options={"workflow_id": "v-1"}), "latest version"),
    ({"runner": "echo", "input_schema": "from-app"}, "needs a connection"),
    ({"runner": "echo", "connection": "flow", "input_schema": "from-app"}, "not for echo"),
    (definition(input_schema="from-the-app"), "from-app"),
]


@pytest.mark.parametrize(("body", "words"), BAD, ids=[words for _, words in BAD])
async def test_a_schema_that_cannot_be_had_is_refused(world: World, body: dict[str, Any], words: str) -> None:
    answer = await world.api.put(f"{API}/task-types/sum-up", json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "input_schema"
    assert words in error["reason"]


async def test_a_dify_that_is_away_is_said(world: World) -> None:
    await world.api.put(f"{API}/connections/flow", json={"base_url": "http://127.0.0.1:1/v1", "api_key": "app-flow"})
    answer = await world.api.put(f"{API}/task-types/sum-up", json=definition())
    assert answer.status_code == 422
    assert "refuses connections" in answer.json()["errors"][0]["reason"]
    assert "app-flow" not in answer.text


async def test_a_check_brings_the_schema_up_to_date(world: World) -> None:
    await world.api.put(f"{API}/task-types/sum-up", json=definition())
    async with DifyStandin(apps(InputField(name="other", required=True))) as changed:
        await world.api.put(f"{API}/connections/flow", json={"base_url": changed.base_url, "api_key": "app-flow"})
        assert await submit(world, {"text": "short"}) == []
        assert (await world.api.post(f"{API}/connections/flow/check")).json()["ok"]
        assert await submit(world, {"text": "short"}) == ["input_data"]
        assert await submit(world, {"other": "x"}) == []
