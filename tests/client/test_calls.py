from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.service_double import OTHER_ID, TASK_ID, Answer, ServiceDouble, event, log_line, ok, problem, stream, task
from tradefree.client import (
    Client,
    Conflicting,
    InvalidInput,
    InvalidRequest,
    KeyRefused,
    NotEnded,
    NotFound,
    ServiceUnavailable,
    TaskFailed,
    Throttled,
)
from tradefree.errors import SettingsError

TASK = f"/tasks/{TASK_ID}"
STREAM = f"{TASK}/stream"


def throttled(retry_after: str) -> Answer:
    answer = problem(429, "this key may make 5/s requests")
    return Answer(429, answer.body, answer.content_type, headers={"Retry-After": retry_after})


async def test_a_task_is_submitted_under_a_fresh_key(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(task(status="pending"), 202))
    first = await client.submit("hello", {"a": 1}, labels={"shop": "x"}, priority=3)
    await client.submit("hello", {"a": 1})
    one, two = service.all("/tasks")
    assert one.json == {"type": "hello", "input_data": {"a": 1}, "labels": {"shop": "x"}, "priority": 3}
    assert one.headers["Authorization"] == "Bearer tfk_test"
    assert one.headers["Idempotency-Key"] != two.headers["Idempotency-Key"]
    assert (first.id, first.status, first.ended) == (TASK_ID, "pending", False)


async def test_a_repeat_has_the_same_key(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", problem(503, "the database is away"), throttled("0"), ok(task(), 202))
    await client.submit("hello")
    keys = {asked.headers["Idempotency-Key"] for asked in service.all("/tasks")}
    assert (len(service.all("/tasks")), len(keys)) == (3, 1)


async def test_a_key_of_ones_own_is_sent(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(task(), 202))
    await client.submit("hello", idempotency_key="order-7")
    asked = service.only("/tasks")
    assert asked.headers["Idempotency-Key"] == "order-7"
    assert "idempotency_key" not in asked.json


async def test_retry_after_is_waited_for(
    client: Client, service: ServiceDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("tradefree.client.transport.asyncio.sleep", sleep)
    service.on("POST", "/tasks", throttled("7"), ok(task(), 202))
    await client.submit("hello")
    assert slept == [7.0]


async def test_who_is_to_wait_too_long_is_told(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", throttled("3600"))
    with pytest.raises(Throttled, match="may make 5/s") as caught:
        await client.submit("hello")
    assert caught.value.retry_after == 3600.0
    assert len(service.all("/tasks")) == 1


async def test_what_is_not_safe_to_repeat_is_repeated_only_if_it_did_nothing(
    client: Client, service: ServiceDouble
) -> None:
    service.on("POST", f"{TASK}/retries", throttled("0"), problem(500, "no"), ok(task(), 202))
    with pytest.raises(ServiceUnavailable):
        await client.retry(TASK_ID)
    assert len(service.all(f"{TASK}/retries")) == 2


async def test_a_service_that_is_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    async with Client(url, "tfk_x") as client:
        with pytest.raises(ServiceUnavailable, match=r"cannot reach the task service at .*is it running") as caught:
            await client.submit("hello")
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidRequest), (422, InvalidRequest), (401, KeyRefused), (403, KeyRefused), (409, Conflicting)],
)
async def test_a_refusal_names_the_field(
    client: Client, service: ServiceDouble, status: int, kind: type[InvalidRequest]
) -> None:
    service.on("POST", "/tasks", problem(status, "that is wrong", ("input_data/a", "should be a string")))
    with pytest.raises(kind, match="input_data/a: should be a string") as caught:
        await client.submit("hello")
    assert caught.value.field == "input_data/a"
    assert caught.value.fields == {"input_data/a": "should be a string"}
    assert caught.value.status == status
    assert len(service.all("/tasks")) == 1


