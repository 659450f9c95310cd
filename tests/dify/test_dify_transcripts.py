"""Every recorded exchange of a real Dify 1.14.2, and what the client makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dify.dify_outcomes import OUTCOMES
from dify.dify_replay import KEY, TRANSCRIPTS, Exchange, exchanges, fake_dify
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import DifyError
from tradefree.dify.models import StreamEvent
from tradefree.dify.spoken import TalkEnds

NAMES = sorted(file.stem for file in TRANSCRIPTS.glob("*.txt"))


def test_every_transcript_has_an_expectation() -> None:
    assert sorted(OUTCOMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_the_client_makes_the_right_thing_of_it(name: str) -> None:
    found = [await outcome(exchange) for exchange in exchanges(name) if exchange.status]
    assert found == OUTCOMES[name]


async def outcome(exchange: Exchange) -> str:
    """In a few words: the error, the last event of a stream, or the names of what was answered."""
    async with fake_dify() as dify, DifyClient(dify.url, KEY) as client:
        path = exchange.path.partition("?")[0].removeprefix("/v1")
        dify.on(exchange.method, path, exchange.reply())
        try:
            if "event-stream" in exchange.headers.get("Content-Type", ""):
                return await heard(client, exchange.method, path)
            answer = await client._call(exchange.method, path, body={"user": "u"} if exchange.method != "GET" else None)
        except DifyError as error:
            return f"{type(error).__name__} {error.code}"
        return described(answer)


async def heard(client: DifyClient, method: str, path: str) -> str:
    last, count = StreamEvent("nothing"), 0
    try:
        async for event in client._stream(method, path, starts=method == "POST", ends=TalkEnds()):
            last, count = event, count + 1
    except DifyError as error:
        return f"{count} events, {last.event}, {type(error).__name__} {error.code}"
    status = last.data.get("status") or last.fields.get("code") or ""
    return f"{count} events, {last.event} {status}".strip()


def described(answer: dict[str, Any]) -> str:
    data = answer.get("data")
    if isinstance(data, dict) and "status" in data:
        return f"run {data['status']}"
    if isinstance(data, list):
        return f"{len(data)} rows"
    if "outputs" in answer and "status" in answer:
        return f"record {answer['status']}"
    return json.dumps(answer) if len(answer) < 2 else "answer " + ",".join(sorted(answer)[:3])
