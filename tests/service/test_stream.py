"""A task's stream and log: what a watcher is sent, and what it is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.service_world import API, World, a_world
from tradefree.access.scopes import Scope
from tradefree.service.models.logs import LogDocument
from tradefree.service.stream import Pace, TaskStream
from tradefree.service.tokens import LIFETIME, StreamTokens
from tradefree.tasks.ports import task_topic
from tradefree.tasks.states import Status
from tradefree.tasks.task import LogLine, Task

QUICK = Pace(heartbeat=30, reread=30, pause=0, last_look=0.01)
"""Nothing but signals moves it, so a test that passes has been woken."""


@dataclass
class Event:
    name: str
    id: int | None
    data: Any


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
async def task(world: World) -> str:
    return str((await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"])


def parsed(chunk: bytes) -> Event | str:
    """An event, or a comment or setting as text."""
    fields = dict(line.split(": ", 1) for line in chunk.decode().strip().split("\n") if not line.startswith(":"))
    if "data" not in fields:
        return chunk.decode()
    return Event(fields["event"], int(fields["id"]) if "id" in fields else None, json.loads(fields["data"]))


class Watcher:
    """Reads a stream, event by event, with a deadline."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def chunk(self) -> Event | str:
        return parsed(await asyncio.wait_for(anext(self._chunks), 10))

    async def next(self) -> Event:
        """The next event; comments are passed over."""
        while isinstance(event := await self.chunk(), str):
            pass
        return event

    async def rest(self) -> list[Event]:
        return [event async for chunk in self._chunks if isinstance(event := parsed(chunk), Event)]


def a_stream(world: World, task: str, **options: Any) -> TaskStream:
    return TaskStream(world.system, task, asyncio.Event(), **{"pace": QUICK, **options})