async def test_no_such_task(client: Client, service: ServiceDouble) -> None:
    service.on("GET", TASK, problem(404, "no task"))
    with pytest.raises(NotFound, match="no task"):
        await client.task(TASK_ID)


async def test_a_redirect_does_not_get_the_key(client: Client, service: ServiceDouble) -> None:
    service.on("GET", TASK, Answer(307, headers={"Location": f"{service.url}/elsewhere"}))
    with pytest.raises(ServiceUnavailable, match=r"redirect .*check the URL"):
        await client.task(TASK_ID)
    assert {asked.path for asked in service.asked} == {f"/api/v1{TASK}"}


@pytest.mark.parametrize("task_id", ["", "../api-keys", "a/b", "a?b", "ü", " "])
async def test_an_id_is_no_path(client: Client, service: ServiceDouble, task_id: str) -> None:
    with pytest.raises(InvalidInput, match="is no id of a task"):
        await client.task(task_id)
    assert service.asked == []


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, {"when": datetime.now(UTC)}])
async def test_what_is_no_json_is_refused_before_anything_is_sent(
    client: Client, service: ServiceDouble, value: Any
) -> None:
    with pytest.raises(InvalidInput, match="cannot be sent as JSON"):
        await client.submit("hello", value)
    assert service.asked == []


async def test_a_time_without_an_offset_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInput, match="run_at: should have an offset"):
        await client.submit("hello", run_at=datetime(2030, 1, 1))  # noqa: DTZ001


async def test_waiting_ends_with_the_task(client: Client, service: ServiceDouble) -> None:
    service.on("GET", TASK, ok(task(status="processing")), ok(task()))
    service.on(
        "GET", STREAM, stream(event("status", {"status": "processing"}, 1), event("end", {"status": "completed"}))
    )
    ended = await client.wait(TASK_ID)
    assert ended.result() == {"b": 2}
    assert ended.finished_at == datetime(2026, 1, 31, 8, 0, 5, 500_000, UTC)


async def test_waiting_has_an_end(client: Client, service: ServiceDouble) -> None:
    service.on("GET", TASK, ok(task(status="processing")))
    service.on("GET", STREAM, stream(event("status", {"status": "processing"}, 1), hold=True))
    with pytest.raises(NotEnded, match=r"has not ended within 0.05 s; it goes on"):
        await client.wait(TASK_ID, timeout=0.05)


