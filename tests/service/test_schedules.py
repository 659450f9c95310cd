"""Schedules over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope

NIGHTLY = {"cron": "30 2 * * *", "time_zone": "Asia/Shanghai", "event": {"type": "com.example.night", "data": [1]}}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_a_schedule_is_made_and_shows_its_next_five_runs(world: World) -> None:
    made = await world.api.put(f"{API}/schedules/nightly", json=NIGHTLY)

    assert made.status_code == 201
    document = made.json()
    assert document["state"] == "active"
    runs = [datetime.fromisoformat(run) for run in document["next_runs"]]
    assert len(runs) == 5
    assert all((run.hour, run.minute, run.utcoffset()) == (2, 30, timedelta(hours=8)) for run in runs)
    assert runs[0] > datetime.now(UTC)
    assert (await world.api.get(f"{API}/schedules/nightly")).json() == document
    assert (await world.api.get(f"{API}/schedules")).json() == {"items": [document]}
    assert (await world.api.put(f"{API}/schedules/nightly", json={**NIGHTLY, "jitter": "5m"})).status_code == 200


async def test_a_draft_is_tried_and_not_stored(world: World) -> None:
    answer = await world.api.post(f"{API}/schedules/preview", json={"every": "1h"})

    assert answer.status_code == 200
    runs = [datetime.fromisoformat(run) for run in answer.json()["next_runs"]]
    assert {later - earlier for earlier, later in pairwise(runs)} == {timedelta(hours=1)}
    assert (await world.api.get(f"{API}/schedules")).json() == {"items": []}
    wrong = await world.api.post(f"{API}/schedules/preview", json={"cron": "61 * * * *"})
    (error,) = wrong.json()["errors"]
    assert (error["field"], error["reason"]) == ("cron", "is not a cron expression: bad minute")


async def test_pause_and_resume(world: World) -> None:
    await world.api.put(f"{API}/schedules/nightly", json=NIGHTLY)

    paused = await world.api.put(f"{API}/schedules/nightly/pause", json={"reason": "moved"})
    again = await world.api.put(f"{API}/schedules/nightly/pause", json={"reason": "other"})
    assert (paused.json()["state"], paused.json()["next_runs"]) == ("paused", [])
    assert (paused.json()["pause"]["by"], paused.json()["pause"]["reason"]) == ("a test", "moved")
    assert again.json() == paused.json()
    resumed = await world.api.delete(f"{API}/schedules/nightly/pause")

    assert (resumed.json()["state"], resumed.json()["pause"]) == ("active", None)
    trail = (await world.api.get(f"{API}/audit", params={"target": "schedule:nightly"})).json()["items"]
    assert [line["action"] for line in trail] == ["schedule.resumed", "schedule.paused", "schedule.put"]


async def test_states(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    off = await world.api.put(f"{API}/schedules/off", json={**NIGHTLY, "enabled": False})
    once = await world.api.put(f"{API}/schedules/once", json={"at": soon.isoformat()})

    assert (off.json()["state"], off.json()["next_runs"]) == ("disabled", [])
    assert once.json()["state"] == "active"
    assert len(once.json()["next_runs"]) == 1


async def test_its_runs_are_listed(world: World) -> None:
    await world.api.put(f"{API}/schedules/nightly", json=NIGHTLY)

    assert (await world.api.get(f"{API}/schedules/nightly/runs")).json() == {"items": []}
    assert (await world.api.get(f"{API}/schedules/nobody/runs")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "", "give one of cron, every, at"),
        ({"cron": "0 5 * *"}, "cron", "has 4 fields"),
        ({"cron": "0 5 * * *", "time_zone": "Mars"}, "time_zone", "not a time zone"),
        ({"every": "soon"}, "every", "duration"),
        ({"at": "2020-01-01T00:00:00Z"}, "at", "is in the past"),
        ({"at": "2030-01-01T00:00:00"}, "at", "timezone"),
        ({"every": 60, "event": {"type": "a\nb"}}, "event", "type: contains a control character"),
        ({"every": 60, "misfire": "twice"}, "misfire", "'skip', 'once' or 'all'"),
        ({"every": 60, "name": "other"}, "name", "as in the path"),
        ({"every": 60, "colour": 1}, "colour", "not a known field"),
        ([], "", "should be an object"),
    ],
)
async def test_a_bad_schedule_names_the_field(world: World, body: Any, field: str, reason: str) -> None:
    answer = await world.api.put(f"{API}/schedules/nightly", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert reason in answer.json()["errors"][0]["reason"]
    assert (await world.api.get(f"{API}/schedules")).json() == {"items": []}


async def test_delete(world: World) -> None:
    await world.api.put(f"{API}/schedules/nightly", json=NIGHTLY)

    assert (await world.api.delete(f"{API}/schedules/nightly")).status_code == 204
    for call in (
        world.api.get(f"{API}/schedules/nightly"),
        world.api.delete(f"{API}/schedules/nightly"),
        world.api.put(f"{API}/schedules/nightly/pause", json={}),
        world.api.delete(f"{API}/schedules/nightly/pause"),
    ):
        assert (await call).status_code == 404


async def test_what_was_read_can_be_written_back_in_part(world: World) -> None:
    read = (await world.api.put(f"{API}/schedules/nightly", json=NIGHTLY)).json()
    known = {name: value for name, value in read.items() if name in {*NIGHTLY, "name", "jitter", "misfire", "overlap"}}

    written = await world.api.put(f"{API}/schedules/nightly", json=known)

    assert written.status_code == 200
    assert written.json() == read


async def test_scopes(world: World) -> None:
    reader = await world.as_key(Scope.DEFINITIONS_READ)

    assert (await reader.get(f"{API}/schedules")).status_code == 200
    assert (await reader.post(f"{API}/schedules/preview", json={"every": 60})).status_code == 200
    assert (await reader.put(f"{API}/schedules/nightly", json=NIGHTLY)).status_code == 403
    assert (await reader.put(f"{API}/schedules/nightly/pause", json={})).status_code == 403