async def test_a_watcher_sees_status_log_and_end_as_they_happen(world: World, task: str) -> None:
    async with aclosing(a_stream(world, task).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        first, accepted = await watcher.next(), await watcher.next()
        assert (first.name, first.data["status"]) == ("status", "pending")
        assert (accepted.name, accepted.data["message"]) == ("log", "Accepted.")
        await world.move(task, Status.PROCESSING)
        moved, line = await watcher.next(), await watcher.next()
        assert (moved.name, moved.data["status"], moved.data["attempt_count"]) == ("status", "processing", 1)
        assert line.data["event"] == "task.processing"
        await world.log(task, "thinking")
        world.system.signals.publish(task_topic(task), {"kind": "log"})
        assert (await watcher.next()).data["message"] == "thinking"
        await world.move(task, Status.FAILED, error_code="oops", error_message="It broke.")
        ended, last = await watcher.next(), await watcher.next()
        assert (ended.data["status"], ended.data["error_message"]) == ("failed", "It broke.")
        assert last.data["event"] == "task.failed"
        end = await watcher.next()
        assert (end.name, end.data) == ("end", {"id": task, "status": "failed"})
        assert await watcher.rest() == []


async def test_a_lost_signal_costs_one_reread(world: World, task: str) -> None:
    pace = Pace(heartbeat=30, reread=0.05, pause=0, last_look=0.01)
    async with aclosing(a_stream(world, task, pace=pace).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        await watcher.next()
        await world.log(task, "nobody was told")
        assert (await watcher.next()).data["message"] == "nobody was told"


async def test_a_line_committed_just_after_the_end_is_not_lost(world: World, task: str) -> None:
    pace = Pace(heartbeat=30, reread=30, pause=0, last_look=0.3)
    await world.move(task, Status.COMPLETED)
    async with aclosing(a_stream(world, task, pace=pace).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        await watcher.next()
        await watcher.next()
        await world.log(task, "late")
        assert [(event.name, event.data.get("message")) for event in await watcher.rest()] == [
            ("log", "late"),
            ("end", None),
        ]


async def test_partial_text_is_sent_only_to_those_who_may_see_payloads(world: World, task: str) -> None:
    for partial in (True, False):
        async with aclosing(a_stream(world, task, partial=partial).events()) as chunks:  # type: ignore[type-var]
            watcher = Watcher(chunks)
            await watcher.next()
            await watcher.next()
            await world.log(task, "after the text")
            for message in ({"kind": "partial", "text": "Hel"}, {"kind": "partial", "text": "lo"}, {"kind": "log"}):
                world.system.signals.publish(task_topic(task), message)
            got = [await watcher.next()]
            while got[-1].name != "log" or got[-1].data["message"] != "after the text":
                got.append(await watcher.next())
            text = "".join(event.data["text"] for event in got if event.name == "partial")
            assert text == ("Hello" if partial else "")
            assert all(event.id is None for event in got if event.name == "partial")


@pytest.mark.parametrize("payloads", [True, False])
def test_lines_show_contents_only_to_those_who_may_see_payloads(payloads: bool) -> None:
    data = {"node_id": "n", "payload": {"inputs": {"name": "Li"}}}
    line = LogLine("t", datetime.now(UTC), "info", "Think finished.", "dify.node.finished", 1, data, id=1)
    shown = LogDocument.of(line, payloads=payloads).data
    assert shown == (data if payloads else {"node_id": "n"})


async def test_text_that_replaces_what_was_said_says_so(world: World, task: str) -> None:
    """A moderated answer: what a slow reader has not yet got of the old text does not come any more."""
    async with aclosing(a_stream(world, task, partial=True).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        await watcher.next()
        for more in ({"text": "bad"}, {"text": "good", "replace": True}, {"text": " words"}):
            world.system.signals.publish(task_topic(task), {"kind": "partial", **more})
        got = await watcher.next()
        assert (got.name, got.data) == ("partial", {"text": "good words", "replace": True})


async def test_silence_is_broken_by_heartbeats_that_carry_the_mark(world: World, task: str) -> None:
    pace = Pace(heartbeat=0.02, reread=30)
    async with aclosing(a_stream(world, task, after=7, pace=pace).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        assert await watcher.chunk() == ": heartbeat\nid: 7\n\n"
        assert await watcher.chunk() == ": heartbeat\nid: 7\n\n"


async def test_a_watcher_looks_when_it_is_told_to_and_then_rests(
    world: World, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    real = world.system.store.task

    async def counted(task_id: str, *, payloads: bool = True) -> Task | None:
        nonlocal looks
        looks += 1
        return await real(task_id, payloads=payloads)

    monkeypatch.setattr(world.system.store, "task", counted)
    pace = Pace(heartbeat=0.02, reread=30, pause=0)
    async with aclosing(a_stream(world, task, pace=pace).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        await world.log(task, "told")
        world.system.signals.publish(task_topic(task), {"kind": "log"})
        while (await watcher.next()).data["message"] != "told":
            pass
        for _ in range(3):
            assert "heartbeat" in str(await watcher.chunk())
        assert looks <= 2


async def test_a_database_that_is_away_does_not_end_the_stream(world: World, task: str) -> None:
    pace = Pace(heartbeat=30, reread=0.02, pause=0, last_look=0.01)
    async with aclosing(a_stream(world, task, pace=pace).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        await watcher.next()
        world.system.store.away = True
        assert "does not answer" in str(await watcher.chunk())
        world.system.store.away = False
        await world.move(task, Status.COMPLETED)
        assert (await watcher.next()).data["status"] == "completed"


async def test_open_streams_end_when_the_service_stops(world: World, task: str) -> None:
    closing = asyncio.Event()
    pace = Pace(reread=0.02)
    async with aclosing(TaskStream(world.system, task, closing, pace=pace).events()) as chunks:  # type: ignore[type-var]
        watcher = Watcher(chunks)
        await watcher.next()
        closing.set()
        assert [event.name for event in await asyncio.wait_for(watcher.rest(), 10)] == ["log"]


# ── over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def streamed(world: World, url: str, secret: str | None = None, **headers: str) -> tuple[int, list[Event]]:
    answer = await world.client(secret).get(url, headers=headers)
    events = [parsed(chunk + b"\n\n") for chunk in answer.content.split(b"\n\n") if chunk]
    return answer.status_code, [event for event in events if isinstance(event, Event)]


async def test_a_stream_is_server_sent_events(world: World, task: str) -> None:
    await world.move(task, Status.COMPLETED)
    answer = await world.api.get(f"{API}/tasks/{task}/stream")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.startswith("retry: ")
    assert answer.text.endswith("\n\n")


async def test_a_watcher_resumes_after_the_event_it_saw_last(world: World, task: str) -> None:
    await world.log(task, "one", "two")
    await world.move(task, Status.COMPLETED)
    secret = await world.key(Scope.TASKS_READ)
    _, events = await streamed(world, f"{API}/tasks/{task}/stream", secret)
    ids = [event.data["id"] for event in events if event.name == "log"]
    assert len(ids) == 4
    _, again = await streamed(world, f"{API}/tasks/{task}/stream", secret, **{"Last-Event-ID": str(ids[1])})
    assert [event.data["id"] for event in again if event.name == "log"] == ids[2:]
    assert again[0].data["status"] == "completed"


@pytest.mark.parametrize("place", ["x", "-1", "1.5", "9223372036854775808", "9" * 30])
async def test_a_place_that_is_none_is_refused(world: World, task: str, place: str) -> None:
    answer = await world.api.get(f"{API}/tasks/{task}/stream", headers={"Last-Event-ID": place})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Last-Event-ID"


async def test_a_stream_url_needs_no_key(world: World, task: str) -> None:
    await world.move(task, Status.COMPLETED)
    url = (await world.api.get(f"{API}/tasks/{task}")).json()["stream_url"]
    status, events = await streamed(world, url)
    assert status == 200
    assert events[-1].name == "end"


async def test_a_stream_token_opens_nothing_else(world: World, task: str) -> None:
    other = (await world.api.post(f"{API}/tasks", json={"type": "echo"})).json()["id"]
    query = (await world.api.get(f"{API}/tasks/{task}")).json()["stream_url"].partition("?")[2]
    nobody = world.client()
    for method, path in [
        ("GET", f"tasks/{other}/stream"),
        ("GET", f"tasks/{task}"),
        ("GET", f"tasks/{task}/logs"),
        ("POST", f"tasks/{task}/cancellation"),
        ("GET", "tasks"),
    ]:
        assert (await nobody.request(method, f"{API}/{path}?{query}")).status_code == 401, path


async def test_a_stream_token_is_signed_and_expires(world: World, task: str) -> None:
    tokens = StreamTokens(world.system.stream_secret)
    now = world.system.clock.now()
    good = tokens.issue(task, payloads=False, now=now)
    expiry, _, signature = good.split(".")
    forged = [
        "",
        "..",
        "x",
        "é.n.x",
        f"{expiry}.p.{signature}",
        f"{int(expiry) + 1}.n.{signature}",
        f"{expiry}.n.{signature[:-1]}",
        StreamTokens(b"another").issue(task, payloads=False, now=now),
        tokens.issue(task, payloads=False, now=now - timedelta(seconds=LIFETIME + 1)),
    ]
    nobody = world.client()
    for token in forged:
        answer = await nobody.get(f"{API}/tasks/{task}/stream", params={"token": token})
        assert answer.status_code == 401, token
    assert tokens.check(good, task, now + timedelta(seconds=LIFETIME - 1)) is False


@pytest.mark.parametrize(("scopes", "shown"), [((Scope.TASKS_READ,), False), ((Scope.ADMIN,), True)])
async def test_a_token_shows_partial_text_only_if_its_key_may(
    world: World, task: str, scopes: tuple[Scope, ...], shown: bool
) -> None:
    client = await world.as_key(*scopes)
    url = (await client.get(f"{API}/tasks/{task}")).json()["stream_url"]
    watching = asyncio.create_task(streamed(world, url))
    await world.system.signals.until(task_topic(task), 1)
    world.system.signals.publish(task_topic(task), {"kind": "partial", "text": "secret words"})
    await world.move(task, Status.COMPLETED)
    _, events = await asyncio.wait_for(watching, 10)
    assert ("partial" in [event.name for event in events]) is shown


# ── pages of the log ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_log_is_read_page_by_page(world: World, task: str) -> None:
    await world.log(task, *(f"line {n}" for n in range(5)))
    seen: list[str] = []
    after = 0
    while True:
        page = (await world.api.get(f"{API}/tasks/{task}/logs", params={"after": after, "limit": 2})).json()
        if not page["items"]:
            assert page["next_after"] == after
            break
        seen += [line["message"] for line in page["items"]]
        after = page["next_after"]
    assert seen == ["Accepted.", *(f"line {n}" for n in range(5))]


async def test_a_log_can_be_read_from_a_level_upwards(world: World, task: str) -> None:
    for level in ("debug", "info", "warning", "error"):
        await world.log(task, level, level=level)
    page = (await world.api.get(f"{API}/tasks/{task}/logs", params={"level": "warning"})).json()
    assert [line["level"] for line in page["items"]] == ["warning", "error"]


@pytest.mark.parametrize(
    "params", [{"after": -1}, {"after": 2**63}, {"limit": 0}, {"limit": 1001}, {"level": "loud"}, {"follow": "1"}]
)
async def test_a_bad_log_query_is_refused_by_name(world: World, task: str, params: dict[str, Any]) -> None:
    answer = await world.api.get(f"{API}/tasks/{task}/logs", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(params))