async def test_submit_can_wait(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/tasks", ok(task()))
    assert (await client.submit("hello", wait=30)).completed
    assert service.only("/tasks").headers["Prefer"] == "wait=30"


@pytest.mark.parametrize("status", ["failed", "cancelled", "processing"])
async def test_there_is_no_result_of_a_task_that_did_not_complete(
    client: Client, service: ServiceDouble, status: str
) -> None:
    service.on("GET", TASK, ok(task(status=status, error_code="x", error_message="It broke.")))
    with pytest.raises(TaskFailed, match=f"{TASK_ID} is {status}: It broke.") as caught:
        (await client.task(TASK_ID)).result()
    assert (caught.value.code, caught.value.status) == ("x", status)


async def test_a_hidden_result_is_not_taken_for_none(client: Client, service: ServiceDouble) -> None:
    service.on("GET", TASK, ok(task(output_data=None, payloads_hidden=True)))
    with pytest.raises(KeyRefused, match="payloads:read"):
        (await client.task(TASK_ID)).result()


async def test_a_stream_goes_on_where_it_was(client: Client, service: ServiceDouble) -> None:
    service.on(
        "GET",
        STREAM,
        stream(event("log", log_line(1), 1)),
        stream(event("log", log_line(1), 1), event("log", log_line(2), 2), event("end", {"status": "completed"}, 2)),
    )
    seen = [each.data.get("id") async for each in client.stream(TASK_ID) if each.name == "log"]
    assert seen == [1, 2]
    assert service.all(STREAM)[1].headers["Last-Event-ID"] == "1"


async def test_tasks_are_found_page_by_page(client: Client, service: ServiceDouble) -> None:
    service.on(
        "GET",
        "/tasks",
        ok({"items": [task()], "next_cursor": "c"}),
        ok({"items": [task(id=OTHER_ID)], "next_cursor": None}),
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        each.id
        async for each in client.tasks(status="failed", labels={"a": "b"}, created_after=moment, finished_before=moment)
    ]
    assert found == [TASK_ID, OTHER_ID]
    first, second = service.all("/tasks")
    assert ("status", "failed") in first.query
    assert ("label", "a:b") in first.query
    assert ("created_after", "2026-01-01T00:00:00+00:00") in first.query
    assert ("finished_before", "2026-01-01T00:00:00+00:00") in first.query
    assert ("cursor", "c") in second.query


async def test_a_log_is_read_page_by_page(client: Client, service: ServiceDouble) -> None:
    pages = [[log_line(n) for n in range(1, 1001)], [log_line(1001)]]
    service.on("GET", f"{TASK}/logs", *(ok({"items": page, "next_after": page[-1]["id"]}) for page in pages))
    assert [line.id async for line in client.logs(TASK_ID)] == list(range(1, 1002))


async def test_actions(client: Client, service: ServiceDouble) -> None:
    service.on("POST", f"{TASK}/cancellation", ok(task(status="cancelled")))
    service.on("POST", f"{TASK}/retries", ok(task(status="pending"), 202))
    service.on("POST", f"{TASK}/answers", ok(task(status="pending"), 202))
    assert (await client.cancel(TASK_ID)).status == "cancelled"
    await client.retry(TASK_ID)
    await client.retry(TASK_ID, {"a": 2})
    await client.answer(TASK_ID, "approve", {"note": "yes"}, question_id=3)
    assert [asked.json for asked in service.all(f"{TASK}/retries")] == [{}, {"input_data": {"a": 2}}]
    assert service.only(f"{TASK}/answers").json == {"action": "approve", "inputs": {"note": "yes"}, "question_id": 3}


async def test_an_event_is_one_however_often_it_is_sent(client: Client, service: ServiceDouble) -> None:
    service.on("POST", "/events", problem(503, "away"), ok({"id": "e"}, 202))
    await client.send_event("order.created", "/shop", {"id": 7}, subject="SO-7")
    one, two = [asked.json for asked in service.all("/events")]
    assert one == two
    assert (one["specversion"], one["type"], one["source"], one["data"]) == ("1.0", "order.created", "/shop", {"id": 7})


@pytest.mark.parametrize("url", ["", "ftp://x", "127.0.0.1:8080"])
async def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="is not an address"):
        Client(url, "tfk_x")


async def test_a_key_with_a_line_break_is_not_sent() -> None:
    with pytest.raises(SettingsError, match="copied whole"):
        Client("http://127.0.0.1:1", "tfk_a\r\nX: y")


async def test_the_key_is_in_no_error(service: ServiceDouble) -> None:
    async with Client(service.url, "tfk_canary") as client:
        with pytest.raises(NotFound) as caught:
            await client.task(TASK_ID)
        said = f"{caught.value!r} {client!r} {client._service!r}"
    assert "canary" not in said


async def test_a_cancelled_call_gives_its_connection_back(client: Client, service: ServiceDouble) -> None:
    service.on("GET", STREAM, stream(hold=True))

    async def watch() -> None:
        async for _ in client.stream(TASK_ID):
            pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch(), 0.05)
    service.on("GET", TASK, ok(task()))
    assert (await client.task(TASK_ID)).completed


def test_documents_of_a_later_service_are_read() -> None:
    from tradefree.client import Task

    document = json.loads(json.dumps(task(status="sleeping", novelty=1)))
    assert Task.of(document).status == "sleeping"
    assert Task.of(document).raw["novelty"] == 1
