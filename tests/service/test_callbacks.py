"""Subscriptions and deliveries over HTTP, and addresses that are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.callbacks.subscription import Outcomes
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.states import Status

URL = "https://hooks.example.com/x?token=secret"
SHOP = {"url": URL, "task_types": ["echo", "tra*"], "statuses": ["completed"], "labels": {"shop": "de"}}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def cancelled(world: World, **more: Any) -> str:
    """The id of a task that was cancelled, and told of."""
    task_id: str = (await world.api.post(f"{API}/tasks", json={"type": "echo", **more})).json()["id"]
    assert (await world.api.post(f"{API}/tasks/{task_id}/cancellation")).status_code == 200
    return task_id


async def test_a_subscription_comes_back_without_its_secret(world: World) -> None:
    made = await world.api.put(f"{API}/subscriptions/shop", json=SHOP)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    again = await world.api.put(f"{API}/subscriptions/shop", json={**SHOP, "description": "new"})
    assert (again.status_code, again.json()["secret"]) == (200, None)
    found = (await world.api.get(f"{API}/subscriptions/shop")).json()
    assert found == {
        "name": "shop",
        **SHOP,
        "description": "new",
        "paused": None,
        "failures": 0,
        "failing_since": None,
        "last_success_at": None,
        "last_failure_at": None,
        "last_error": None,
        "old_secret_until": None,
    }
    assert (await world.api.get(f"{API}/subscriptions")).json() == {"items": [found]}


async def test_how_it_goes_is_shown(world: World) -> None:
    await world.api.put(f"{API}/subscriptions/shop", json=SHOP)
    now = world.system.clock.now()
    await world.system.store.note_deliveries({"shop": Outcomes(2, succeeded=False, at=now, error="No.")})
    found = (await world.api.get(f"{API}/subscriptions/shop")).json()
    assert (found["failures"], found["last_error"]) == (2, "No.")
    assert found["failing_since"] == found["last_failure_at"]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "url", "required"),
        ({"url": "ftp://example.com"}, "url", "pattern"),
        ({"url": "http://10.0.0.1/"}, "url", "not public"),
        ({"url": "http://localhost/"}, "url", "not public"),
        ({"url": "https://x:y@example.com/"}, "url", "pattern"),
        ({"url": URL, "task_types": ["a**"]}, "task_types/0", "pattern"),
        ({"url": URL, "statuses": ["pending"]}, "statuses/0", "completed"),
        ({"url": URL, "labels": {"": "x"}}, "labels", "good name"),
        ({"url": URL, "secret": "hunter2"}, "secret", "whsec_"),
        ({"url": URL, "name": "other"}, "name", "as in the path"),
        ({"url": URL, "filter": "x"}, "filter", "not a known field"),
    ],
)
async def test_what_cannot_be_a_subscription(world: World, body: Any, field: str, words: str) -> None:
    answer = await world.api.put(f"{API}/subscriptions/shop", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"].startswith(field)
    assert words in error["reason"]
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("name", ["Shop", "a b", "-x", "x" * 64])
async def test_a_name_that_is_none(world: World, name: str) -> None:
    answer = await world.api.put(f"{API}/subscriptions/{name}", json=SHOP)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")


async def test_pause_resume_rotate_delete(world: World) -> None:
    first = (await world.api.put(f"{API}/subscriptions/shop", json=SHOP)).json()["secret"]
    paused = (await world.api.put(f"{API}/subscriptions/shop/pause", json={"reason": "it moves"})).json()["paused"]
    assert (paused["by"], paused["reason"]) == ("a test", "it moves")
    assert (await world.api.post(f"{API}/subscriptions/shop/tests")).status_code == 409
    assert (await world.api.delete(f"{API}/subscriptions/shop/pause")).json()["paused"] is None
    second = (await world.api.post(f"{API}/subscriptions/shop/secrets", json={"keep": "1h"})).json()
    assert second["secret"] not in (first, None)
    assert second["old_secret_until"] is not None
    assert (await world.api.delete(f"{API}/subscriptions/shop")).status_code == 204
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", "/pause"),
        ("DELETE", "/pause"),
        ("POST", "/secrets"),
        ("POST", "/tests"),
    ):
        answer = await world.api.request(method, f"{API}/subscriptions/shop{path}", json={})
        assert answer.status_code == 404, (method, path)


async def test_a_test_is_on_its_way(world: World) -> None:
    await world.api.put(f"{API}/subscriptions/shop", json=SHOP)
    answer = await world.api.post(f"{API}/subscriptions/shop/tests")
    assert answer.status_code == 202
    found = answer.json()
    assert (found["subscription"], found["event"], found["status"], found["task_id"]) == (
        "shop",
        "ai.tradefree.subscription.test",
        "pending",
        None,
    )
    assert (await world.api.get(f"{API}/tasks/{found['id']}")).json()["type"] == CALLBACK


async def test_the_installations_secret(world: World) -> None:
    first = (await world.api.get(f"{API}/callback-secret")).json()
    assert (await world.api.get(f"{API}/callback-secret")).json() == first
    second = (await world.api.post(f"{API}/callback-secret", json={"keep": 0})).json()
    assert second["secret"] != first["secret"]
    assert second["old_secret_until"] is None
    assert (await world.api.post(f"{API}/callback-secret", json={"keep": "31d"})).status_code == 422


async def test_keys_for_some_tasks_see_no_subscriptions(world: World) -> None:
    for rules in ({"own_only": True}, {"task_types": ("echo",)}):
        client = await world.as_key(Scope.DEFINITIONS_READ, Scope.DEFINITIONS_WRITE, **rules)
        assert (await client.get(f"{API}/subscriptions")).status_code == 403
        assert (await client.put(f"{API}/subscriptions/shop", json=SHOP)).status_code == 403


# ── deliveries ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_shows_who_was_told(world: World) -> None:
    await world.api.put(f"{API}/subscriptions/shop", json={"url": URL})
    task_id = await cancelled(world, callback_url=URL)
    found = (await world.api.get(f"{API}/tasks/{task_id}")).json()["deliveries"]
    assert [(d["subscription"], d["host"], d["task_id"]) for d in found] == [
        ("shop", None, task_id),
        (None, "hooks.example.com", task_id),
    ]
    assert {d["event"] for d in found} == {"ai.tradefree.task.cancelled"}
    assert all((d["status"], d["attempt_count"], d["next_attempt_at"]) == ("pending", 0, None) for d in found)


async def test_deliveries_are_found_and_left_out_of_everything_else(world: World) -> None:
    await world.api.put(f"{API}/subscriptions/shop", json={"url": URL})
    task_id = await cancelled(world)
    other = await cancelled(world, callback_url=URL)
    listed = (await world.api.get(f"{API}/deliveries")).json()
    assert (len(listed["items"]), listed["next_cursor"]) == (3, None)
    of_task = (await world.api.get(f"{API}/deliveries", params={"task": task_id})).json()["items"]
    assert [d["task_id"] for d in of_task] == [task_id]
    of_shop = (await world.api.get(f"{API}/deliveries", params={"subscription": "shop"})).json()["items"]
    assert [d["task_id"] for d in of_shop] == [other, task_id]
    assert (await world.api.get(f"{API}/deliveries", params={"status": "failed"})).json()["items"] == []
    first = (await world.api.get(f"{API}/deliveries", params={"limit": 2})).json()
    rest = (await world.api.get(f"{API}/deliveries", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert first["items"] + rest["items"] == listed["items"]
    assert {t["id"] for t in (await world.api.get(f"{API}/tasks")).json()["items"]} == {task_id, other}
    assert len((await world.api.get(f"{API}/tasks", params={"type": CALLBACK})).json()["items"]) == 3
    stats = (await world.api.get(f"{API}/stats")).json()
    assert (stats["total"], stats["by_status"]["pending"], list(stats["by_type"])) == (2, 0, ["echo"])
    assert stats["queues"][0]["waiting"] == 0


async def test_a_delivery_is_sent_again_by_hand_as_it_is(world: World) -> None:
    await cancelled(world, callback_url=URL)
    (found,) = (await world.api.get(f"{API}/deliveries")).json()["items"]
    await world.move(found["id"], Status.FAILED, error_code="http_500")
    again = f"{API}/tasks/{found['id']}/retries"
    refused = await world.api.post(again, json={"input_data": {"url": "https://evil.example.com"}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "input_data")
    assert (await world.api.post(again)).status_code == 202


async def test_what_a_key_may_see_of_deliveries(world: World) -> None:
    mine = await world.as_key(Scope.TASKS_READ, Scope.TASKS_WRITE, own_only=True)
    task_id = (await mine.post(f"{API}/tasks", json={"type": "echo", "callback_url": URL})).json()["id"]
    await mine.post(f"{API}/tasks/{task_id}/cancellation")
    others = await cancelled(world, callback_url=URL)
    assert [d["task_id"] for d in (await mine.get(f"{API}/deliveries")).json()["items"]] == [task_id]
    assert (await mine.get(f"{API}/deliveries", params={"task": others})).status_code == 404
    typed = await world.as_key(Scope.TASKS_READ, task_types=("echo",))
    assert (await typed.get(f"{API}/deliveries")).status_code == 403
    assert len((await typed.get(f"{API}/deliveries", params={"task": others})).json()["items"]) == 1
    (found,) = (await typed.get(f"{API}/tasks/{others}")).json()["deliveries"]
    assert (await typed.get(f"{API}/tasks/{found['id']}")).status_code == 404
    reader = await world.as_key(Scope.TASKS_READ)
    assert (await reader.get(f"{API}/tasks/{found['id']}")).json()["input_data"] is None


async def test_why_a_delivery_waits(world: World) -> None:
    await world.api.put(f"{API}/subscriptions/shop", json={"url": URL})
    await cancelled(world)
    await world.api.put(f"{API}/subscriptions/shop/pause", json={"reason": "it moves"})
    (found,) = (await world.api.get(f"{API}/deliveries")).json()["items"]
    (hold,) = [
        hold
        for hold in (await world.api.get(f"{API}/tasks/{found['id']}")).json()["waiting"]["holds"]
        if hold["kind"] == "paused"
    ]
    assert "paused by a test: it moves" in hold["message"]


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:6379/", "not public"),
        ("http://[::ffff:10.0.0.1]/", "not public"),
        ("http://169.254.169.254/latest/meta-data", "not public"),
        ("http://2130706433/", "canonical"),
        ("http://db/", "not public"),
        ("ftp://example.com/", "pattern"),
    ],
)
async def test_an_address_that_nothing_would_be_sent_to_is_refused_at_submit(
    world: World, url: str, words: str
) -> None:
    one = await world.api.post(f"{API}/tasks", json={"type": "echo", "callback_url": url})
    assert one.status_code == 422
    assert one.json()["errors"][0]["field"] == "callback_url"
    assert words in one.json()["errors"][0]["reason"]
    many = await world.api.post(
        f"{API}/tasks/batch", json=[{"type": "echo", "callback_url": url}, {"type": "echo", "callback_url": URL}]
    )
    assert [item["status"] for item in many.json()["items"]] == ["rejected", "accepted"]
    assert many.json()["items"][0]["error"]["errors"][0]["field"] == "callback_url"


async def test_an_address_that_the_operator_allows(world: World) -> None:
    answer = await world.api.post(f"{API}/tasks", json={"type": "echo", "callback_url": "http://hooks.test:8080/x"})
    assert answer.status_code == 202


async def test_nobody_submits_or_defines_what_is_the_systems_own(world: World) -> None:
    answer = await world.api.post(f"{API}/tasks", json={"type": CALLBACK, "input_data": {}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "type")
    for name, runner in ((CALLBACK, "echo"), ("tradefree.other", "echo"), (CALLBACK, "callback"), ("x", "callback")):
        answer = await world.api.put(f"{API}/task-types/{name}", json={"runner": runner})
        assert answer.status_code == 422, (name, runner)
    names = [item["name"] for item in (await world.api.get(f"{API}/task-types")).json()["items"]]
    assert names == ["echo", "strict"]
    assert await world.system.store.find(TaskFilter(types=(CALLBACK,)), limit=1) == []
