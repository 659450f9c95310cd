"""Health, readiness, workers, statistics, the landing page and the reference page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.service_world import API, World, a_world
from tradefree.service.context import leaving_of
from tradefree.tasks.states import Status


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_statistics_name_every_status_and_add_up_the_workers(world: World) -> None:
    empty = (await world.api.get(f"{API}/stats")).json()
    assert empty["by_status"] == {status.value: 0 for status in Status}
    assert empty["workers"] == {"live": 0, "capacity": 0, "in_flight": 0}
    worker = await world.enlist("w", 7)
    await world.enlist("x", 5)
    ids = [(await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"] for _ in range(3)]
    await world.move(ids[0], Status.COMPLETED)
    await world.move(ids[1], Status.PROCESSING, worker_id=worker.id)
    stats = (await world.api.get(f"{API}/stats")).json()
    assert {status: number for status, number in stats["by_status"].items() if number} == {
        "pending": 1,
        "processing": 1,
        "completed": 1,
    }
    assert stats["by_type"] == {"echo": {"pending": 1, "processing": 1, "completed": 1}}
    assert stats["total"] == 3
    assert stats["workers"] == {"live": 2, "capacity": 12, "in_flight": 1}
    assert stats["leads"] is True


async def test_workers_are_listed_with_what_they_have(world: World) -> None:
    worker = await world.enlist("w", 7)
    task = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    await world.move(task, Status.PROCESSING, worker_id=worker.id)
    (listed,) = (await world.api.get(f"{API}/workers")).json()["items"]
    assert (listed["id"], listed["name"], listed["status"]) == (worker.id, "w", "live")
    assert (listed["capacity"], listed["in_flight"], listed["queues"]) == (7, 1, ["default"])


async def test_a_queue_that_nobody_serves_is_seen(world: World) -> None:
    await world.api.put(f"{API}/task-types/far", json={"runner": "echo", "queue": "far"})
    for name in ("echo", "far", "far"):
        await world.api.post(f"{API}/tasks", json={"type": name})
    await world.enlist("w1", 7)
    queues = (await world.api.get(f"{API}/stats")).json()["queues"]
    assert queues == [
        {"name": "default", "waiting": 1, "workers": 1, "capacity": 7},
        {"name": "far", "waiting": 2, "workers": 0, "capacity": 0},
    ]


async def test_a_worker_that_is_dead_or_overdue_is_no_capacity(world: World) -> None:
    worker = await world.enlist("w", 7)
    await world.system.store.bury(worker.id, at_once=True)
    await world.enlist("x", 5, lease=0)
    assert (await world.api.get(f"{API}/stats")).json()["workers"] == {"live": 0, "capacity": 0, "in_flight": 0}


async def test_health_says_that_the_process_lives_whatever_is_down(world: World) -> None:
    world.system.store.away = True
    world.system.trouble["database"] = "it is away"
    answer = await world.client().get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "version": "0.0.test"}


async def test_readiness_names_the_part_that_is_down(world: World) -> None:
    nobody = world.client()
    good = await nobody.get("/readyz")
    assert good.status_code == 200
    assert good.json()["parts"] == {"database": "ok", "broker": "ok"}
    world.system.trouble["database"] = "the database does not answer"
    bad = await nobody.get("/readyz")
    assert bad.status_code == 503
    assert bad.headers["Content-Type"] == "application/problem+json"
    assert bad.json()["errors"] == [{"field": "database", "reason": "the database does not answer"}]


async def test_a_service_that_is_to_stop_says_so_and_answers_everything_else(world: World) -> None:
    leaving_of(world.app).set()
    bad = await world.client().get("/readyz")
    assert bad.status_code == 503
    assert bad.json()["errors"] == [{"field": "service", "reason": "it stops; ask another"}]
    assert (await world.client().get("/healthz")).status_code == 200


async def test_a_service_without_its_broker_stays_in_the_load_balancer(world: World) -> None:
    world.system.trouble["broker"] = "the broker does not answer"
    answer = await world.client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"] == {"database": "ok", "broker": "the broker does not answer"}


async def test_the_landing_page_links_to_what_is_there(world: World) -> None:
    nobody = world.client()
    links = (await nobody.get("/")).json()["links"]
    for name in ("docs", "openapi", "health", "ready"):
        assert (await nobody.get(links[name])).status_code == 200, name


async def test_the_reference_page_shows_every_operation_and_loads_nothing(world: World) -> None:
    answer = await world.client().get("/docs")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for methods in world.app.openapi()["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in answer.text
    for loading in ("<script", "src=", "http://", "<link", "@import"):
        assert loading not in answer.text
