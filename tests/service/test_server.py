"""What only a real server shows: connections that are cut, bodies that never end, a stop with streams open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from structlog.testing import capture_logs

from service.service_world import API, MAX_BODY, World, a_world
from tradefree.access.scopes import Scope
from tradefree.service.app import create_app
from tradefree.service.context import closing_of
from tradefree.tasks.ports import task_topic
from tradefree.tasks.states import Status


@dataclass
class Serving:
    world: World
    server: uvicorn.Server
    running: asyncio.Task[None]
    port: int
    client: httpx.AsyncClient


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    with capture_logs() as logged:
        async with a_world() as world, _serve(world) as serving:
            yield serving
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == []


@contextlib.asynccontextmanager
async def _serve(world: World) -> AsyncIterator[Serving]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(world.app, log_config=None, lifespan="off", timeout_graceful_shutdown=20))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    port = listener.getsockname()[1]
    headers = {"Authorization": f"Bearer {await world.key(Scope.ADMIN)}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        yield Serving(world, server, running, port, client)
    server.should_exit = True
    await asyncio.wait_for(running, 30)


async def a_task(serving: Serving) -> str:
    return str((await serving.client.post(f"{API}/tasks", json={"type": "echo"})).json()["id"])


async def test_a_stream_is_live_and_ends_for_good_when_the_watcher_leaves(serving: Serving) -> None:
    task = await a_task(serving)
    """An accident on the way would be in the log, which the fixture looks at."""
    signals = serving.world.system.signals
    async with serving.client.stream("GET", f"{API}/tasks/{task}/stream") as answer:
        lines = answer.aiter_lines()
        seen = ""
        async with asyncio.timeout(10):
            while "Accepted." not in seen:
                seen += await anext(lines)
            await serving.world.move(task, Status.PROCESSING)
            while "Now processing." not in seen:
                seen += await anext(lines)
        await signals.until(task_topic(task), 1)
    await signals.until(task_topic(task), 0)


async def test_a_sender_that_leaves_is_no_accident(serving: Serving) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    key = serving.client.headers["Authorization"]
    head = f"POST {API}/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: 1000\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await serving.client.get("/healthz")).status_code == 200
    assert await serving.world.tasks() == 0


async def test_a_stop_does_not_wait_for_streams(serving: Serving) -> None:
    task = await a_task(serving)
    async with serving.client.stream("GET", f"{API}/tasks/{task}/stream") as answer:
        await serving.world.system.signals.until(task_topic(task), 1)
        closing_of(serving.world.app).set()
        serving.server.should_exit = True
        async with asyncio.timeout(15):
            events = [line async for line in answer.aiter_lines() if line.startswith("event:")]
            await serving.running
    assert "event: end" not in events  # the task has not ended: the client comes back


async def test_an_endless_body_is_cut_off(serving: Serving) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    key = serving.client.headers["Authorization"]
    head = f"POST {API}/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
    piece = b"%x\r\n%s\r\n" % (10_000, b" " * 10_000)

    async def send_for_ever() -> None:
        while True:
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(send_for_ever())
    async with asyncio.timeout(10):
        status = await reader.readline()
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        await sending
    writer.close()
    assert b" 413 " in status
    assert await serving.world.tasks() == 0


async def test_a_body_that_is_announced_as_too_large_is_not_asked_for(serving: Serving) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    key = serving.client.headers["Authorization"]
    head = f"POST {API}/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + f"Content-Length: {MAX_BODY + 1}\r\nExpect: 100-continue\r\n\r\n".encode())
    async with asyncio.timeout(10):
        status = await reader.readline()
    writer.close()
    assert b" 413 " in status


async def test_links_carry_the_address_that_was_asked(serving: Serving) -> None:
    document = (await serving.client.post(f"{API}/tasks", json={"type": "echo"})).json()
    assert document["status_url"].startswith(f"http://127.0.0.1:{serving.port}{API}/tasks/")
    assert (await serving.client.get(document["status_url"])).json()["id"] == document["id"]
    odd = await serving.client.post(f"{API}/tasks", json={"type": "echo"}, headers={"Host": "a<b>"})
    assert odd.status_code == 400 or odd.json()["status_url"].startswith(f"{API}/tasks/")


async def test_a_lifespan_runs_around_the_service(serving: Serving) -> None:
    heard: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        heard.append("start")
        yield
        heard.append("stop")

    app = create_app(serving.world.system, lifespan=lifespan)
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    assert heard == ["start"]
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await running
    assert heard == ["start", "stop"]
    assert json.dumps(app.openapi())
