from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.service_world import API, World, a_world

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


@pytest.mark.parametrize(
    "path", [f"{API}/tasks", f"{API}/nowhere", "/", "/docs", "/healthz", "/openapi.json", "/hooks/x"]
)
async def test_every_answer_has_headers_for_browsers(world: World, path: str) -> None:
    answer = await world.api.get(path)
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert len(answer.headers.get_list("Content-Security-Policy")) == 1


async def test_what_a_key_may_see_is_kept_by_nobody(world: World) -> None:
    assert (await world.api.get(f"{API}/tasks")).headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in (await world.api.get("/docs")).headers


async def test_answers_to_strangers_have_them_too(world: World) -> None:
    answer = await world.client().post(f"{API}/tasks", json={})
    assert answer.status_code == 401
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Server" not in answer.headers
