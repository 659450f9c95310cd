"""The stand-in's human input against recorded exchanges of a real Dify 1.14.2, and what was not recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dify.standin_replay import Exchange, Replay, frames, kinds, recording, until
from tradefree.testing.dify_standin import DifyStandin, Entry, peak_running, read_ledger

KEY = "app-LABb09b36b6976d4f499"
AUTH = {"Authorization": f"Bearer {KEY}"}
FORM = {
    "content": "Please approve: {{#start.query#}}\n\n{{#$output.comment#}}",
    "fields": [{"name": "comment", "default": "n/a"}],
    "actions": [{"id": "approve", "title": "Approve", "style": "primary"}, {"id": "reject", "title": "Reject"}],
}
HUMAN = {"id": "human", "type": "human-input", "title": "Approve", "form": FORM}
APPROVAL: dict[str, Any] = {
    "name": "approval",
    "key": KEY,
    "inputs": ["query"],
    "nodes": [HUMAN, {"id": "end", "type": "end", "title": "EndA"}],
    "outputs": {"decision": "{human_action}", "comment": "{human_comment}"},
}
OK = {"action": "approve", "inputs": {"comment": "ok by me"}, "user": "lab-user-1"}


@asynccontextmanager
async def replaying(*, file: Path | None = None, slots: int | None = None, **changed: Any) -> AsyncIterator[Replay]:
    timing = {"scale": 0.02, "start_seconds": 0.1, "idle_close_seconds": 60}
    server = DifyStandin([{**APPROVAL, **changed}], timing=timing, slots=slots, ledger_file=file)
    async with server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Replay(server, session)


def to_own_form(exchange: Exchange, token: str) -> Exchange:
    exchange.path = exchange.path.replace("wjBkZOCfJzXerVf0jzyoxW", token)
    return exchange


async def start(replay: Replay, mode: str = "streaming", user: str = "lab-user-1", **more: Any) -> bytes:
    """Start a run; what its caller was told by the time it paused."""
    flow = "query" in more
    path = "chat-messages" if flow else "workflows/run"
    body = {"inputs": {"query": "buy milk"}, "response_mode": mode, "user": user, **more}
    async with replay.session.post(f"{replay.server.base_url}/{path}", json=body, headers=AUTH) as response:
        assert response.status == 200, await response.text()
        return await response.read()


async def form(replay: Replay, token: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    url = f"{replay.server.base_url}/form/human_input/{token}"
    method = "GET" if body is None else "POST"
    async with replay.session.request(method, url, json=body, headers=AUTH) as response:
        return response.status, await response.json()


def tokens(replay: Replay) -> list[str]:
    return list(replay.server.engine.store.forms)


async def ended(replay: Replay, **outcomes: int) -> None:
    await until(lambda: bool(replay.server.ledger.summary()["outcomes"] == outcomes))


async def test_27_and_28_a_pause_its_form_and_the_rest_of_the_run() -> None:
    stream, detail, _ = recording("27-human-input-pause")
    look, snapshot, submit, rest, again, done = recording("28-human-input-form-resume")
    async with replaying() as replay:
        await replay.replay(stream)
        [token] = tokens(replay)
        for exchange in (detail, to_own_form(look, token), snapshot):
            await replay.replay(exchange)
        listening = asyncio.create_task(replay.send(rest))
        await until(lambda: any(run.streams for run in replay.server.engine.store.by_id.values()))
        await replay.replay(to_own_form(submit, token))
        replay.compare(rest, await listening)
        for exchange in (to_own_form(again, token), done):
            await replay.replay(exchange)
        summary = replay.server.ledger.summary()
        assert (summary["runs"], summary["outcomes"]) == (1, {"succeeded": 1})


async def test_27_a_blocking_caller_is_told_of_the_pause() -> None:
    blocking = recording("27-human-input-pause")[2]
    async with replaying() as replay:
        reply = await replay.replay(blocking)
        token = json.loads(reply.body)["data"]["reasons"][0]["form_token"]
        assert await form(replay, token, OK) == (200, {})
        await ended(replay, succeeded=1)


async def test_what_is_told_of_a_form_has_the_recorded_words() -> None:
    stream, *_ = recording("27-human-input-pause")
    _, snapshot, _, rest, *_ = recording("28-human-input-form-resume")
    async with replaying() as replay:
        mine = [await replay.replay(exchange) for exchange in (stream, snapshot)]
        listening = asyncio.create_task(replay.send(rest))
        await until(lambda: any(run.streams for run in replay.server.engine.store.by_id.values()))
        await form(replay, tokens(replay)[0], OK)
        mine.append(await listening)
    for exchange, reply in zip((stream, snapshot, rest), mine, strict=True):
        for want, got in zip(frames(exchange.answer), frames(reply.body), strict=True):
            assert worded(want) == worded(got)


def worded(part: bytes) -> list[Any]:
    """What does not depend on the moment."""
    data = {} if part == b"event: ping" else json.loads(part[6:])["data"]
    names = ("form_content", "inputs", "actions", "paused_nodes", "rendered_content", "action_id", "action_text")
    told = [{name: each.get(name) for name in names} for each in (data, *data.get("reasons", []))]
    for each in told:
        if each["inputs"] and "query" in each["inputs"]:
            each["inputs"] = None
    return [*told, data.get("outputs")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**OK, "action": "maybe"}, "Invalid action: maybe"),
        ({**OK, "inputs": {}}, "Missing required inputs: comment"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_and_the_form_stays_open(body: Any, said: str) -> None:
    async with replaying() as replay:
        await start(replay)
        [token] = tokens(replay)
        refused = {"code": "invalid_form_data", "message": said, "status": 400}
        assert await form(replay, token, body) == (400, refused)
        assert await form(replay, token, OK) == (200, {})


async def test_a_form_that_is_over_its_time_can_be_neither_seen_nor_answered() -> None:
    late = {**HUMAN, "form": {**FORM, "expires_seconds": 0}}
    async with replaying(nodes=[late]) as replay:
        await start(replay)
        for body in (None, OK):
            status, told = await form(replay, tokens(replay)[0], body)
            assert (status, told["code"]) == (412, "human_input_form_expired")
        assert replay.server.ledger.summary()["open"] == 1


async def test_an_unknown_token_is_not_found_and_an_undelivered_form_has_none() -> None:
    hidden = {**HUMAN, "form": {**FORM, "web_app": False}}
    async with replaying(nodes=[hidden]) as replay:
        told = frames(await start(replay))
        assert json.loads(told[-1][6:])["data"]["reasons"][0]["form_token"] is None
        for token in ("nobody", *tokens(replay)):
            assert (await form(replay, token, OK))[0] == 404


async def test_a_paused_run_holds_no_slot_and_waits_for_one_when_it_goes_on(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    async with replaying(slots=1, nodes=[HUMAN, {"id": "x", "type": "code", "seconds": 5}], file=ledger) as replay:
        await asyncio.gather(start(replay, user="tf-a-1"), start(replay, user="tf-b-1"))
        assert replay.server.ledger.summary()["running"] == 0
        for token in tokens(replay):
            await form(replay, token, OK)
        await ended(replay, succeeded=2)
        summary = replay.server.ledger.summary()
        assert (summary["runs"], summary["peak"]["running"]) == (2, 1)
    entries = read_ledger(ledger)
    assert [len(pause) for entry in entries for pause in entry.pauses] == [2, 2]
    assert peak_running(entries) == 1


def test_a_run_that_waits_for_ever_is_not_running() -> None:
    first, second = (Entry(name, "t", "work", name, "streaming", "d") for name in "ab")
    first.started_mono, first.pauses = 0.0, [[1.0]]
    second.started_mono, second.ended_mono = 2.0, 3.0
    assert peak_running([first, second]) == 1


async def test_several_forms_one_after_another() -> None:
    sure = {"id": "sure", "type": "human-input", "title": "Sure", "form": {"content": "{{#human.comment#}}?"}}
    async with replaying(nodes=[HUMAN, sure], outputs={"was": "{human_comment}/{sure_action}"}) as replay:
        await start(replay)
        [run] = replay.server.engine.store.by_id.values()
        await form(replay, tokens(replay)[0], OK)
        await until(lambda: len(tokens(replay)) == 2)
        assert (await form(replay, tokens(replay)[1]))[1]["form_content"] == "ok by me?"
        await form(replay, tokens(replay)[1], {**OK, "inputs": {}})
        await ended(replay, succeeded=1)
        assert run.outputs == {"was": "ok by me/approve"}


async def test_a_chatflow_pauses_and_answers_in_its_message() -> None:
    nodes = [HUMAN, {"id": "answer", "type": "answer", "title": "Answer"}]
    async with replaying(mode="advanced-chat", nodes=nodes, answer="{query}: {human_comment}") as replay:
        told = frames(await start(replay, query="milk?"))
        assert kinds(told)[-2:] == ["human_input_required", "workflow_paused"]
        assert {"conversation_id", "message_id"} <= set(json.loads(told[-1][6:]))
        blocked = json.loads(await start(replay, mode="blocking", query="milk?"))
        assert (blocked["event"], blocked["data"]["status"]) == ("workflow_paused", "paused")
        for token in tokens(replay):
            await form(replay, token, OK)
        await ended(replay, succeeded=2)
        said = [run.talk.answer for run in replay.server.engine.store.by_id.values() if run.talk]
        assert said == ["milk?: ok by me"] * 2


async def test_a_stop_of_a_paused_run_is_heard_when_it_goes_on() -> None:
    async with replaying(nodes=[HUMAN, {"id": "x", "type": "code", "seconds": 500}]) as replay:
        await start(replay)
        [run] = replay.server.engine.store.by_id.values()
        url = f"{replay.server.base_url}/workflows/tasks/{run.task_id}/stop"
        async with replay.session.post(url, json={"user": "lab-user-1"}, headers=AUTH) as response:
            assert response.status == 200
        assert (run.status, run.over) == ("paused", False)
        await form(replay, tokens(replay)[0], OK)
        await ended(replay, stopped=1)
