"""POST /tasks: what is stored, what is answered, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.service_world import API, MAX_BODY, World, a_world
from tradefree.access.scopes import Scope
from tradefree.tasks.states import Status

GOOD = {"type": "echo", "input_data": {"order": "SO-1"}}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_a_task_is_stored_and_answered_with_its_links(world: World) -> None:
    body = {
        **GOOD,
        "concurrency_key": "C-7",
        "priority": 10,
        "delay": "10m",
        "expires_in": 3600,
        "timeout": 2.5,
        "max_attempts": 2,
        "labels": {"shop": "深圳"},
        "callback_url": "https://shop.example/hook?x=1",
    }
    answer = await world.api.post(f"{API}/tasks", json=body)
    assert answer.status_code == 202
    document = answer.json()
    assert document["status"] == "scheduled"
    assert document["input_data"] == {"order": "SO-1"}
    assert document["output_data"] is None
    assert document["labels"] == {"shop": "深圳"}
    assert (document["priority"], document["timeout"], document["max_attempts"]) == (10, 2.5, 2)
    assert document["concurrency_key"] == "C-7"
    assert document["callback_url"] == "https://shop.example/hook?x=1"
    url = f"http://service{API}/tasks/{document['id']}"
    assert answer.headers["Location"] == document["status_url"] == url
    assert (document["logs_url"], document["cancel_url"]) == (f"{url}/logs", f"{url}/cancellation")
    assert document["stream_url"].startswith(f"{url}/stream?token=")
    wait = datetime.fromisoformat(document["run_at"]) - datetime.fromisoformat(document["created_at"])
    assert wait == timedelta(minutes=10)
    stored = await world.system.store.task(document["id"])
    assert stored is not None
    assert stored.input_data == {"order": "SO-1"}


async def test_what_is_left_out_or_null_has_its_default(world: World) -> None:
    body = {"type": "echo", "input_data": None, "labels": None, "priority": None, "delay": None, "run_at": None}
    document = (await world.api.post(f"{API}/tasks", json=body)).json()
    assert document["status"] == "pending"
    assert document["input_data"] == {}
    assert document["labels"] == {}
    assert document["priority"] == 0


async def test_run_at_may_have_any_offset(world: World) -> None:
    when = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    text = (when + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S") + "+08:00"
    document = (await world.api.post(f"{API}/tasks", json={**GOOD, "run_at": text})).json()
    assert datetime.fromisoformat(document["run_at"]) == when


async def test_without_the_right_to_payloads_the_answer_hides_them(world: World) -> None:
    writer = await world.as_key(Scope.TASKS_WRITE)
    document = (await writer.post(f"{API}/tasks", json=GOOD)).json()
    assert document["input_data"] is None
    assert document["payloads_hidden"] is True


async def test_a_key_for_other_types_is_refused(world: World) -> None:
    writer = await world.as_key(Scope.TASKS_WRITE, task_types=("strict",))
    answer = await writer.post(f"{API}/tasks", json=GOOD)
    assert answer.status_code == 403
    assert "echo" in answer.json()["detail"]
    assert await world.tasks() == 0


# ── idempotency ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_request_with_the_same_key_is_stored_once(world: World) -> None:
    first = await world.api.post(f"{API}/tasks", json=GOOD, headers={"Idempotency-Key": "order 1"})
    again = await world.api.post(f"{API}/tasks", json=GOOD, headers={"Idempotency-Key": "order 1"})
    assert "Idempotency-Replayed" not in first.headers
    assert again.status_code == 202
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["input_data"] == GOOD["input_data"]
    assert await world.tasks() == 1


async def test_the_same_key_with_another_request_is_refused(world: World) -> None:
    await world.api.post(f"{API}/tasks", json=GOOD, headers={"Idempotency-Key": "k"})
    answer = await world.api.post(f"{API}/tasks", json={**GOOD, "priority": 1}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:tradefree:problem:idempotency-mismatch"
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    assert await world.tasks() == 1


async def test_idempotency_keys_belong_to_the_api_key(world: World) -> None:
    ids = set()
    for _ in range(2):
        client = await world.as_key(Scope.TASKS_WRITE)
        ids.add((await client.post(f"{API}/tasks", json=GOOD, headers={"Idempotency-Key": "k"})).json()["id"])
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\xe9"])
async def test_an_idempotency_key_is_1_to_255_printable_characters(world: World, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = await world.api.post(f"{API}/tasks", json=GOOD, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await world.tasks() == 0


# ── Prefer: wait ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_prefer_wait_holds_the_answer_until_the_task_has_ended(world: World) -> None:
    asking = asyncio.create_task(
        world.api.post(f"{API}/tasks", json=GOOD, headers={"Prefer": "respond-async, wait=30"})
    )
    await world.move((await world.first_task()).id, Status.COMPLETED, output_data={"done": True})
    answer = await asyncio.wait_for(asking, 10)
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert answer.json()["status"] == "completed"
    assert answer.json()["output_data"] == {"done": True}


async def test_prefer_wait_gives_up_after_its_time(world: World) -> None:
    answer = await world.api.post(f"{API}/tasks", json=GOOD, headers={"Prefer": "wait=0"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=0"
    assert answer.json()["status"] == "pending"


async def test_a_task_that_is_stored_is_answered_though_the_database_went_away(world: World) -> None:
    asking = asyncio.create_task(world.api.post(f"{API}/tasks", json=GOOD, headers={"Prefer": "wait=1"}))
    task = await world.first_task()
    world.system.store.away = True
    answer = await asyncio.wait_for(asking, 10)
    assert answer.status_code == 202
    assert answer.json()["id"] == task.id


async def test_a_preference_that_is_not_understood_is_ignored(world: World) -> None:
    answer = await world.api.post(f"{API}/tasks", json=GOOD, headers={"Prefer": "wait=soon, handling=lenient"})
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


# ── bad input ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _with(**values: Any) -> bytes:
    return json.dumps({**GOOD, **values}).encode()


DEEP = b'{"type":"echo","input_data":' + b"[" * 64 + b"]" * 64 + b"}"

BAD: list[tuple[str, bytes, int, str, str]] = [
    ("empty body", b"", 422, "", "required"),
    ("not JSON", b"{type: echo}", 400, "", "not JSON"),
    ("cut off", b'{"type": "echo"', 400, "", "not JSON"),
    ("two values", b'{"type":"echo"}{"type":"echo"}', 400, "", "not JSON"),
    ("NaN", b'{"type":"echo","input_data":NaN}', 400, "", "not JSON"),
    ("Infinity", b'{"type":"echo","input_data":-Infinity}', 400, "", "not JSON"),
    ("a number beyond doubles", b'{"type":"echo","input_data":1e999}', 400, "", "not JSON"),
    ("lone surrogate", b'{"type":"echo","input_data":"\\ud800"}', 400, "", "surrogate"),
    ("not UTF-8", b'{"type":"echo","input_data":"\xff"}', 400, "", "UTF-8"),
    ("raw NUL", b'{"type":"echo","input_data":"\x00"}', 400, "", "not JSON"),
    ("NUL", b'{"type":"echo","input_data":{"a":["x\\u0000"]}}', 422, "input_data/a/0", "NUL"),
    ("NUL in a key", b'{"type":"echo","input_data":{"a\\u0000":1}}', 422, "input_data/a", "NUL"),
    ("too deep", DEEP, 422, "", "64 levels"),
    ("a depth bomb", b"[" * 10_000, 422, "", "64 levels"),
    ("a key twice", b'{"type":"echo","type":"strict"}', 422, "type", "twice"),
    ("a key twice, escaped", b'{"type":"echo","input_data":{"a":1,"\\u0061":2}}', 422, "input_data/a", "twice"),
    ("a large integer", b'{"type":"echo","input_data":{"n":18446744073709551616}}', 422, "input_data/n", "64 bits"),
    ("a small integer", b'{"type":"echo","input_data":[-9223372036854775809]}', 422, "input_data/0", "64 bits"),
    ("an array", b"[]", 422, "", "object"),
    ("text", b'"echo"', 422, "", "object"),
    ("null", b"null", 422, "", ""),
    ("no type", b"{}", 422, "type", "required"),
    ("type is a number", b'{"type":1}', 422, "type", "string"),
    ("unknown type", b'{"type":"nope"}', 422, "type", "known: echo, strict"),
    ("a field nobody knows", _with(prio=1), 422, "prio", "not a known field"),
    ("input against the schema", b'{"type":"strict","input_data":{}}', 422, "input_data", "customer_id"),
    (
        "a value against it",
        b'{"type":"strict","input_data":{"customer_id":7}}',
        422,
        "input_data/customer_id",
        "string",
    ),
    ("no input against it", b'{"type":"strict"}', 422, "input_data", "customer_id"),
    ("priority as text", _with(priority="10"), 422, "priority", "integer"),
    ("priority true", _with(priority=True), 422, "priority", "integer"),
    ("priority 1.0", _with(priority=1.0), 422, "priority", "integer"),
    ("priority too high", _with(priority=101), 422, "priority", "100"),
    ("priority too low", _with(priority=-101), 422, "priority", "-100"),
    ("delay below nothing", _with(delay=-1), 422, "delay", "greater than or equal to 0"),
    ("delay for ever", _with(delay=1e300), 422, "delay", "less than"),
    ("delay in words", _with(delay="soon"), 422, "delay", "10m"),
    ("delay true", _with(delay=True), 422, "delay", "seconds"),
    ("delay and run_at", _with(delay=1, run_at="2999-01-01T00:00:00Z"), 422, "run_at", "not both"),
    ("run_at without offset", _with(run_at="2026-01-01T00:00:00"), 422, "run_at", "timezone"),
    ("run_at as a number", _with(run_at=1760000000), 422, "run_at", "ISO 8601"),
    ("run_at in words", _with(run_at="tomorrow"), 422, "run_at", "datetime"),
    ("run_at before time", _with(run_at="0001-01-01T00:00:00+10:00"), 422, "run_at", "too far"),
    ("run_at too far", _with(run_at="2999-01-01T00:00:00Z"), 422, "run_at", "366 days"),
    ("expires at once", _with(expires_in=0), 422, "expires_in", "greater than 0"),
    ("expires before it starts", _with(expires_in=5, delay=10), 422, "expires_in", "expire before"),
    ("timeout 0", _with(timeout=0), 422, "timeout", "greater than 0"),
    ("timeout too long", _with(timeout="2d"), 422, "timeout", "86400"),
    ("no attempts", _with(max_attempts=0), 422, "max_attempts", "greater than or equal to 1"),
    ("empty concurrency key", _with(concurrency_key=""), 422, "concurrency_key", "1 character"),
    ("long concurrency key", _with(concurrency_key="k" * 256), 422, "concurrency_key", "255"),
    ("concurrency key 7", _with(concurrency_key=7), 422, "concurrency_key", "string"),
    ("too many labels", _with(labels={f"l{n}": "" for n in range(21)}), 422, "labels", "20"),
    ("a label's name", _with(labels={"a b": "x"}), 422, "labels/a b", "not a good name"),
    ("a label's value", _with(labels={"a": "x" * 256}), 422, "labels/a", "255"),
    ("a label 7", _with(labels={"a": 7}), 422, "labels/a", "string"),
    ("labels as a list", _with(labels=["a"]), 422, "labels", "dictionary"),
    ("callback by file", _with(callback_url="file:///etc/passwd"), 422, "callback_url", "pattern"),
    ("callback with a password", _with(callback_url="https://a:b@c/"), 422, "callback_url", "pattern"),
]


@pytest.mark.parametrize(("body", "status", "field", "reason"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
async def test_bad_input_is_refused_by_name_and_nothing_is_stored(
    world: World, body: bytes, status: int, field: str, reason: str
) -> None:
    answer = await world.api.post(f"{API}/tasks", content=body, headers={"Content-Type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["errors"][0]["field"] == field
    assert reason in problem["errors"][0]["reason"]
    assert problem["instance"] == f"{API}/tasks"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert await world.tasks() == 0


async def test_every_wrong_field_is_named_at_once(world: World) -> None:
    answer = await world.api.post(f"{API}/tasks", json={"priority": "x", "timeout": 0, "nope": 1})
    assert {error["field"] for error in answer.json()["errors"]} == {"type", "priority", "timeout", "nope"}


async def test_good_but_unusual_json_is_taken(world: World) -> None:
    odd = {
        "edge": [2**64 - 1, -(2**63), 1e308, 0.1],
        "digits": "1" * 40,
        "escaped": "\\u0000",
        "text": "深圳 \U0001f600 [[[{{{",
        "deep": json.loads("[" * 60 + "]" * 60),
        "many": [[]] * 200,
    }
    answer = await world.api.post(f"{API}/tasks", json={"type": "echo", "input_data": odd})
    assert answer.status_code == 202
    assert answer.json()["input_data"] == odd


# ── size and type of the body ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_body_over_the_limit_is_refused_by_its_length(world: World) -> None:
    answer = await world.api.post(f"{API}/tasks", json={**GOOD, "input_data": "x" * MAX_BODY})
    assert answer.status_code == 413
    assert str(MAX_BODY) in answer.json()["detail"]
    assert await world.tasks() == 0


async def test_a_chunked_body_is_read_no_further_than_the_limit(world: World) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b"[" * 1000

    answer = await world.api.post(f"{API}/tasks", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["Connection"] == "close"
    assert sent <= MAX_BODY + 2000


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/x-ndjson"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; profile=x; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
async def test_a_body_of_another_type_is_refused(world: World, headers: dict[str, str]) -> None:
    answer = await world.api.post(f"{API}/tasks", content=json.dumps(GOOD).encode(), headers=headers)
    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert await world.tasks() == 0


async def test_json_may_say_that_it_is_utf_8(world: World) -> None:
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"; profile=x'}
    answer = await world.api.post(f"{API}/tasks", content=json.dumps(GOOD).encode(), headers=headers)
    assert answer.status_code == 202


async def test_the_key_is_checked_before_the_body_is_read(world: World) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    answer = await world.client().post(f"{API}/tasks", content=body())
    assert answer.status_code == 401
    assert not read
