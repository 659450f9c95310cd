"""Draining a worker, and what runs here, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.service_world import API, World, a_world
from tradefree.ids import new_id
from tradefree.settings import Settings
from tradefree.tasks.ports import WORKERS, Entry


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        made.system.settings = Settings(broker_url="redis://:canary-password@127.0.0.1/0")
        yield made


async def enlisted(world: World) -> str:
    """A worker whose id looks like one."""
    return (await world.enlist("w", 10, worker_id=new_id())).id


async def test_a_worker_is_drained_and_told_at_once(world: World) -> None:
    worker = await enlisted(world)
    async with world.system.signals.subscribe(WORKERS) as messages:
        answer = await world.api.post(f"{API}/workers/{worker}/drain")
        assert answer.status_code == 202
        assert (answer.json()["id"], answer.json()["status"]) == (worker, "draining")
        assert await anext(messages) == {"ids": [worker]}
    again = await world.api.post(f"{API}/workers/{worker}/drain")
    assert again.status_code == 202
    (line,) = [entry for entry in await world.system.store.audit(limit=9) if entry.action == "worker.drain"]
    assert line.target == f"worker:{worker}"


async def test_who_is_gone_or_was_never_there(world: World) -> None:
    for unknown in ("x", new_id()):
        answer = await world.api.post(f"{API}/workers/{unknown}/drain")
        assert answer.status_code == 404
        assert unknown in answer.json()["detail"]
    worker = await enlisted(world)
    await world.system.store.leave(worker)
    answer = await world.api.post(f"{API}/workers/{worker}/drain")
    assert answer.status_code == 409
    assert "left" in answer.json()["detail"]


async def test_the_worker_inside_the_service_is_not_drained(world: World) -> None:
    worker = await enlisted(world)
    world.system.settings = Settings()
    answer = await world.api.post(f"{API}/workers/{worker}/drain")
    assert answer.status_code == 409
    assert "own process" in answer.json()["detail"]
    entry = Entry(new_id(), world.system.clock.now(), "a", "b", "c")
    still = await world.system.store.drain_worker(worker, entry)
    assert still is not None


async def test_what_runs_here(world: World) -> None:
    answer = await world.api.get(f"{API}/system")
    assert answer.status_code == 200
    document = answer.json()
    assert (document["version"], document["broker"], document["leads"]) == ("0.0.test", "redis", True)
    assert document["settings"]["TRADEFREE_BROKER_URL"] == "redis://:***@127.0.0.1/0"
    assert document["settings"]["TRADEFREE_CONCURRENCY"] == 200
    assert "canary" not in answer.text
