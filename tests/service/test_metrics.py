"""GET /metrics: open on the loopback, closed elsewhere unless there is a token; and requests are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from metrics.reading import Reading
from service.service_world import World, a_world
from tradefree.settings import Settings

TOKEN = "0123456789abcdef"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def scrape(world: World) -> Reading:
    answer = await world.client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return Reading(answer.text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
async def test_on_the_loopback_it_is_open(world: World, host: str) -> None:
    world.system.settings = Settings(host=host)
    await world.api.post("/api/v1/tasks", json={"type": "echo", "input_data": {}})
    page = await scrape(world)
    assert page.value("tasks", type="echo", status="pending") == 1
    assert page.value("build_info", version=world.system.version) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.3", "tasks.internal"])
async def test_where_others_reach_it_a_token_is_needed(world: World, host: str) -> None:
    world.system.settings = Settings(host=host)
    answer = await world.api.get("/metrics")
    assert answer.status_code == 401
    assert "TRADEFREE_METRICS_TOKEN" in answer.json()["detail"]
    assert "tradefree_tasks" not in answer.text


async def test_the_token_opens_it(world: World) -> None:
    world.system.settings = Settings(host="0.0.0.0", metrics_token=TOKEN)
    for token, status in ((None, 401), ("x" * 16, 401), (TOKEN, 200)):
        assert (await world.client(token).get("/metrics")).status_code == status
    assert TOKEN not in repr(world.system.settings)


async def test_requests_are_counted_by_the_pattern_of_their_route(world: World) -> None:
    task = (await world.api.post("/api/v1/tasks", json={"type": "echo", "input_data": {}})).json()
    for path in (f"/api/v1/tasks/{task['id']}", "/api/v1/tasks/nope", "/healthz", "/no/such/path", "/%00"):
        await world.api.get(path)
    await world.client().get("/api/v1/stats")
    await world.api.request("BREW", "/healthz")
    assert (await scrape(world)).all("http_requests_total") == {
        ("POST", "/api/v1/tasks", "202"): 1,
        ("GET", "/api/v1/tasks/{task_id}", "200"): 1,
        ("GET", "/api/v1/tasks/{task_id}", "404"): 1,
        ("GET", "/api/v1/stats", "401"): 1,
        ("GET", "/healthz", "200"): 1,
        ("GET", "none", "404"): 2,
        ("other", "/healthz", "405"): 1,
    }


async def test_every_path_has_a_pattern(world: World) -> None:
    """Nothing that a caller sends becomes a label."""
    world.app.state.closing.set()  # or an answer would have no end
    for path, methods in world.app.openapi()["paths"].items():
        for method in methods:
            await world.api.request(method.upper(), path.replace("{", "x-").replace("}", "-x"))
    routes = {labels[1] for labels in (await scrape(world)).all("http_requests_total")}
    assert routes - {"none"} <= {*world.app.openapi()["paths"], "/metrics"}
    assert not [route for route in routes if "x-" in route]


async def test_the_database_away(world: World) -> None:
    world.system.store.away = True
    page = await scrape(world)
    assert page.value("database_up") == 0
