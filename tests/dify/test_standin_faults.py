"""What the stand-in can be told to do wrong, seen by a raw HTTP client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tradefree.testing.dify_standin import DifyStandin

NODE = {"id": "work", "type": "llm", "seconds": "{seconds}", "tokens": 30}
INPUTS = ["query", {"name": "seconds", "type": "number", "default": 0}]
FAST = {"scale": 0.01, "idle_close_seconds": 100}


@dataclass
class Answer:
    status: int
    body: bytes
    clean_end: bool = True

    @property
    def events(self) -> list[dict[str, Any]]:
        parts = self.body.split(b"\n\n")[:-1]
        return [json.loads(part[6:]) for part in parts if part.startswith(b"data: ")]

    @property
    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events]

    @property
    def last(self) -> dict[str, Any]:
        data: dict[str, Any] = self.events[-1]["data"]
        return data

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    server: DifyStandin
    session: aiohttp.ClientSession

    async def run(self, standin: Any = None, *, user: str = "tf-1-1", mode: str = "streaming", **inputs: Any) -> Answer:
        given = {"query": "hello", **inputs, **({"standin": standin} if standin else {})}
        return await self.post("workflows/run", {"inputs": given, "user": user, "response_mode": mode})

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        url = f"{self.server.base_url}/{path}"
        async with self.session.post(url, json=body, headers={"Authorization": "Bearer app-work"}) as response:
            found = b""
            try:
                async for chunk in response.content.iter_any():
                    found += chunk
            except aiohttp.ClientPayloadError:
                return Answer(response.status, found, clean_end=False)
            return Answer(response.status, found)

    async def row(self, run_id: str) -> Any:
        url = f"{self.server.base_url}/workflows/run/{run_id}"
        async with self.session.get(url, headers={"Authorization": "Bearer app-work"}) as response:
            return await response.json()


@asynccontextmanager
async def serving(behaviour: Any = None, *, app: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Client]:
    described = {"name": "work", "inputs": INPUTS, "nodes": [NODE], "behaviour": behaviour or {}, **(app or {})}
    server = DifyStandin([described], timing={**FAST, **options.pop("timing", {})}, **options)
    async with server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Client(server, session)


async def test_a_fault_with_times_strikes_each_task_so_often() -> None:
    async with serving({"fail": {"times": 2, "error": "model overloaded"}}) as client:
        statuses = [(await client.run(user=f"tf-a-{attempt}")).last["status"] for attempt in (1, 2, 3)]
        assert statuses == ["failed", "failed", "succeeded"]
        other = await client.run(user="tf-b-1")
        assert (other.last["status"], other.last["error"]) == ("failed", "model overloaded")


async def test_faults_of_users_who_name_no_task_are_counted_by_inputs() -> None:
    async with serving({"fail": {"times": 1}}) as client:
        statuses = [(await client.run(user="anna", query=query)).last["status"] for query in ("x", "x", "y")]
        assert statuses == ["failed", "succeeded", "failed"]


async def test_the_input_standin_wins_over_rules_and_they_over_the_app() -> None:
    rules = [{"when": {"query": {"contains": "red"}}, "then": {"fail": {"error": "rule"}}}]
    async with serving({"fail": {"error": "app"}}, app={"rules": rules}) as client:
        assert (await client.run()).last["error"] == "app"
        assert (await client.run(query="a red one")).last["error"] == "rule"
        assert (await client.run({"fail": {"error": "input"}}, query="a red one")).last["error"] == "input"
        assert (await client.run('{"fail": false}', query="a red one")).last["status"] == "succeeded"


@pytest.mark.parametrize(
    ("condition", "strikes"),
    [
        (3, [False, True, False]),
        ({"above": 2}, [False, True, True]),
        ({"below": 3}, [True, False, False]),
        ({"any_of": [1, 9]}, [True, False, True]),
    ],
)
async def test_rules_match_by_value(condition: Any, strikes: list[bool]) -> None:
    rules = [{"when": {"seconds": condition}, "then": "fail"}]
    async with serving(app={"rules": rules}) as client:
        statuses = [(await client.run(seconds=seconds)).last["status"] for seconds in (1, 3, 9)]
        assert [status == "failed" for status in statuses] == strikes


async def test_a_cut_stream_drops_the_connection_and_the_run_goes_on() -> None:
    async with serving() as client:
        answer = await client.run({"cut_stream": {"after_events": 3}}, seconds=5)
        assert not answer.clean_end
        assert answer.kinds == ["workflow_started", "node_started", "node_finished"]
        await outcome(client, {"succeeded": 1})


async def test_a_stream_cut_in_the_middle_of_an_event() -> None:
    async with serving() as client:
        answer = await client.run({"cut_stream": {"after_events": 1, "mid_frame": True}})
        assert not answer.clean_end
        assert answer.kinds == ["workflow_started"]
        assert answer.body.split(b"\n\n")[-1].startswith(b'data: {"event":"node_started"')


async def test_a_lost_final_event_ends_cleanly_and_the_row_is_complete() -> None:
    async with serving() as client:
        answer = await client.run("missing_final_event")
        assert answer.clean_end
        assert answer.kinds[-1] == "node_finished"
        assert (await client.row(answer.events[0]["workflow_run_id"]))["status"] == "succeeded"


async def test_a_silent_hang_sends_one_ping_and_starts_nothing() -> None:
    async with serving() as client:
        answer = await client.run("silent_hang")
        assert (answer.status, answer.body, answer.clean_end) == (200, b"event: ping\n\n", True)
        assert client.server.ledger.summary()["outcomes"] == {"hung": 1}


@pytest.mark.parametrize("body", ["html", "json"])
async def test_an_http_error_instead_of_an_answer(body: str) -> None:
    async with serving({"http_error": {"status": 503, "body": body, "times": 1}}) as client:
        answer = await client.run()
        assert answer.status == 503
        assert answer.body.startswith(b"<html>" if body == "html" else b'{"code":')
        assert client.server.ledger.summary()["runs"] == 0
        assert (await client.run()).last["status"] == "succeeded"


async def test_a_proxy_that_gives_up_leaves_the_run_going() -> None:
    async with serving() as client:
        answer = await client.run({"http_error": {"status": 504, "run_starts": True}})
        assert answer.status == 504
        await outcome(client, {"succeeded": 1})


async def test_too_many_requests_for_the_first_calls_of_a_task() -> None:
    async with serving({"too_many_requests": {"times": 2}}) as client:
        answers = [await client.run(user=f"tf-a-{attempt}") for attempt in (1, 2, 3)]
        assert [answer.status for answer in answers] == [400, 400, 200]
        assert answers[0].json()["message"].startswith("Too many requests. Please try again later. ")
        assert client.server.ledger.summary()["refused"] == {"too_many_requests": 2}


async def test_too_many_requests_above_a_number_of_open_runs() -> None:
    async with serving({"too_many_requests": {"above": 2}}) as client:
        answers = await asyncio.gather(*(client.run(seconds=60, user=f"tf-{task}-1") for task in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 200, 400, 400, 400]
        assert client.server.ledger.summary()["peak"]["open"] == 2


async def test_huge_output() -> None:
    async with serving() as client:
        answer = await client.run({"huge_output": 3_000_000})
        assert len(answer.last["outputs"]["filler"]) == 3_000_000


async def test_an_ignored_stop() -> None:
    async with serving() as client:
        running = asyncio.create_task(client.run({"ignored_stop": True}, seconds=30))
        await stop_newest(client)
        assert (await running).last["status"] == "succeeded"


@pytest.mark.parametrize(
    ("wanted", "told", "stored"),
    [
        ("stopped", ("stopped", "Stopped by user."), "running"),
        ("aborted", ("failed", "Aborted: User requested stop"), "stopped"),
    ],
)
async def test_either_outcome_of_a_stop_can_be_had(wanted: str, told: tuple[str, str], stored: str) -> None:
    async with serving() as client:
        running = asyncio.create_task(client.run({"stop_outcome": wanted}, seconds=50))
        await stop_newest(client)
        answer = await running
        assert (answer.last["status"], answer.last["error"]) == told
        assert (await client.row(answer.events[0]["workflow_run_id"]))["status"] == stored


async def test_a_stop_of_a_waiting_run_works_when_it_starts() -> None:
    async with serving(slots=1, timing={"idle_close_seconds": 3000}) as client:
        first = asyncio.create_task(client.run(seconds=30))
        await condition(lambda: len(client.server.engine.store.by_id) == 1)
        second = asyncio.create_task(client.run(seconds=1000))
        await condition(lambda: len(client.server.engine.store.by_id) == 2)
        await stop_newest(client)
        assert (await first).last["status"] == "succeeded"
        assert (await second).last["status"] == "stopped"


async def test_a_waiting_run_that_its_client_left_runs_later() -> None:
    async with serving(slots=0) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.run(), 0.1)
        assert client.server.ledger.summary()["running"] == 0
        client.server.control(slots=1)
        await outcome(client, {"succeeded": 1})


async def test_blocking_runs_lose_their_answers_too() -> None:
    async with serving() as client:
        for fault in ("cut_stream", "missing_final_event", "silent_hang"):
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await client.run(fault, mode="blocking")


async def test_connections_hold_back_even_a_stop() -> None:
    async with serving(connections=1) as client:
        running = asyncio.create_task(client.run(seconds=10))
        await condition(lambda: client.server.ledger.summary()["running"] == 1)
        stop = await client.post("workflows/tasks/no-such-task/stop", {"user": "x"})
        assert stop.json() == {"result": "success"}
        assert running.done()
        assert (await running).last["status"] == "succeeded"


async def test_a_wrong_template_fails_the_run_and_not_the_server() -> None:
    async with serving(app={"outputs": {"text": "{query:d}"}}) as client:
        answer = await client.run()
        assert answer.last["status"] == "failed"
        assert "ValueError" in answer.last["error"]


async def test_an_unknown_behaviour_is_refused_with_its_name() -> None:
    async with serving() as client:
        answer = await client.run({"explode": True})
        assert answer.status == 400
        assert "explode" in answer.json()["message"]


async def test_a_number_that_is_a_list_and_a_very_long_user_are_500() -> None:
    async with serving() as client:
        assert (await client.run(seconds=[1], mode="blocking")).json()["code"] == "internal_server_error"
        assert (await client.run(user="u" * 256)).json() == {
            "message": "Internal Server Error",
            "code": "unknown",
            "status": 500,
        }


async def stop_newest(client: Client) -> None:
    store = client.server.engine.store
    await condition(lambda: bool(store.by_id))
    run = list(store.by_id.values())[-1]
    if client.server.engine.slots is None:
        await condition(lambda: run.events >= 4)
    await client.post(f"workflows/tasks/{run.task_id}/stop", {"user": "anybody"})


async def outcome(client: Client, expected: dict[str, int]) -> None:
    await condition(lambda: client.server.ledger.summary()["outcomes"] == expected)


async def condition(holds: Any) -> None:
    async with asyncio.timeout(10):
        while True:
            if holds():
                return
            await asyncio.sleep(0.002)
