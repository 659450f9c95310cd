"""Triggers over the wire, and drafts of them on trial."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service.event_calls import event, put_rule, send
from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_what_was_read_can_be_written_back(world: World) -> None:
    made = await put_rule(world.api, filter="event.data.n > 1", labels={"shop": "event.source"}, delay="10m")
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    read = await world.api.get(f"{API}/triggers/rule")
    assert read.json() == made.json()
    own = ("version", "updated_at", "updated_by", "failures", "failing", "disabled_reason")
    definition = {name: value for name, value in read.json().items() if name not in own}
    written = await world.api.put(f"{API}/triggers/rule", json=definition)
    assert (written.status_code, written.json()["version"]) == (200, 1)
    assert (await world.api.get(f"{API}/triggers")).json()["items"] == [read.json()]


BAD: list[tuple[Any, str, str]] = [
    ({"task_type": "echo"}, "event", "required"),
    ({"event": "a*b", "task_type": "echo"}, "event", "at its end alone"),
    ({"event": "", "task_type": "echo"}, "event", "event type"),
    ({"event": "a b", "task_type": "echo"}, "event", "without spaces"),
    ({"event": "a"}, "task_type", "required"),
    ({"event": "a", "task_type": "nope"}, "task_type", "unknown task type"),
    ({"event": "a", "task_type": "echo", "filter": "event."}, "filter", "not a CEL expression"),
    ({"event": "a", "task_type": "echo", "filter": "evnt.data == 1"}, "filter", "uses evnt; known: event"),
    ({"event": "a", "task_type": "echo", "filter": "x" * 1001}, "filter", "1000 are the most"),
    ({"event": "a", "task_type": "echo", "input": {"a": {"b": ["1 +"]}}}, "input", "a/b/0: is not a CEL"),
    ({"event": "a", "task_type": "echo", "input": {str(n): "1" for n in range(201)}}, "input", "too large"),
    ({"event": "a", "task_type": "echo", "key": "nope"}, "key", "known: event"),
    ({"event": "a", "task_type": "echo", "priority": 101}, "priority", "less than or equal to 100"),
    ({"event": "a", "task_type": "echo", "delay": "soon"}, "delay", "10m"),
    ({"event": "a", "task_type": "echo", "labels": {"-": "1"}}, "labels/-", "good name"),
    ({"event": "a", "task_type": "echo", "labels": {"a": "1 +"}}, "labels/a", "not a CEL"),
    ({"event": "a", "task_type": "echo", "enabled": "yes"}, "enabled", "boolean"),
    ({"event": "a", "task_type": "echo", "name": "other"}, "name", "as in the path"),
    ({"event": "a", "task_type": "echo", "colour": "red"}, "colour", "not a known field"),
    ([], "", "object"),
]


@pytest.mark.parametrize(("body", "field", "reason"), BAD, ids=[f"{b[0]!r:.60}" for b in BAD])
async def test_a_bad_trigger_is_refused_and_not_stored(world: World, body: Any, field: str, reason: str) -> None:
    answer = await world.api.put(f"{API}/triggers/rule", json=body)
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["errors"]
    assert problem["field"] == field
    assert reason in problem["reason"]
    assert (await world.api.get(f"{API}/triggers")).json()["items"] == []


async def test_what_somebody_else_changed_is_not_overwritten(world: World) -> None:
    await put_rule(world.api)
    url, body = f"{API}/triggers/rule", {"event": "a", "task_type": "echo"}

    async def put(**headers: str) -> int:
        return (await world.api.put(url, json=body, headers=headers)).status_code

    assert await put(**{"If-None-Match": "*"}) == 412
    assert await put(**{"If-Match": '"2"'}) == 412
    assert await put(**{"If-Match": "two"}) == 422
    assert await put(**{"If-Match": '"1"'}) == 200
    assert await put(**{"If-Match": '"1"'}) == 412
    assert (await world.api.delete(url, headers={"If-Match": '"1"'})).status_code == 412
    assert (await world.api.delete(url, headers={"If-Match": '"2"'})).status_code == 204
    assert await put(**{"If-Match": "*"}) == 412
    assert await put(**{"If-None-Match": "*"}) == 201
    problem = (await world.api.put(url, json=body, headers={"If-Match": '"9"'})).json()
    assert problem["type"] == "urn:tradefree:problem:changed-meanwhile"


async def test_a_disabled_trigger_looks_at_nothing(world: World) -> None:
    await put_rule(world.api)
    off = await world.api.put(f"{API}/triggers/rule/enabled", json={"enabled": False})
    assert (off.json()["enabled"], off.json()["version"]) == (False, 2)
    assert (await send(world.api, event("1"))).json()["decisions"] == []
    again = await world.api.put(f"{API}/triggers/rule/enabled", json={"enabled": False})
    assert again.json()["version"] == 2
    await world.api.put(f"{API}/triggers/rule/enabled", json={"enabled": True})
    assert len((await send(world.api, event("2"))).json()["decisions"]) == 1
    trail = (await world.api.get(f"{API}/audit", params={"target": "trigger:rule"})).json()["items"]
    assert [line["action"] for line in trail] == ["trigger.enable", "trigger.disable", "trigger.put"]


async def test_one_that_always_fails_is_disabled_and_says_why(world: World) -> None:
    await put_rule(world.api, input="event.data.missing")
    await send(world.api, [event(str(n), {}) for n in range(20)])
    shown = (await world.api.get(f"{API}/triggers/rule")).json()
    assert (shown["enabled"], shown["failures"], shown["failing"], shown["version"]) == (False, 20, "input", 2)
    assert shown["disabled_reason"] == "failed 20 times in a row, the last time in input; its decisions say how"
    (last,) = (await world.api.get(f"{API}/triggers/rule/decisions", params={"limit": 1})).json()["items"]
    assert "there is no 'missing'" in last["reason"]
    versions = (await world.api.get(f"{API}/triggers/rule/versions")).json()["items"]
    assert [(v["version"], v["by"]) for v in versions] == [(2, "system"), (1, "a test")]
    await put_rule(world.api, input="event.data.missing")
    shown = (await world.api.get(f"{API}/triggers/rule")).json()
    assert (shown["enabled"], shown["failures"], shown["disabled_reason"]) == (True, 0, "")


async def test_decisions_are_listed_page_by_page(world: World) -> None:
    await put_rule(world.api, filter="event.id == '1'")
    await send(world.api, [event(str(n)) for n in range(3)])
    page = (await world.api.get(f"{API}/triggers/rule/decisions", params={"limit": 2})).json()
    rest = (
        await world.api.get(f"{API}/triggers/rule/decisions", params={"limit": 2, "cursor": page["next_cursor"]})
    ).json()
    every = page["items"] + rest["items"]
    assert sorted(d["outcome"] for d in every) == ["made", "no_match", "no_match"]
    assert every[0]["conditions"][0]["text"] == "event.id == '1'"
    assert rest["next_cursor"] is None


async def test_a_key_for_some_task_types(world: World) -> None:
    await put_rule(world.api)
    some = await world.as_key(
        Scope.DEFINITIONS_READ, Scope.DEFINITIONS_WRITE, Scope.EVENTS_READ, task_types=("strict",)
    )
    assert (await some.get(f"{API}/triggers")).json()["items"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/versions"), ("GET", "/decisions")):
        assert (await some.request(method, f"{API}/triggers/rule{path}")).status_code == 404
    assert (await put_rule(some)).status_code == 403
    assert (await put_rule(some, task_type="strict")).status_code == 403, "it would take the other's rule away"
    assert (await some.put(f"{API}/triggers/rule/enabled", json={"enabled": False})).status_code == 404
    draft = {"name": "x", "event": "*", "task_type": "echo"}
    assert (await some.post(f"{API}/triggers/preview", json={"trigger": draft})).status_code == 403


# ── on trial ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def preview(world: World, *, client: Any = None, **body: Any) -> dict[str, Any]:
    trigger = {"name": "rule", "event": "order.*", "task_type": "echo"} | body.pop("trigger", {})
    answer = await (client or world.api).post(f"{API}/triggers/preview", json={"trigger": trigger, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_draft_is_tried_on_what_happened_and_nothing_is_written(world: World) -> None:
    await send(world.api, [event(str(n), {"amount": n * 100, "order": f"SO-{n}"}) for n in range(4)])
    await send(world.api, event("4", {}))
    await send(world.api, event("5", type="other"))
    before = (await world.api.get(f"{API}/events")).json()
    draft = {"filter": "event.data.amount > 100 && event.source == '/shop'", "input": {"o": "event.data.order"}}
    found = await preview(world, trigger=draft)
    assert (found["seen"], found["complete"], found["current"], found["changes"]) == (5, True, None, {})
    assert found["outcomes"] == {"made": 2, "no_match": 2, "failed": 1}
    assert found["conditions"] == [
        {"text": "event.data.amount > 100", "true": 2, "false": 2, "failed": 1},
        {"text": "event.source == '/shop'", "true": 5, "false": 0, "failed": 0},
    ]
    newest = {item["event_id"]: item for item in found["items"]}
    assert newest["4"]["draft"]["conditions"][0]["held"] is None
    assert "no such key" in newest["4"]["draft"]["reason"] or "there is no" in newest["4"]["draft"]["reason"]
    assert newest["3"]["draft"]["task"] == {
        "task_type": "echo", "input": {"o": "SO-3"}, "key": None, "priority": 0, "delay": 0, "labels": {}
    }  # fmt: skip
    assert await world.tasks() == 0
    assert (await world.api.get(f"{API}/events")).json() == before
    assert (await world.api.get(f"{API}/triggers")).json()["items"] == []


async def test_a_draft_is_compared_with_the_rule_that_holds(world: World) -> None:
    await put_rule(world.api, filter="event.data.n >= 2", input={"n": "event.data.n", "kind": "'a'"})
    await send(world.api, [event(str(n), {"n": n}) for n in range(6)])
    draft = {
        "filter": "event.data.n <= 3",
        "input": {"n": "event.data.n", "kind": "event.data.n == 2 ? 'b' : 'a'"},
    }
    found = await preview(world, trigger=draft, shown=100)
    assert found["current"] == {"made": 4, "no_match": 2}
    assert found["changes"] == {"added": 2, "removed": 2, "changed": 1, "same": 1}
    told = {item["event_id"]: (item["change"], item["differs"]) for item in found["items"]}
    assert told == {
        "0": ("added", []), "1": ("added", []), "2": ("changed", ["input/kind"]), "3": ("same", []),
        "4": ("removed", []), "5": ("removed", []),
    }  # fmt: skip
    assert found["items"][-1]["change"] == "same", "what changes something stands first"
    assert found["items"][-1]["current"]["task"]["input"] == {"n": 3, "kind": "a"}


async def test_a_draft_for_other_types_takes_the_old_ones_away(world: World) -> None:
    await put_rule(world.api, event="order.created")
    await send(world.api, [event("1"), event("2", type="order.paid"), event("3", type="other")])
    found = await preview(world, trigger={"event": "order.paid"})
    assert found["changes"] == {"added": 1, "removed": 1}
    assert found["seen"] == 2


async def test_a_preview_is_bounded(world: World) -> None:
    await send(world.api, [event(str(n)) for n in range(10)])
    found = await preview(world, most=4, shown=2)
    assert (found["seen"], found["complete"], len(found["items"])) == (4, False, 2)
    whole = await preview(world, most=10, shown=0)
    assert (whole["seen"], whole["complete"], whole["items"]) == (10, True, [])
    now = world.system.clock.now()
    later = await preview(world, since=(now + timedelta(hours=1)).isoformat())
    assert later["seen"] == 0
    earlier = await preview(world, until=(now - timedelta(hours=1)).isoformat())
    assert earlier["seen"] == 0


async def test_what_a_task_type_would_refuse_is_told(world: World) -> None:
    await send(world.api, event(data={"customer": 7}))
    found = await preview(world, trigger={"task_type": "strict", "input": {"customer_id": "event.data.customer"}})
    (item,) = found["items"]
    assert (item["draft"]["outcome"], item["draft"]["part"]) == ("failed", "input/customer_id")


async def test_without_payloads_read_inputs_are_hidden(world: World) -> None:
    await send(world.api, event(data={"secret": 1}))
    reader = await world.as_key(Scope.EVENTS_READ)
    found = await preview(world, client=reader)
    assert found["items"][0]["draft"]["task"]["input"] is None
    own = await world.as_key(Scope.EVENTS_READ, own_only=True)
    assert (await preview(world, client=own))["seen"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"trigger": {"name": "x", "event": "*", "task_type": "nope"}}, "type"),
        ({"trigger": {"name": "x", "event": "*", "task_type": "echo", "filter": "1 +"}}, "trigger/filter"),
        ({"trigger": {"name": "x", "event": "*", "task_type": "echo"}, "most": 10_001}, "most"),
        ({"trigger": {"name": "x", "event": "*", "task_type": "echo"}, "since": "7d"}, "since"),
        ({}, "trigger"),
    ],
)
async def test_a_bad_preview(world: World, body: Any, field: str) -> None:
    answer = await world.api.post(f"{API}/triggers/preview", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
