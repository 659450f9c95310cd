"""The stand-in's chats, chatflows and completions against recorded exchanges of a real Dify 1.14.2."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from dify.standin_replay import Exchange, Replay, frames, kinds, recording, until
from tradefree.testing.dify_standin import DifyStandin

FLOW, FLOW_LLM, CHAT, COMPLETION, UPLOADS = (
    f"app-LAB{key}"
    for key in ("ff6fbb84a3815d23a", "37559096b6b679e40", "997c9d7e15d278197", "1df7f24b6147919a7", "8c8247aa5b05a0e4e")
)
SAID = " ".join(f"w{number}" for number in range(200))

APPS: list[dict[str, Any]] = [
    {
        "name": "flow",
        "key": FLOW,
        "mode": "advanced-chat",
        "inputs": [{"name": "tone", "type": "text-input"}],
        "answer": "You said: {query} (conv {conversation_id})",
        "text_at": "start",
    },
    {
        "name": "flow-llm",
        "key": FLOW_LLM,
        "mode": "advanced-chat",
        "nodes": [{"id": "llm1", "title": "llm1", "type": "llm", "tokens": 34}],
    },
    {"name": "chat", "key": CHAT, "mode": "chat"},
    {"name": "completion", "key": COMPLETION, "mode": "completion", "inputs": ["query"]},
    {"name": "uploads", "key": UPLOADS},
]


@asynccontextmanager
async def replaying(**changed: Any) -> AsyncIterator[Replay]:
    """``changed``: apps by name, in what they differ."""
    apps = [{**app, **changed.get(app["name"], {})} for app in APPS]
    server = DifyStandin(apps, timing={"scale": 0.02, "start_seconds": 0.1, "idle_close_seconds": 60})
    async with server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Replay(server, session)


MONEY = frozenset({"total_tokens"})
"""The recorded server's model counted its own way."""


@pytest.mark.parametrize("name", ["14-chat-blocking", "15-chat-streaming", "41-completion-app", "42-chat-app"])
async def test_replay(name: str) -> None:
    async with replaying() as replay:
        for exchange in recording(name):
            exchange.body = replay.translated(exchange.body.decode()).encode()
            replay.compare(exchange, await replay.send(exchange), loose=MONEY)


async def test_44_a_chatflow_with_a_model() -> None:
    async with replaying() as replay:
        for exchange in recording("44-chatflow-llm"):
            await replay.replay(exchange)


async def test_17_chat_errors() -> None:
    async with replaying() as replay:
        for exchange in recording("17-chat-errors"):
            await replay.replay(exchange)


async def test_18_what_was_said_can_be_looked_at() -> None:
    shown, listed, like, meh, unlike, *_, deleted, _feedbacks = recording("18-conversations-messages-feedback")
    async with replaying() as replay:
        for exchange in (*recording("14-chat-blocking"), *recording("15-chat-streaming")):
            exchange.body = replay.translated(exchange.body.decode()).encode()
            await replay.replay(exchange)
        await replay.replay(shown)
        await replay.replay(listed)
        for exchange in (like, meh, unlike):
            await replay.replay(exchange)
        await gone(replay, deleted)


async def gone(replay: Replay, exchange: Exchange) -> None:
    url = replay.server.origin + replay.translated(exchange.path)
    for status in (exchange.status, 404):
        async with replay.session.delete(url, data=exchange.body, headers=exchange.headers) as response:
            assert response.status == status


async def test_20_an_upload() -> None:
    async with replaying() as replay:
        for exchange in recording("20-file-upload-success"):
            exchange.body = exchange.body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
            await replay.replay(exchange)


async def test_49_a_stopped_completion_ends_like_any_other_without_tokens() -> None:
    stream, stop = recording("49-completion-stop")
    async with replaying(completion={"answer": SAID, "behaviour": {"slow": 500}, "rules": []}) as replay:
        server = replay.server
        streaming = asyncio.create_task(replay.send(stream))

        def speaking() -> bool:
            runs = list(server.engine.store.by_id.values())
            return bool(runs) and runs[-1].events >= 22

        await until(speaking)
        [run] = server.engine.store.by_id.values()
        replay.ids[json.loads(frames(stream.answer)[0][6:])["task_id"]] = run.task_id
        await replay.replay(stop)
        reply = await streaming
        assert set(kinds(frames(reply.body))) - {"ping"} == set(kinds(frames(stream.answer)))
        want, got = (json.loads(frames(body)[-1][6:]) for body in (stream.answer, reply.body))
        assert list(got) == list(want)
        assert got["metadata"]["usage"]["total_tokens"] == 0
        assert server.ledger.summary()["outcomes"] == {"stopped": 1}


async def test_57_a_chat_whose_listener_leaves_is_lost_and_a_chatflow_goes_on() -> None:
    chat, lost, *_, flow, whole = recording("57-client-disconnect-chat")
    slow = {"answer": SAID, "behaviour": {"slow": 50}}
    async with replaying(**{"chat": slow, "flow-llm": slow}) as replay:
        for exchange in (chat, flow):
            await replay.send(exchange, until=lambda body: body.count(b'"message"') >= 3)
            first = next(json.loads(part[6:]) for part in frames(exchange.answer) if part != b"event: ping")
            talk = list(replay.server.engine.store.by_id.values())[-1].talk
            assert talk is not None
            assert talk.conversation is not None
            replay.ids |= {first["conversation_id"]: talk.conversation.id, first["message_id"]: talk.message_id}
        await replay.replay(lost)

        def ended() -> bool:
            return bool(replay.server.ledger.summary()["outcomes"] == {"abandoned": 1, "succeeded": 1})

        await until(ended)
        assert json.loads((await replay.send(whole)).body)["data"][0]["answer"] == SAID


async def test_58_chatflow_runs_have_records_but_are_in_no_log() -> None:
    logs, detail, events = recording("58-chatflow-logs-and-run-detail")
    async with replaying() as replay:
        body = {"inputs": {}, "query": "x", "user": "lab-user-1", "response_mode": "blocking"}
        url = f"{replay.server.base_url}/chat-messages"
        async with replay.session.post(url, json=body, headers={"Authorization": f"Bearer {FLOW}"}) as response:
            assert response.status == 200
        [run] = replay.server.engine.store.by_id.values()
        replay.ids["f1c4d866-313d-4f9b-baa7-240d38dff882"] = run.id
        for exchange in (logs, detail, events):
            await replay.replay(exchange)


@pytest.mark.parametrize("name", ["45-llm-upstream-RateLimit", "45-llm-upstream-Connection"])
async def test_45_an_error_of_the_model_ends_the_stream_of_a_completion(name: str) -> None:
    blocking, streaming, *_ = recording(name)
    said = json.loads(blocking.answer)["message"]
    broken = {"error_event": {"code": "completion_request_error", "message": said}}
    async with replaying(completion={"key": key_of(streaming), "behaviour": broken}) as replay:
        await replay.replay(streaming)
        await replay.replay(blocking)
        assert replay.server.ledger.summary()["outcomes"] == {"error": 2}


def key_of(exchange: Exchange) -> str:
    return exchange.headers["Authorization"].removeprefix("Bearer ")


async def test_a_chat_can_be_too_busy_or_behind_a_broken_proxy() -> None:
    async with replaying(
        chat={"behaviour": {"http_error": True}}, completion={"behaviour": "too_many_requests"}
    ) as replay:
        chat, completion = recording("42-chat-app")[1], recording("41-completion-app")[1]
        assert (await replay.send(chat)).status == 502
        assert b"Too many requests" in (await replay.send(completion)).body
