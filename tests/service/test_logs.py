"""The logs of all tasks over HTTP: pages, and a file to keep."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.service.routers import all_logs
from tradefree.tasks.task import LogLine

LOGS = f"{API}/logs"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def submit(world: World, **fields: Any) -> str:
    return str((await world.api.post(f"{API}/tasks", json={"type": "echo", **fields})).json()["id"])


async def test_pages_from_the_newest_on(world: World) -> None:
    task = await submit(world)
    await world.log(task, "one", "two", "three")
    first = (await world.api.get(LOGS, params={"limit": 2})).json()
    assert [line["message"] for line in first["items"]] == ["three", "two"]
    assert {(line["task_id"], line["type"]) for line in first["items"]} == {(task, "echo")}
    assert first["reached"] == first["items"][-1]["created_at"]
    second = (await world.api.get(LOGS, params={"limit": 10, "cursor": first["next_cursor"]})).json()
    assert [line["message"] for line in second["items"]] == ["one", "Accepted."]
    assert second["next_cursor"] is second["reached"] is None
    oldest = (await world.api.get(LOGS, params={"order": "oldest", "limit": 1})).json()
    assert oldest["items"][0]["message"] == "Accepted."


async def test_filters(world: World) -> None:
    task, other = await submit(world), await submit(world, type="strict", input_data={"customer_id": "7"})
    await world.log(task, "it hums")
    await world.log(task, "it BREAKS", level="error")
    await world.log(other, "it breaks here", level="warning")

    async def found(**params: str) -> list[str]:
        items = (await world.api.get(LOGS, params={**params, "order": "oldest"})).json()["items"]
        return [line["message"] for line in items if line["message"] != "Accepted."]

    assert await found(level="warning") == ["it BREAKS", "it breaks here"]
    assert await found(text="breaks") == ["it BREAKS", "it breaks here"]
    assert await found(type="strict") == ["it breaks here"]
    assert await found(type="strict,echo", level="error") == ["it BREAKS"]
    assert await found(**{"from": "2100-01-01T00:00:00Z"}) == []
    assert len(await found(to="2100-01-01T00:00:00Z")) == 3


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"level": "loud"}, "level"),
        ({"from": "noon"}, "from"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"cursor": "Av__________"}, "cursor"),
        ({"order": "random"}, "order"),
        ({"limit": "0"}, "limit"),
        ({"task": "x"}, "task"),
    ],
)
async def test_what_cannot_be(world: World, params: dict[str, str], field: str) -> None:
    answer = await world.api.get(LOGS, params=params)
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"][0]["field"] == field


async def test_all_of_it_as_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_logs, "MANY", 2)
    task = await submit(world)
    await world.log(task, *(f"line {n}" for n in range(7)))
    answer = await world.api.get(LOGS, params={"text": "line"}, headers={"Accept": "application/x-ndjson"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert "attachment" in answer.headers["Content-Disposition"]
    documents = [json.loads(line) for line in answer.text.splitlines()]
    assert [document["message"] for document in documents] == [f"line {n}" for n in range(7)]
    page = (await world.api.get(LOGS, params={"text": "line", "order": "oldest"})).json()["items"]
    assert documents == page


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
async def test_nobody_reads_what_is_not_for_him(world: World, accept: str) -> None:
    secret = "sk-very-secret"
    mine = await world.as_key(Scope.TASKS_READ, Scope.TASKS_WRITE, own_only=True)
    typed = await world.as_key(Scope.TASKS_READ, task_types=("strict",))
    theirs = await submit(world)
    now = world.system.clock.now()
    await world.system.store.append_logs([LogLine(theirs, now, "info", "hidden", data={"payload": secret, "n": 1})])
    own = (await mine.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    await world.log(own, "visible")
    headers = {"Accept": accept}
    assert "visible" in (await mine.get(LOGS, headers=headers)).text
    for client in (mine, typed):
        for params in ({}, {"type": "echo"}):
            assert "hidden" not in (await client.get(LOGS, params=params, headers=headers)).text
    reader = await world.as_key(Scope.TASKS_READ)
    shown = (await reader.get(LOGS, headers=headers)).text
    assert "hidden" in shown
    assert secret not in shown
    assert secret in (await world.api.get(LOGS, headers=headers)).text


async def test_one_tasks_log_by_text_and_time(world: World) -> None:
    task = await submit(world)
    await world.log(task, "one", "two")
    path = f"{API}/tasks/{task}/logs"
    assert [line["message"] for line in (await world.api.get(path, params={"text": "TW"})).json()["items"]] == ["two"]
    assert (await world.api.get(path, params={"at": "2100-01-01T00:00:00Z"})).json()["items"] == []
    assert len((await world.api.get(path, params={"at": "2020-01-01T00:00:00Z"})).json()["items"]) == 3
