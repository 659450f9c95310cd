"""Charts and waits over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.clock import SystemClock
from tradefree.metrics.happened import Happened
from tradefree.metrics.page import Page
from tradefree.tasks.measure import Measuring
from tradefree.tasks.series import Happening, sorted_in

SERIES, WAITS = f"{API}/stats/series", f"{API}/stats/waits"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def happen(world: World, *happenings: Happening) -> None:
    mark = await world.system.store.tallied()
    assert await world.system.store.tally(mark, (mark or 0) + 1, sorted_in(happenings))


def moments(document: dict[str, object]) -> list[datetime]:
    points = document["points"]
    assert isinstance(points, list)
    return [datetime.fromisoformat(point["at"]) for point in points]


async def test_the_last_hour_in_minutes(world: World) -> None:
    now = datetime.now(UTC)
    await happen(
        world,
        Happening(now - timedelta(minutes=5), "task.accepted", "echo"),
        Happening(now - timedelta(minutes=5), "task.completed", "echo", 1.0, 2.0, 30, Decimal("0.25"), "USD"),
        Happening(now - timedelta(minutes=2), "task.failed", "strict", 3.0, 4.0),
        Happening(now - timedelta(minutes=90), "task.failed", "strict"),
    )
    document = (await world.api.get(SERIES)).json()
    assert document["bucket_seconds"] == 60
    at = moments(document)
    assert len(at) in (60, 61)
    assert all(b - a == timedelta(minutes=1) for a, b in pairwise(at))
    points = document["points"]
    assert sum(point["completed"] for point in points) == sum(point["failed"] for point in points) == 1
    (busy,) = [point for point in points if point["completed"]]
    assert (busy["accepted"], busy["tokens"], busy["cost"]) == (1, 30, {"USD": 0.25})
    assert busy["wait_p50"] == busy["wait_p95"] == pytest.approx(1, rel=0.04)
    assert busy["run_p95"] == pytest.approx(2, rel=0.04)
    quiet = next(point for point in points if not point["accepted"] and not point["failed"])
    assert quiet["wait_p50"] is quiet["run_p95"] is None
    assert quiet["cost"] == {}
    assert [entry["type"] for entry in document["by_type"]] == ["echo", "strict"]
    assert document["by_type"][1]["run_p50"] == pytest.approx(4, rel=0.04)


async def test_a_time_and_types(world: World) -> None:
    now = datetime.now(UTC)
    await happen(world, *(Happening(now - timedelta(days=2), "task.completed", name) for name in ("echo", "strict")))
    span = {"from": (now - timedelta(days=7)).isoformat(), "to": (now - timedelta(days=1)).isoformat()}
    for params, names in (
        ({}, ["echo", "strict"]),
        ({"type": "strict"}, ["strict"]),
        ({"type": "a,strict"}, ["strict"]),
    ):
        document = (await world.api.get(SERIES, params={**span, **params})).json()
        assert document["bucket_seconds"] == 7200
        assert [entry["type"] for entry in document["by_type"]] == names
        assert sum(point["completed"] for point in document["points"]) == len(names)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"from": "2020-01-01T00:00:00Z"}, 200),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, 200),
        ({"to": "2001-01-01T00:00:00Z"}, 422),
        ({"from": "2100-01-01T00:00:00Z"}, 422),
        ({"from": "yesterday"}, 422),
        ({"typo": "x"}, 422),
    ],
)
async def test_times_that_can_and_cannot_be(world: World, params: dict[str, str], status: int) -> None:
    answer = await world.api.get(SERIES, params=params)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert len(answer.json()["points"]) <= 120
    else:
        assert answer.json()["errors"][0]["field"]


async def test_a_narrowed_key_sees_its_types(world: World) -> None:
    now = datetime.now(UTC)
    await happen(world, *(Happening(now, "task.completed", name) for name in ("echo", "strict")))
    narrow = await world.as_key(Scope.TASKS_READ, task_types=("strict",))
    for params in ({}, {"type": "echo,strict"}):
        document = (await narrow.get(SERIES, params=params)).json()
        assert [entry["type"] for entry in document["by_type"]] == ["strict"]
    assert (await narrow.get(SERIES, params={"type": "echo"})).json()["by_type"] == []
    own = await world.as_key(Scope.TASKS_READ, own_only=True)
    for path in (SERIES, WAITS):
        assert (await own.get(path)).status_code == 403


async def test_waits_while_the_database_is_away(world: World) -> None:
    await world.api.get(f"{API}/tasks")  # the key is believed from now on
    world.system.store.away = True
    assert (await world.api.get(WAITS)).status_code == 503


async def test_what_waits_and_why(world: World) -> None:
    for _ in range(3):
        await world.api.post(f"{API}/tasks", json={"type": "echo"})
    await world.api.post(f"{API}/tasks", json={"type": "strict", "input_data": {"customer_id": "7"}})
    items = (await world.api.get(WAITS)).json()["items"]
    assert [(item["type"], item["kind"], item["scope"], item["tasks"]) for item in items] == [
        ("echo", "no_worker", "queue:default", 3),
        ("strict", "no_worker", "queue:default", 1),
    ]
    await world.enlist("w", 10)
    assert (await world.api.get(WAITS)).json()["items"] == items, "it is what the metrics know, which is kept a while"
    world.system.metrics = Page(
        Happened("0"), Measuring(world.system.store, world.system.catalog, SystemClock()).picture
    )
    paused = {"mode": "paused", "reason": "lunch"}
    assert (await world.api.put(f"{API}/limits/type:echo/mode", json=paused)).status_code == 200
    items = (await world.api.get(WAITS)).json()["items"]
    assert [(item["type"], item["kind"], item["tasks"]) for item in items] == [
        ("echo", "paused", 3),
        ("strict", "turn", 1),
    ]
    assert "lunch" in items[0]["message"]
    narrow = await world.as_key(Scope.TASKS_READ, task_types=("strict",))
    assert [item["type"] for item in (await narrow.get(WAITS)).json()["items"]] == ["strict"]
