"""The client over HTTP: what it sends, when it stops reading, and what each way of breaking means."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import aiohttp
import pytest

from dify.dify_replay import KEY, NOT_FOUND, PING, Cut, FakeDify, Reply, exchanges, fake_dify, frame, said, stream
from tradefree.dify.client import DifyClient
from tradefree.dify.errors import (
    DifyBusy,
    DifyError,
    DifyNotFound,
    DifyRejected,
    DifyUnavailable,
    DifyUncertain,
)
from tradefree.dify.models import SILENCE
from tradefree.dify.wire import Timeouts, api_root

QUICK = Timeouts(connect=5, answer=5, first_event=5, quiet=5, silence=5)


@pytest.fixture
async def dify() -> AsyncIterator[FakeDify]:
    async with fake_dify() as server:
        yield server


def client(dify: FakeDify, timeouts: Timeouts = QUICK) -> DifyClient:
    return DifyClient(dify.url, KEY, timeouts=timeouts)


async def names(dify: FakeDify, timeouts: Timeouts = QUICK, total: float | None = None) -> list[str]:
    """Names of the events of a run, read to the end."""
    async with client(dify, timeouts) as api:
        return [event.event async for event in api.run_workflow_stream({"query": "x"}, "u-1", total=total)]


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Takes connections and never says a word, like a Dify whose ten connections are all taken."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("https://dify.example.com", "https://dify.example.com/v1"),
        ("https://dify.example.com/", "https://dify.example.com/v1"),
        ("https://dify.example.com/v1", "https://dify.example.com/v1"),
        (" http://10.0.0.5:5001/v1/ ", "http://10.0.0.5:5001/v1"),
        ("https://example.com/dify/", "https://example.com/dify/v1"),
        ("https://example.com/dify/v1", "https://example.com/dify/v1"),
    ],
)
def test_base_url(given: str, root: str) -> None:
    assert api_root(given) == root


@pytest.mark.parametrize("given", ["", "dify.example.com", "ftp://x", "https://", "https://x/v1?a=b", "https://x#y"])
def test_bad_base_url(given: str) -> None:
    with pytest.raises(ValueError, match=r"http|path"):
        api_root(given)


async def test_what_is_sent(dify: FakeDify) -> None:
    dify.on("POST", "/workflows/run", stream(PING, frame("workflow_finished")))
    dify.on("POST", "/workflows/*/run", stream(frame("workflow_finished")))
    async with client(dify) as api:
        [_ async for _ in api.run_workflow_stream({"q": "你好", "big": 2**70}, "u-1")]
        [_ async for _ in api.run_workflow_stream({}, "u-2", workflow_id="a/b", files=[{"type": "image"}])]

    first, second = dify.seen
    assert first.json == {"inputs": {"q": "你好", "big": 2**70}, "response_mode": "streaming", "user": "u-1"}
    assert first.headers["Authorization"] == f"Bearer {KEY}"
    assert first.headers["Content-Type"] == "application/json"
    assert second.path == "/workflows/a%2Fb/run"
    assert second.json["files"] == [{"type": "image"}]


async def test_stops_at_the_last_event_and_hangs_up(dify: FakeDify) -> None:
    """Recorded: Dify keeps the connection open after workflow_finished and, for 300 s, after error."""
    for name, number, last in (("02-", 0, "workflow_finished"), ("47", 1, "error"), ("27", 0, "workflow_paused")):
        dify.closed_by_client.clear()
        dify.on("POST", "/workflows/run", exchanges(name)[number].reply(asyncio.Event()))

        assert (await names(dify))[-1] == last
        await asyncio.wait_for(dify.closed_by_client.wait(), 5)


async def test_bytes_in_any_portions(dify: FakeDify) -> None:
    body = exchanges("02-")[0].body
    dify.on("POST", "/workflows/run", stream(*(body[i : i + 700] for i in range(0, len(body), 700))))

    assert await names(dify) == [
        "ping",
        "workflow_started",
        "node_started",
        "node_finished",
        "node_started",
        "node_finished",
        "node_started",
        "text_chunk",
        "text_chunk",
        "text_chunk",
        "node_finished",
        "node_started",
        "node_finished",
        "workflow_finished",
    ]


async def test_an_event_of_two_megabytes(dify: FakeDify) -> None:
    dify.on("POST", "/workflows/run", stream(frame("workflow_finished", outputs={"text": "x" * 2_000_000})))
    async with client(dify) as api:
        [event] = [event async for event in api.run_workflow_stream({}, "u")]

    assert len(event.data["outputs"]["text"]) == 2_000_000


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (exchanges("10")[1].reply(), DifyRejected, "invalid_param"),
        (exchanges("26-")[1].reply(), DifyBusy, "invalid_param"),
        (Reply(502, {"Content-Type": "text/html"}, (b"<h1>502 Bad Gateway</h1>",)), DifyUncertain, "http_502"),
        (
            said({"code": "rate_limit_error", "message": "slow"}, 429, **{"Retry-After": "12"}),
            DifyBusy,
            "rate_limit_error",
        ),
        (Reply(200, {"Content-Type": "text/html"}, (b"<html>console",)), DifyRejected, "not_dify"),
        (Reply(200, {"Content-Type": "application/json"}, (b"{}",)), DifyRejected, "not_dify"),
        (Reply(308, {"Location": "https://other/"}), DifyRejected, "http_308"),
        (Reply(200, {}, (Cut(),)), DifyUncertain, "connection_lost"),
        (stream(PING, Cut()), DifyUncertain, "connection_lost"),
        (stream(PING), DifyUncertain, "no_end"),
        (exchanges("13")[0].reply(), DifyUncertain, "no_end"),
        (stream(PING, b'data: {"event":"workflow_finished","data":{"sta'), DifyUncertain, "no_end"),
    ],
)
async def test_ways_to_break(dify: FakeDify, reply: Reply, kind: type[DifyError], code: str) -> None:
    dify.on("POST", "/workflows/run", reply)

    with pytest.raises(DifyError) as caught:
        await names(dify)

    assert type(caught.value) is kind
    assert caught.value.code == code
    assert KEY not in str(caught.value)
    assert len(dify.seen) == 1, "a POST is never repeated"


async def test_retry_after_comes_through(dify: FakeDify) -> None:
    dify.on("POST", "/workflows/run", said({"code": "x", "message": "m"}, 429, **{"Retry-After": "12"}))

    with pytest.raises(DifyBusy) as caught:
        await names(dify)

    assert caught.value.retry_after == 12


async def test_nobody_listening_means_nothing_was_started() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for address in (url, "http://no-such-host.invalid"):
        async with DifyClient(address, KEY, timeouts=QUICK) as api:
            with pytest.raises(DifyBusy, match="nothing was sent"):
                [_ async for _ in api.run_workflow_stream({}, "u")]


async def test_silence_is_told_and_then_given_up(dify: FakeDify) -> None:
    dify.on("POST", "/workflows/run", stream(PING, asyncio.Event()))
    heard = []
    async with client(dify, Timeouts(quiet=0.02, silence=0.5)) as api:
        try:
            async for event in api.run_workflow_stream({}, "u"):
                heard.append((event.event, event.fields.get("seconds")))  # noqa: PERF401
        except DifyUncertain as error:
            heard.append((error.code, None))

    assert heard[-1] == ("silence", None)
    assert [name for name, _ in heard][:2] == ["ping", SILENCE]
    waits = [seconds for _, seconds in heard if seconds is not None]
    assert waits == sorted(waits)
    assert 0.019 < waits[0] < waits[-1] < 0.5


async def test_pings_keep_a_stream_alive(dify: FakeDify) -> None:
    """Nine pings over a longer time than ``silence`` allows without them."""
    gates = [asyncio.Event() for _ in range(9)]
    steps = [step for gate in gates for step in (PING, gate)]
    dify.on("POST", "/workflows/run", stream(*steps, frame("workflow_finished")))
    heard = []
    async with client(dify, Timeouts(quiet=0.08, silence=0.5)) as api:
        async for event in api.run_workflow_stream({}, "u"):
            heard.append(event.event)
            if event.event == SILENCE:
                gates[heard.count("ping") - 1].set()

    assert heard.count("ping") == 9
    assert heard[-1] == "workflow_finished"


async def test_first_event_has_a_limit_of_its_own(dify: FakeDify) -> None:
    dify.on("POST", "/workflows/run", stream(asyncio.Event()))

    with pytest.raises(DifyUncertain) as caught:
        await names(dify, Timeouts(first_event=0.05, quiet=5, silence=5))

    assert caught.value.code == "silence"


async def test_no_answer_at_all_is_uncertain_for_a_run_and_not_for_a_look() -> None:
    async with silent_server() as url, DifyClient(url, KEY, timeouts=Timeouts(answer=0.05, first_event=0.05)) as api:
        with pytest.raises(DifyUncertain) as caught:
            [_ async for _ in api.run_workflow_stream({}, "u")]
        assert caught.value.code == "timeout"
        with pytest.raises(DifyUnavailable):
            await api.run_detail("r")


async def test_total(dify: FakeDify) -> None:
    gate = asyncio.Event()
    dify.on("POST", "/workflows/run", stream(PING, gate))

    with pytest.raises(DifyUncertain, match="has not ended in"):
        await names(dify, total=0.05)


async def test_run_detail(dify: FakeDify) -> None:
    dify.on("GET", "/workflows/run/*", exchanges("24")[1].reply(), NOT_FOUND, exchanges("24")[3].reply())
    async with client(dify) as api:
        assert (await api.run_detail("r")).result.outputs == {"result": "find-me-4711"}
        with pytest.raises(DifyNotFound):
            await api.run_detail("r")
        with pytest.raises(DifyUnavailable):
            await api.run_detail("not-a-uuid")


async def test_logs_events_stop_info_and_form(dify: FakeDify) -> None:
    dify.on("GET", "/workflows/logs", exchanges("25")[4].reply())
    dify.on("GET", "/workflow/*/events", exchanges("31")[1].reply(asyncio.Event()))
    dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))
    dify.on("GET", "/info", exchanges("23")[0].reply())
    dify.on("GET", "/parameters", exchanges("23")[1].reply())
    async with client(dify) as api:
        page = await api.workflow_logs(created_by_end_user_session_id="log-user", limit=1)
        last = [event async for event in api.workflow_events("run-9", "re-user")][-1]
        await api.stop_workflow("task-9", "u-9")
        info, parameters = await api.info(), await api.parameters()

    logs, events, stop, *_ = dify.seen
    assert page.entries[0].run_id == "49988bf8-b786-4921-ba00-0b9db7e5401e"
    assert logs.query == {"created_by_end_user_session_id": "log-user", "page": "1", "limit": "1"}
    assert (events.path, events.query["user"]) == ("/workflow/run-9/events", "re-user")
    assert events.query["include_state_snapshot"] == "true"
    assert last.data["status"] == "succeeded"
    assert (stop.path, stop.json) == ("/workflows/tasks/task-9/stop", {"user": "u-9"})
    assert (info.name, info.mode) == ("echo", "workflow")
    assert parameters.form[0].variable == "query"


async def test_an_address_that_is_no_dify_is_told_apart(dify: FakeDify) -> None:
    dify.on("GET", "/info", Reply(200, {"Content-Type": "text/html"}, (b"<html>a web console</html>",)))
    async with client(dify) as api:
        with pytest.raises(DifyRejected, match="base URL"):
            await api.info()


async def test_many_streams_and_a_stop_beside_them(dify: FakeDify) -> None:
    gate, count = asyncio.Event(), 150
    dify.on("POST", "/workflows/run", stream(PING, gate, frame("workflow_finished")))
    dify.on("POST", "/workflows/tasks/*/stop", said({"result": "success"}))
    async with client(dify) as api, asyncio.TaskGroup() as group:

        async def one() -> list[str]:
            return [event.event async for event in api.run_workflow_stream({}, "u")]

        runs = [group.create_task(one()) for _ in range(count)]
        await dify.until(lambda: len(dify.seen) == count)
        await api.stop_workflow("t", "u")
        gate.set()

    assert all(run.result()[-1] == "workflow_finished" for run in runs)


async def test_connections_are_not_reused(dify: FakeDify) -> None:
    """A bare Dify server closes idle connections after 2 s; a POST on a dying one could not be told from a lost one."""
    dify.on("GET", "/info", said({"name": "a", "mode": "workflow"}))
    async with client(dify) as api:
        await api.info()

    assert dify.seen[0].headers["Connection"] == "close"


async def test_a_given_session_is_used_and_left_open(dify: FakeDify) -> None:
    dify.on("GET", "/info", said({"name": "a", "mode": "workflow"}))
    async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        async with DifyClient(dify.url, KEY, session=session) as api:
            await api.info()
        assert not session.closed
    assert dify.seen[0].headers["X-Mine"] == "1"


async def test_leaving_early_hangs_up(dify: FakeDify) -> None:
    dify.on("POST", "/workflows/run", stream(PING, asyncio.Event()))
    async with client(dify) as api:
        async with aclosing(api.run_workflow_stream({}, "u")) as events:
            async for _ in events:
                break
        await asyncio.wait_for(dify.closed_by_client.wait(), 5)


async def test_what_json_cannot_say_is_refused_before_sending(dify: FakeDify) -> None:
    async with client(dify) as api:
        with pytest.raises(DifyRejected, match="JSON"):
            [_ async for _ in api.run_workflow_stream({"x": object()}, "u")]

    assert dify.seen == []


def test_repr_does_not_show_the_key() -> None:
    assert repr(DifyClient("https://d.example.com", KEY)) == "DifyClient('https://d.example.com/v1')"
