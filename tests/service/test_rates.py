from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.service_world import API, World, a_world
from tradefree.access.keys import Keys
from tradefree.access.quotas import quota_rate
from tradefree.access.scopes import Scope


@pytest.fixture
async def limited() -> AsyncIterator[World]:
    """A service whose keys may make three requests an hour."""
    async with a_world() as world:
        world.system.keys = Keys(world.system.store, world.system.clock, quota_rate("3/h"))
        yield world


async def test_a_key_that_asks_too_often_is_told_when_to_come_again(limited: World) -> None:
    api = await limited.as_key(Scope.TASKS_READ, Scope.TASKS_WRITE)
    for left in (2, 1, 0):
        answer = await api.post(f"{API}/tasks", json={"type": "echo"})
        assert answer.status_code == 202
        assert answer.headers["RateLimit"].startswith(f'"key";r={left};t=')
        assert answer.headers["RateLimit-Policy"] == '"key";q=3;w=3600'
    answer = await api.get(f"{API}/tasks")
    assert answer.status_code == 429
    problem = answer.json()
    assert problem["type"] == "urn:tradefree:problem:rate-limited"
    assert "may make 3/h requests" in problem["detail"]
    assert 1100 <= int(answer.headers["Retry-After"]) <= 1200
    assert answer.headers["RateLimit"].startswith('"key";r=0;')
    assert await limited.tasks() == 3


async def test_another_key_is_not_held_up(limited: World) -> None:
    one, other = await limited.as_key(Scope.TASKS_READ), await limited.as_key(Scope.TASKS_READ)
    for _ in range(4):
        last = await one.get(f"{API}/tasks")
    assert last.status_code == 429
    assert (await other.get(f"{API}/tasks")).status_code == 200


async def test_what_is_refused_for_its_right_is_counted_too(limited: World) -> None:
    api = await limited.as_key(Scope.TASKS_READ)
    statuses = [(await api.get(f"{API}/api-keys")).status_code for _ in range(4)]
    assert statuses == [403, 403, 403, 429]


async def test_health_is_never_limited(limited: World) -> None:
    api = await limited.as_key(Scope.TASKS_READ)
    assert {(await api.get("/healthz")).status_code for _ in range(10)} == {200}
    assert "RateLimit" not in (await api.get("/healthz")).headers


async def test_without_a_rate_there_are_no_such_headers() -> None:
    async with a_world() as world:
        assert "RateLimit" not in (await world.api.get(f"{API}/tasks")).headers
