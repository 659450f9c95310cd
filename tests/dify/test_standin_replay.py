"""The stand-in against recorded exchanges of a real Dify 1.14.2: same answers, so that it can't drift from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from dify.standin_replay import (
    Exchange,
    Replay,
    frames,
    recording,
    until,
)
from tradefree.testing.dify_standin import DifyStandin

SECONDS = {"name": "seconds", "type": "number", "required": True}

ECHO, BRANCH, SLOW, BOOM = (
    f"app-LAB{key}" for key in ("3a6992a534bcf3f2c", "8928b53f10c205ff5", "111ac7a78953d3b00", "6f18fdc104b3cee04")
)
THREE, TYPED, LIMITED = (f"app-LAB{key}" for key in ("7c92a11de66794820", "28862f8c8b4585ff5", "3fe2d7bd683c88135"))

FLAKY = "Reached maximum retries for URL http://127.0.0.1:15555/flaky/k1795447458.828117/2"
STATUS_500 = "Reached maximum retries for URL http://127.0.0.1:15555/status/500"

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "<string>", line 15, in <module>\n'
    '  File "<string>", line 5, in main\nValueError: deliberate: x\n'
)


def http_node(name: str, seconds: float | str = 0.0) -> dict[str, Any]:
    return {"id": name, "title": name, "type": "http-request", "seconds": seconds}


APPS: list[dict[str, Any]] = [
    {
        "name": "echo",
        "key": ECHO,
        "description": "start -> end, returns query",
        "author": "lab",
        "inputs": ["query"],
        "outputs": {"result": "{query}"},
    },
    {
        "name": "branch",
        "key": BRANCH,
        "inputs": ["query"],
        "nodes": [
            http_node("http1"),
            {"id": "ifelse", "type": "if-else", "title": "If"},
            {"id": "end", "type": "end", "title": "EndA"},
        ],
        "outputs": {"result": "{query}", "branch": 200},
    },
    {
        "name": "slow",
        "key": SLOW,
        "inputs": [SECONDS],
        "nodes": [http_node("slow", "{seconds}")],
        "outputs": {"body": "slept {seconds}"},
    },
    {"name": "boom", "key": BOOM, "inputs": ["query"], "nodes": [http_node("boom")], "behaviour": "fail"},
    {
        "name": "flaky",
        "key": "app-LAB58fae4c177df9c467",
        "inputs": ["key", {"name": "n", "type": "number"}],
        "nodes": [http_node("flaky")],
        "outputs": {"body": "third time lucky"},
        "rules": [{"when": {"n": 2}, "then": {"node_retry": {"retries": 2, "error": FLAKY}}}],
    },
    {
        "name": "maybe",
        "key": "app-LAB7b5e0d45061e4c9c6",
        "inputs": ["query"],
        "nodes": [http_node("maybe")],
        "outputs": {"body": "DEFAULT"},
        "text_at": "end",
        "behaviour": {"partial_success": {"error": STATUS_500}},
    },
    {
        "name": "code",
        "key": "app-LAB28e2bac77a6ec1e01",
        "inputs": ["query"],
        "nodes": [{"type": "code"}],
        "behaviour": {"fail": {"error": TRACEBACK}},
    },
    {
        "name": "three",
        "key": THREE,
        "inputs": [SECONDS],
        "nodes": [http_node(f"slow_{letter}", "{seconds}") for letter in "abc"],
        "outputs": {"body": "slept {seconds}"},
    },
    {
        "name": "typed",
        "key": TYPED,
        "description": "typed inputs",
        "author": "lab",
        "inputs": [
            {"name": "query", "type": "text-input", "required": True, "max_length": 48},
            {"name": "n", "type": "number"},
            {"name": "kind", "type": "select", "options": ["a", "b"]},
            {"name": "flag", "type": "checkbox"},
            {"name": "meta", "type": "json_object"},
            {"name": "note", "type": "paragraph", "default": "dflt"},
        ],
    },
    {
        "name": "limited",
        "key": LIMITED,
        "inputs": [SECONDS],
        "nodes": [http_node("slow", "{seconds}")],
        "outputs": {"body": "slept {seconds}"},
        "max_active_requests": 2,
    },
    {"name": "draft", "key": "app-LABb07036b1e3630f786", "inputs": ["query"], "published": False},
    {
        "name": "chat",
        "key": "app-LABff6fbb84a3815d23a",
        "mode": "advanced-chat",
        "inputs": [{"name": "tone", "type": "text-input"}],
    },
    {
        "name": "llm",
        "key": "app-LAB48f0a3ee2eefa8de7",
        "inputs": ["query"],
        "nodes": [{"id": "llm1", "title": "llm1", "type": "llm", "tokens": 34}],
        "outputs": {"text": "Echo: {query}", "usage": {"usage_of": "llm1"}},
    },
    {
        "name": "broken",
        "key": "app-LABed42035bc2c8ec404",
        "inputs": ["query"],
        "behaviour": {"error_event": {"message": "No class mapping found for node type: no-such-node"}},
    },
]


@asynccontextmanager
async def replaying(**options: Any) -> AsyncIterator[Replay]:
    timing = {"scale": 0.02, "start_seconds": 0.1, "idle_close_seconds": 60, **options.pop("timing", {})}
    server = DifyStandin(APPS, timing=timing, **options)
    async with server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Replay(server, session)


WHOLE = [
    *("01-workflow-blocking-success", "02-workflow-streaming-success-nodes", "02b-workflow-streaming-slow-25s-pings"),
    *("03-workflow-blocking-failure", "04-workflow-streaming-failure", "05a-workflow-streaming-node-retry"),
    *("05b-workflow-streaming-node-exception-partial", "05c-workflow-blocking-partial-succeeded"),
    *("05d-workflow-blocking-code-node-error", "06b-stop-odd-cases", "07-auth-errors-401", "08-workflow-inputs"),
    *("09-workflow-envelope-errors", "10-workflow-unpublished", "11-wrong-app-mode", "12-workflow-run-by-version-id"),
    *("13-streaming-invalid-input-silent-hang", "24-workflow-run-detail", "43-workflow-llm"),
    "47-broken-graph-error-event",
]
"""Recordings whose exchanges simply follow each other."""


@pytest.mark.parametrize("name", WHOLE)
async def test_replay(name: str) -> None:
    async with replaying() as replay:
        # One identifier of the recorded server is needed before it is first shown.
        replay.ids["85b839e8-da50-43d3-97e0-e34760efd45f"] = app(replay, "echo").workflow_id
        for exchange in recording(name):
            await replay.replay(exchange)


def app(replay: Replay, name: str) -> Any:
    return next(app for app in replay.server.apps if app.name == name)


async def test_23_info_parameters_meta() -> None:
    async with replaying() as replay:
        for index, exchange in enumerate(recording("23-info-parameters-meta-site"), start=1):
            if index != 4:  # /site is not served
                await replay.replay(exchange)


async def test_25_logs() -> None:
    shown = recording("25-workflow-logs")
    async with replaying() as replay:
        for user, query in [*[("lab-user-1", "x")] * 7, ("u", "x"), ("log-user", "find-me-4711")]:
            await start(replay, ECHO, {"query": query}, user)
        for _ in range(2):
            await start(replay, BOOM, {"query": "x"}, "lab-user-1")
        near = {"after": datetime.now(UTC) - timedelta(hours=1), "before": datetime.now(UTC) + timedelta(hours=1)}
        window = "&".join(f"created_at__{name}={quote(moment.isoformat())}" for name, moment in near.items())
        shown[6].path = f"/v1/workflows/logs?{window}&limit=1"
        for index, exchange in enumerate(shown, start=1):
            reply = await replay.send(exchange)
            # The recorded time window leaves the newest run out, ours can't: ids and users of its runs differ.
            if index == 7:
                assert json.loads(reply.body)["total"] == 9
                continue
            replay.compare(exchange, reply)


async def start(replay: Replay, key: str, inputs: dict[str, Any], user: str, mode: str = "blocking") -> Any:
    body = {"inputs": inputs, "user": user, "response_mode": mode}
    headers = {"Authorization": f"Bearer {key}"}
    async with replay.session.post(f"{replay.server.base_url}/workflows/run", json=body, headers=headers) as response:
        return await response.json() if mode == "blocking" else await response.read()


async def test_06_stop_during_a_long_node_tells_stopped_and_leaves_the_row_running() -> None:
    stream, running, stop, after, ended = recording("06-stop-running-streaming-workflow")
    async with replaying(timing={"scale": 0.1}) as replay:
        streaming = asyncio.create_task(replay.send(stream))
        await stop_once_running(replay, running, stop, stream)
        assert replay.server.ledger.stops == 1
        reply = await streaming
        replay.compare(stream, reply)
        for look in (after, ended):
            await replay.replay(look)
        (entry,) = replay.server.ledger.entries.values()
        assert entry.outcome == "stopped"
        assert entry.busy_until_mono is not None


async def stop_once_running(replay: Replay, running: Exchange | None, stop: Exchange, stream: Exchange) -> None:
    """Wait for the run, map its recorded ids, look at it, stop it."""
    run = await newest_run(replay)
    recorded = json.loads(frames(stream.answer)[1][6:])
    replay.ids |= {recorded["workflow_run_id"]: run.id, recorded["task_id"]: run.task_id}
    if running:
        await replay.replay(running)
    await replay.replay(stop)


async def newest_run(replay: Replay, events: int = 4) -> Any:
    """The latest run, once it has sent so many events."""

    def there() -> bool:
        runs = list(replay.server.engine.store.by_id.values())
        return bool(bool(runs) and runs[-1].events >= events)

    await until(there)
    return list(replay.server.engine.store.by_id.values())[-1]


async def test_06c_stop_in_the_first_of_three_nodes() -> None:
    stream, stop, detail = recording("06c-stop-three-node-workflow")
    async with replaying(timing={"scale": 0.2}) as replay:
        streaming = asyncio.create_task(replay.send(stream))
        await stop_once_running(replay, None, stop, stream)
        replay.compare(stream, await streaming)
        await replay.replay(detail)


@pytest.mark.parametrize(("first", "ends_soon"), [(0, True), (3, True), (6, True), (9, False), (12, False)])
async def test_06e_the_two_outcomes_of_a_stop(first: int, ends_soon: bool) -> None:
    stream, stop, detail = recording("06e-stop-races")[first : first + 3]
    # The notice is set so that the recorded race goes the recorded way at any machine's speed.
    timing = {"scale": 1.0, "close_seconds": 0.1, "stop_notice_seconds": 5.0 if ends_soon else 0.2}
    async with replaying(timing=timing) as replay:
        streaming = asyncio.create_task(replay.send(stream))
        await stop_once_running(replay, None, stop, stream)
        replay.compare(stream, await streaming)
        await replay.replay(detail)


async def test_26_a_full_app_refuses_with_400() -> None:
    *refused, first, second, afterwards = recording("26-max-active-requests-is-400-not-429")
    async with replaying(timing={"scale": 0.2}) as replay:
        replay.ids["144d3421-ff2c-4fe6-88d9-04c087f7439a"] = app(replay, "limited").id
        under_way = [asyncio.create_task(replay.send(exchange)) for exchange in (first, second)]
        await newest_run(replay)

        def both() -> bool:
            return bool(replay.server.ledger.summary()["running"] == 2)

        await until(both)
        for exchange in refused:
            await replay.replay(exchange)
        for exchange, reply in zip((first, second), under_way, strict=True):
            replay.compare(exchange, await reply)
        await replay.replay(afterwards)
        assert replay.server.ledger.refused == {"too_many_requests": 2}


async def test_26d_a_limit_of_one_refuses_all_streaming() -> None:
    blocking, streaming, again = recording("26d-max-active-requests-1-refuses-all-streaming")
    async with replaying() as replay:
        replay.ids["144d3421-ff2c-4fe6-88d9-04c087f7439a"] = app(replay, "limited").id
        replay.server.control(apps={"limited": {"max_active_requests": 1}})
        await replay.replay(blocking)
        await replay.replay(streaming)
        replay.server.control(apps={"limited": {"max_active_requests": 2}})
        await replay.replay(again)


async def test_29_a_streaming_run_goes_on_without_its_client() -> None:
    stream, running, finished = recording("29-client-disconnect-streaming")
    async with replaying(timing={"scale": 0.2}) as replay:
        reply = await replay.send(stream, until=lambda body: body.count(b"node_started") == 2)
        replay.compare(stream, reply)
        await replay.replay(running)

        def done() -> bool:
            return bool(replay.server.ledger.summary()["outcomes"] == {"succeeded": 1})

        await until(done)
        await replay.replay(finished)


async def test_30_a_blocking_run_goes_on_without_its_client() -> None:
    given_up, running, finished = recording("30-client-disconnect-blocking")
    async with replaying(timing={"scale": 0.2}) as replay:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(replay.send(given_up), 0.2)
        await newest_run(replay)
        await replay.replay(running)

        def done() -> bool:
            return bool(replay.server.ledger.summary()["outcomes"] == {"succeeded": 1})

        await until(done)
        await replay.replay(finished)


async def test_31_joining_a_run_again() -> None:
    stream, snapshot, plain, wrong_user, task_id, no_user, late = recording("31-events-reattach")
    async with replaying(timing={"scale": 0.2}) as replay:
        reply = await replay.send(stream, until=lambda body: body.count(b"node_started") == 2)
        replay.compare(stream, reply)
        joined = [asyncio.create_task(replay.send(exchange)) for exchange in (snapshot, plain)]
        for exchange in (wrong_user, task_id, no_user):
            await replay.replay(exchange)
        for exchange, task in zip((snapshot, plain), joined, strict=True):
            replay.compare(exchange, await task)
        await replay.replay(late)


async def test_32_the_fifth_and_sixth_run_wait_in_silence() -> None:
    exchanges = recording("32-celery-slots-queueing")
    async with replaying(slots=4) as replay:
        replies = await asyncio.gather(*(replay.send(exchange) for exchange in exchanges))
        for exchange, reply in zip(exchanges, replies, strict=True):
            replay.ids.clear()
            replay.compare(exchange, reply)
        summary = replay.server.ledger.summary()
        assert summary["peak"]["running"] == 4
        assert summary["peak"]["open"] == 6


async def test_34_a_dead_worker_is_silent_and_the_row_stays_running() -> None:
    stream, soon, later = recording("34-worker-killed-midrun")
    async with replaying() as replay:
        replay.server.control(apps={"slow": {"behaviour": {"silent_hang": {"after_events": 4}}}})
        replay.compare(stream, await replay.send(stream))
        await replay.replay(soon)
        await replay.replay(later)
        assert replay.server.ledger.summary()["outcomes"] == {"lost": 1}


async def test_52_a_disabled_app_and_a_deleted_key() -> None:
    disabled, enabled, extra_key, deleted = recording("52-api-disabled-403-and-revoked-key")
    async with replaying() as replay:
        replay.server.control(apps={"typed": {"enabled": False}})
        await replay.replay(disabled)
        replay.server.control(apps={"typed": {"enabled": True}})
        await replay.replay(enabled)
        keys = replay.server.engine.apps
        keys["app-LAB48ec84b792d1765af"] = keys[TYPED]
        await replay.replay(extra_key)
        del keys["app-LAB48ec84b792d1765af"]
        await replay.replay(deleted)
