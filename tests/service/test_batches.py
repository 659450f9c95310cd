"""POST /tasks/batch: an outcome for each item; a bad one does not spoil the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from service.service_world import API, MAX_BODY, World, a_world
from tradefree.access.scopes import Scope

URL = f"{API}/tasks/batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_all_good_items_are_stored_in_order(world: World) -> None:
    answer = await world.api.post(URL, json=[{"type": "echo", "input_data": {"n": n}} for n in range(100)])
    assert answer.status_code == 202
    result = answer.json()
    assert (result["accepted"], result["rejected"]) == (100, 0)
    assert [item["index"] for item in result["items"]] == list(range(100))
    assert [item["task"]["input_data"]["n"] for item in result["items"]] == list(range(100))
    assert await world.tasks() == 100


async def test_bad_items_are_named_and_the_others_stored(world: World) -> None:
    await world.api.post(URL, json=[{"type": "echo", "idempotency_key": "old"}])
    writer = await world.as_key(Scope.TASKS_WRITE, task_types=("echo", "nope"))
    items: list[Any] = [
        {"type": "echo"},
        {"type": "echo", "priority": "high", "prio": 1},
        {"type": "nope"},
        {"type": "strict", "input_data": {"customer_id": "7"}},
        7,
        {"type": "echo", "idempotency_key": "k"},
        {"type": "echo", "idempotency_key": "k"},
        {"type": "echo", "idempotency_key": "k", "priority": 1},
        {"type": "echo", "idempotency_key": ""},
    ]
    answer = await writer.post(URL, json=items)
    assert answer.status_code == 207
    result = answer.json()
    assert (result["accepted"], result["rejected"]) == (3, 6)
    outcomes = result["items"]
    assert [item["status"] for item in outcomes] == [
        "accepted",
        "rejected",
        "rejected",
        "rejected",
        "rejected",
        "accepted",
        "replayed",
        "rejected",
        "rejected",
    ]
    assert outcomes[6]["task"]["id"] == outcomes[5]["task"]["id"]
    errors = [item["error"] and (item["error"]["status"], _fields(item["error"])) for item in outcomes]
    assert errors == [
        None,
        (422, {"priority", "prio"}),
        (422, {"type"}),
        (403, set()),
        (422, {""}),
        None,
        None,
        (422, {"idempotency_key"}),
        (422, {"idempotency_key"}),
    ]
    assert await world.tasks() == 3


def _fields(problem: dict[str, Any]) -> set[str]:
    return {error["field"] for error in problem["errors"]}


async def test_a_broken_line_is_its_own_error(world: World) -> None:
    lines = [
        b'{"type": "echo", "input_data": 1}',
        b'{"type": "echo"',
        b"",
        b'{"type": "echo", "input_data": NaN}',
        b'{"type": "echo", "input_data": "\\u0000"}',
        b'{"type": "echo", "type": "strict"}',
        b'{"type": "echo", "input_data": 2}\r',
    ]
    answer = await world.api.post(URL, content=b"\n".join(lines), headers=NDJSON)
    assert answer.status_code == 207
    result = answer.json()
    assert (result["accepted"], result["rejected"]) == (2, 4)
    assert [item["status"] for item in result["items"]] == ["accepted", *["rejected"] * 4, "accepted"]
    assert [item["index"] for item in result["items"]] == list(range(6))
    assert result["items"][2]["error"]["type"] == "urn:tradefree:problem:not-json"
    assert result["items"][3]["error"]["errors"][0]["field"] == "input_data"
    assert await world.tasks() == 2


async def test_a_thousand_lines_are_taken(world: World) -> None:
    lines = [orjson.dumps({"type": "echo", "input_data": n}) for n in range(1000)]
    answer = await world.api.post(URL, content=b"\n".join(lines), headers=NDJSON)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == await world.tasks() == 1000


BAD: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("no items", b"[]", {}, 422, "1 to 1000"),
    ("no lines", b"\n\n", NDJSON, 422, "1 to 1000"),
    ("too many", b"[" + b",".join([b"1"] * 1001) + b"]", {}, 422, "1 to 1000"),
    ("an object", b'{"type":"echo"}', {}, 422, "array"),
    ("not JSON", b'[{"type":"echo"},', {}, 400, "not JSON"),
    ("NUL", b'[{"type":"echo"},{"type":"echo","input_data":"\\u0000"}]', {}, 422, "1/input_data"),
    ("too deep", b"[" * 65 + b"]" * 65, {}, 422, "64 levels"),
    ("a key for the batch", b'[{"type":"echo"}]', {"Idempotency-Key": "k"}, 422, "idempotency_key"),
    ("nothing", b"", {}, 422, "required"),
    ("another type", b"type: echo", {"Content-Type": "application/yaml"}, 415, "application/json"),
    ("too large", b"[" + b" " * MAX_BODY + b"]", {}, 413, str(MAX_BODY)),
]


@pytest.mark.parametrize(("body", "headers", "status", "words"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
async def test_what_is_no_batch_is_refused_and_nothing_is_stored(
    world: World, body: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    answer = await world.api.post(URL, content=body, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]
    assert await world.tasks() == 0
