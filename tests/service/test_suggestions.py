"""What is suggested while somebody types a filter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.tasks import suggest


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def submit(api: httpx.AsyncClient, **values: Any) -> None:
    answer = await api.post(f"{API}/tasks", json={"type": "echo", "input_data": {"customer_id": "7"}, **values})
    assert answer.status_code == 202, answer.text


async def suggested(api: httpx.AsyncClient, field: str, prefix: str = "", **params: Any) -> list[str]:
    answer = await api.get(f"{API}/tasks/suggestions", params={"field": field, "prefix": prefix, **params})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_what_begins_so_each_once_the_newest_first(world: World) -> None:
    for key in ("Kunde 1", "客户 7", "kunde 2", None, "Kunde 1"):
        await submit(world.api, concurrency_key=key)
    await submit(world.api, type="strict", concurrency_key="kunde 3")
    assert await suggested(world.api, "concurrency_key", "KUNDE") == ["kunde 3", "Kunde 1", "kunde 2"]
    assert await suggested(world.api, "concurrency_key", "客") == ["客户 7"]
    assert await suggested(world.api, "concurrency_key", "kunde", type="strict") == ["kunde 3"]
    assert await suggested(world.api, "concurrency_key", "unde") == []
    assert await suggested(world.api, "type", "E") == ["echo"]


async def test_labels_come_by_name_and_then_with_values(world: World) -> None:
    await submit(world.api, labels={"shop": "深圳", "env": "prod"})
    await submit(world.api, labels={"shop": "a:b", "shift": "late"})
    assert await suggested(world.api, "label", "sh") == ["shop:", "shift:"]
    assert await suggested(world.api, "label", "shop:") == ["shop:a:b", "shop:深圳"]
    assert await suggested(world.api, "label", "shop:A") == ["shop:a:b"]


async def test_a_key_is_told_of_what_it_may_see(world: World) -> None:
    mine = await world.as_key(Scope.TASKS_READ, Scope.TASKS_WRITE, own_only=True)
    strict = await world.as_key(Scope.TASKS_READ, task_types=["strict"])
    await submit(world.api, concurrency_key="theirs", labels={"secret": "1"})
    await submit(world.api, type="strict", concurrency_key="strict")
    await submit(mine, concurrency_key="mine")
    assert await suggested(mine, "concurrency_key") == ["mine"]
    assert await suggested(mine, "label") == []
    assert await suggested(strict, "concurrency_key") == ["strict"]
    assert await suggested(strict, "concurrency_key", type="echo") == []
    assert await suggested(world.api, "concurrency_key") == ["mine", "strict", "theirs"]


async def test_no_more_is_looked_at_and_made_than_allowed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = [{"type": "echo", "input_data": {}, "concurrency_key": f"k{number:02}"} for number in range(30)]
    assert (await world.api.post(f"{API}/tasks/batch", json=batch)).status_code < 300
    assert await suggested(world.api, "concurrency_key") == [f"k{number:02}" for number in range(29, 9, -1)]
    monkeypatch.setattr(suggest, "NEWEST", 5)
    assert len(await suggested(world.api, "concurrency_key")) == 5


@pytest.mark.parametrize("params", [{}, {"field": "input_data"}, {"field": "label", "prefix": "x" * 256}])
async def test_what_cannot_be_suggested_is_refused(world: World, params: dict[str, str]) -> None:
    assert (await world.api.get(f"{API}/tasks/suggestions", params=params)).status_code == 422
    reader = await world.as_key(Scope.EVENTS_READ)
    assert (await reader.get(f"{API}/tasks/suggestions", params={"field": "type"})).status_code == 403
