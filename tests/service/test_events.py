"""POST /events and GET /events: CloudEvents in every mode, by the official SDK and by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.event_calls import BATCH, STRUCTURED, event, put_rule, send, send_with_sdk
from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.tasks.states import Status

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-11111111111111111111111111111111-2222222222222222-00"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def look(world: World, id_: str) -> dict[str, Any]:
    answer = await world.api.get(f"{API}/events/{id_}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


# ── taking them in ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("binary", [True, False])
async def test_an_event_of_the_sdk_makes_a_task(world: World, binary: bool) -> None:
    assert (await put_rule(world.api, input={"order": "event.data.order"}, key="event.subject")).status_code == 201
    said = {
        "id": "SO-1/é 订单",
        "source": "/shop/深圳",
        "type": "order.created",
        "subject": "customer 7",
        "time": datetime(2026, 1, 31, 8, tzinfo=UTC),
        "datacontenttype": "application/json",
        "region": "sz",
    }
    answer = await send_with_sdk(world.api, said, {"order": "SO-1", "ü": [1, None]}, binary=binary)
    assert answer.status_code == 202, answer.text
    taken = answer.json()
    assert answer.headers["Location"] == taken["event_url"] == f"http://service{API}/events/{taken['id']}"
    (decision,) = taken["decisions"]
    assert (decision["trigger"], decision["version"], decision["outcome"]) == ("rule", 1, "made")
    task = (await world.api.get(f"{API}/tasks/{decision['task_id']}")).json()
    assert (task["input_data"], task["concurrency_key"]) == ({"order": "SO-1"}, "customer 7")
    assert task["event_id"] == taken["id"]
    found = await look(world, taken["id"])
    assert (found["event_id"], found["source"], found["subject"]) == ("SO-1/é 订单", "/shop/深圳", "customer 7")
    assert (found["time"], found["data"]) == ("2026-01-31T08:00:00Z", {"order": "SO-1", "ü": [1, None]})
    assert found["attributes"] == {"datacontenttype": "application/json", "region": "sz"}
    assert found["received_by"].startswith("key:")


@pytest.mark.parametrize("binary", [True, False])
async def test_the_data_need_not_be_json(world: World, binary: bool) -> None:
    said = {"id": "1", "source": "/s", "type": "t", "datacontenttype": "text/plain"}
    text = await send_with_sdk(world.api, said, "plain 文", binary=binary)
    raw = await send_with_sdk(world.api, said | {"id": "2", "datacontenttype": "image/png"}, b"\x89P\0", binary=binary)
    found = [await look(world, answer.json()["id"]) for answer in (text, raw)]
    assert [(each["data"], each["binary"]) for each in found] == [("plain 文", False), ("iVAA", True)]


async def test_binary_mode_by_hand(world: World) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": '"a \\"b\\""', "ce-source": "/%E6%B7%B1", "ce-type": "t"}
    answer = await world.api.post(f"{API}/events", headers=headers)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["event_id"], answer.json()["source"]) == ('a "b"', "/深")
    assert (await look(world, answer.json()["id"]))["data"] is None


async def test_the_same_event_again_is_answered_with_the_first(world: World) -> None:
    await put_rule(world.api)
    first = await send(world.api, event(data={"n": 1}))
    again = await send(world.api, event(data={"n": 2}))
    assert (first.status_code, again.status_code) == (202, 202)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json() | {"replayed": True}
    assert await world.tasks() == 1


async def test_a_batch_has_an_outcome_for_each(world: World) -> None:
    await put_rule(world.api)
    answer = await send(world.api, [event("1", {}), event("1", {}), event("2", {}), event("")])
    assert answer.status_code == 207
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (3, 1)
    assert [item["status"] for item in body["items"]] == ["accepted", "replayed", "accepted", "rejected"]
    (error,) = body["items"][3]["error"]["errors"]
    assert (error["field"], error["reason"]) == ("id", "is required: text that is not empty")
    assert await world.tasks() == 2
    assert (await send(world.api, [event("3")])).status_code == 202


BAD: list[tuple[Any, dict[str, str], int, str]] = [
    (event() | {"specversion": "0.3"}, STRUCTURED, 422, "specversion"),
    ({}, STRUCTURED, 422, "specversion"),
    ([], STRUCTURED, 422, ""),
    ("text", STRUCTURED, 422, ""),
    ({"specversion": "1.0", "source": "/s", "type": "t"}, STRUCTURED, 422, "id"),
    ({"specversion": "1.0", "id": "1", "type": "t"}, STRUCTURED, 422, "source"),
    ({"specversion": "1.0", "id": "1", "source": "/s"}, STRUCTURED, 422, "type"),
    (event(id=7), STRUCTURED, 422, "id"),
    (event(time="yesterday"), STRUCTURED, 422, "time"),
    (event(time="2026-02-30T08:00:00Z"), STRUCTURED, 422, "time"),
    (event(time="2026-01-31T08:00:00"), STRUCTURED, 422, "time"),
    (event(time=7), STRUCTURED, 422, "time"),
    (event(datacontenttype=7), STRUCTURED, 422, "datacontenttype"),
    (event(Region="x"), STRUCTURED, 422, "Region"),
    (event(region={"a": 1}), STRUCTURED, 422, "region"),
    (event(region=1.5), STRUCTURED, 422, "region"),
    (event(data_base64="!"), STRUCTURED, 422, "data_base64"),
    (event(data_base64=""), STRUCTURED, 202, ""),
    (event(data={}, data_base64="aGk="), STRUCTURED, 422, "data_base64"),
    (event(subject="a\nb"), STRUCTURED, 422, "subject"),
    ({}, BATCH, 422, ""),
    ([], BATCH, 422, ""),
    ([event(str(n)) for n in range(1001)], BATCH, 413, ""),
    (event(), {"Content-Type": "application/json"}, 422, "ce-specversion"),
    ({}, {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t"}, 422, "ce-source"),
    ({}, {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "%ff", "ce-source": "/s"}, 422, "ce-type"),
    ({}, {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "a%0Ab", "ce-source": "/s"}, 422, "ce-type"),
    ({}, {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "/s", "ce-data": "x"}, 422, "ce-data"),
    ({}, STRUCTURED | {"Content-Encoding": "gzip"}, 415, ""),
    (event(), {"Content-Type": "application/cloudevents+json; charset=latin-1"}, 415, ""),
]


@pytest.mark.parametrize(("body", "headers", "status", "field"), BAD, ids=[f"{b[0]!r:.40}-{b[3]}" for b in BAD])
async def test_a_bad_event_is_refused_naming_the_attribute(
    world: World, body: Any, headers: dict[str, str], status: int, field: str
) -> None:
    answer = await world.api.post(f"{API}/events", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 422 and field:
        assert answer.json()["errors"][0]["field"] == field
    if status >= 400:
        assert (await world.api.get(f"{API}/events")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", STRUCTURED),
        (b'{"a": NaN}', STRUCTURED),
        (b"", STRUCTURED),
        (b"[", BATCH),
        (b"{", {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "/", "Content-Type": "x/y+json"}),
    ],
)
async def test_what_is_not_json(world: World, body: bytes, headers: dict[str, str]) -> None:
    answer = await world.api.post(f"{API}/events", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["title"] == "The body is not JSON"


async def test_text_that_is_no_utf8(world: World) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-type": "t", "ce-source": "/", "Content-Type": "text/plain"}
    for body in (b"\xff", b"a\0b"):
        answer = await world.api.post(f"{API}/events", content=body, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "data")


async def test_a_full_backlog_is_429_and_a_repeat_stores_the_rest(world: World) -> None:
    await put_rule(world.api)
    await world.api.put(f"{API}/limits/everything/baseline", json={"max_pending": 1})
    answer = await send(world.api, [event("1"), event("2")])
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert await world.tasks() == 1
    await world.api.put(f"{API}/limits/everything/baseline", json={"max_pending": 5})
    again = await send(world.api, [event("1"), event("2")])
    assert [item["status"] for item in again.json()["items"]] == ["replayed", "accepted"]


# ── traces ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_trace_goes_from_the_event_to_the_task(world: World) -> None:
    await put_rule(world.api)

    async def trace_of(answer: Any) -> str | None:
        task = await world.api.get(f"{API}/tasks/{answer.json()['decisions'][0]['task_id']}")
        return str(task.json()["traceparent"])

    assert await trace_of(await send(world.api, event("1", traceparent=TRACE))) == TRACE
    assert await trace_of(await send(world.api, event("2"), traceparent=OTHER)) == OTHER
    assert await trace_of(await send(world.api, event("3", traceparent=TRACE), traceparent=OTHER)) == TRACE
    assert await trace_of(await send(world.api, event("4"), traceparent="nonsense")) == "None"


async def test_the_trace_of_a_submit_is_kept_and_is_not_part_of_the_request(world: World) -> None:
    async def submit(trace: str) -> dict[str, Any]:
        headers = {"traceparent": trace, "Idempotency-Key": "k"}
        return dict((await world.api.post(f"{API}/tasks", json={"type": "echo"}, headers=headers)).json())

    assert (await submit(TRACE))["traceparent"] == TRACE
    assert (await submit(OTHER))["traceparent"] == TRACE, "a replay is the first task"
    batch = await world.api.post(f"{API}/tasks/batch", json=[{"type": "echo"}], headers={"traceparent": OTHER})
    assert batch.json()["items"][0]["task"]["traceparent"] == OTHER


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_event_can_be_walked(world: World) -> None:
    await put_rule(world.api, "a", filter="event.data.amount > 100 && event.source == '/shop'")
    await put_rule(world.api, "b", filter="event.data.amount > 1000 && event.data.missing == 1")
    await put_rule(world.api, "c", filter="event.data.missing == 1")
    await put_rule(world.api, "d", event="order.paid")
    taken = (await send(world.api, event(data={"amount": 500}))).json()
    await put_rule(world.api, "b", filter="true")
    await world.move(taken["decisions"][0]["task_id"], Status.PROCESSING)
    found = await look(world, taken["id"])
    told = {d["trigger"]: (d["outcome"], [(c["text"], c["held"]) for c in d["conditions"]]) for d in found["decisions"]}
    assert told == {
        "a": ("made", [("event.data.amount > 100", True), ("event.source == '/shop'", True)]),
        "b": ("no_match", [("event.data.amount > 1000", False), ("event.data.missing == 1", None)]),
        "c": ("failed", [("event.data.missing == 1", None)]),
    }
    (task,) = found["tasks"]
    assert (task["id"], task["event_id"], task["status"]) == (
        taken["decisions"][0]["task_id"],
        taken["id"],
        "processing",
    )
    assert [attempt["number"] for attempt in task["attempts"]] == [1]
    assert task["input_data"] is None


async def test_events_are_listed_page_by_page(world: World) -> None:
    await put_rule(world.api)
    for number in range(5):
        await send(world.api, event(str(number), type="order.created" if number % 2 else "other"))
    page = (await world.api.get(f"{API}/events", params={"limit": 3})).json()
    rest = (await world.api.get(f"{API}/events", params={"limit": 3, "cursor": page["next_cursor"]})).json()
    assert [e["event_id"] for e in page["items"] + rest["items"]] == ["4", "3", "2", "1", "0"]
    assert rest["next_cursor"] is None
    assert [len(e["decisions"]) for e in page["items"]] == [0, 1, 0]
    some = (await world.api.get(f"{API}/events", params={"type": "order.*"})).json()
    assert [e["event_id"] for e in some["items"]] == ["3", "1"]
    assert (await world.api.get(f"{API}/events", params={"type": "", "limit": 1})).status_code == 422
    assert (await world.api.get(f"{API}/events", params={"colour": "red"})).status_code == 422


async def test_without_payloads_read_the_data_is_hidden(world: World) -> None:
    taken = (await send(world.api, event(data={"secret": 1}))).json()
    reader = await world.as_key(Scope.EVENTS_READ)
    found = (await reader.get(f"{API}/events/{taken['id']}")).json()
    listed = (await reader.get(f"{API}/events", params={"payloads": True})).json()["items"][0]
    for each in (found, listed):
        assert (each["data"], each["payloads_hidden"]) == (None, True)
    listed = (await world.api.get(f"{API}/events", params={"payloads": True})).json()["items"][0]
    assert listed["data"] == {"secret": 1}


async def test_without_payloads_read_failures_say_where_and_not_why(world: World) -> None:
    await put_rule(world.api, filter="event.data.n > 1 && int(event.data.text) == 1")
    await put_rule(world.api, "strict", task_type="strict", input={"customer_id": "event.data.n"})
    taken = (await send(world.api, event(data={"n": 4711, "text": "geheim"}))).json()
    reader = await world.as_key(Scope.EVENTS_READ)
    draft = {"name": "x", "event": "*", "task_type": "strict", "input": {"customer_id": "event.data.n"}}
    for path, body in (("events", None), (f"events/{taken['id']}", None), ("triggers/strict/decisions", None),
                       ("triggers/preview", {"trigger": draft})):  # fmt: skip
        answer = await reader.request("POST" if body else "GET", f"{API}/{path}", json=body)
        assert answer.status_code == 200
        assert "geheim" not in answer.text
        assert "4711" not in answer.text
        assert "payloads:read" in answer.text
    shown = (await world.api.get(f"{API}/events/{taken['id']}")).text
    assert "4711 is not of type" in shown


async def test_a_key_for_its_own_sees_its_own(world: World) -> None:
    own = await world.as_key(Scope.EVENTS_READ, Scope.EVENTS_WRITE, Scope.TASKS_READ, own_only=True)
    await put_rule(world.api)
    other = (await send(world.api, event("1"))).json()
    mine = (await send(own, event("2"))).json()
    assert [e["id"] for e in (await own.get(f"{API}/events")).json()["items"]] == [mine["id"]]
    assert (await own.get(f"{API}/events/{other['id']}")).status_code == 404
    assert len((await own.get(f"{API}/events/{mine['id']}")).json()["tasks"]) == 1
    assert (await own.get(f"{API}/events", params={"received_by": "hook:x"})).json()["items"] == []
    assert (await own.get(f"{API}/triggers/rule/decisions")).status_code == 403


async def test_a_key_for_some_task_types_sees_their_decisions(world: World) -> None:
    await put_rule(world.api, "a")
    await put_rule(world.api, "b", task_type="strict", input={"customer_id": "'C'"})
    taken = (await send(world.api, event())).json()
    some = await world.as_key(Scope.EVENTS_READ, task_types=("strict",))
    found = (await some.get(f"{API}/events/{taken['id']}")).json()
    assert [d["trigger"] for d in found["decisions"]] == ["b"]
    assert [t["type"] for t in found["tasks"]] == ["strict"]
    assert [d["trigger"] for d in (await some.get(f"{API}/events")).json()["items"][0]["decisions"]] == ["b"]


@pytest.mark.parametrize("id_", ["nonsense", "019bdf3c-5a6e-7c02-9d3e-0d1c2b3a4f5e"])
async def test_no_such_event(world: World, id_: str) -> None:
    assert (await world.api.get(f"{API}/events/{id_}")).status_code == 404
