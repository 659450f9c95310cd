"""A client hangs up while its tasks are being written: they are stored all the same, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn

from faults.sweep.cancels import all_connections, until_back
from faults.sweep.content import difference
from faults.sweep.fault import Fault, When
from faults.sweep.fixtures import steadily as steadily
from faults.sweep.judge import judge
from faults.sweep.rig import Rig, open_rig
from faults.sweep.system import System
from service.service_world import API, WatchedSignals
from service.service_world import System as Service
from tradefree.access.scopes import Scope
from tradefree.service.app import create_app
from tradefree.settings import Settings

ONE = {"type": "echo", "input_data": {"n": 1}, "labels": {"shop": "x"}}
REQUESTS: dict[str, tuple[str, Any, int]] = {
    "one": (f"{API}/tasks", ONE, 1),
    "many": (f"{API}/tasks/batch", [ONE | {"idempotency_key": f"order {n}"} for n in range(3)], 3),
}
"""Path, body, and how many tasks it makes."""


class Serving:
    """A task service on a database that can be disturbed."""

    def __init__(self, system: System, port: int, secret: str) -> None:
        self.system = system
        self._port = port
        self._secret = secret

    async def send(self, path: str, body: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request, and wait for nothing."""
        content = json.dumps(body).encode()
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {self._secret}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *([] if isinstance(body, list) else ["Idempotency-Key: order"]),
        ]
        head = "\r\n".join([*lines, "", ""])
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(head.encode() + content)
        return reader, writer

    async def status(self, path: str, body: Any) -> int:
        """Send a request; the status it is answered with."""
        reader, writer = await self.send(path, body)
        answer = await reader.read()
        writer.close()
        return int(answer.split()[1])


@asynccontextmanager
async def serving(rig: Rig) -> AsyncIterator[Serving]:
    async with rig.system() as system:
        clock, store = cast(Any, system.clock), cast(Any, system.store)
        service = Service(Settings(), clock, store, WatchedSignals())
        _, secret = await service.keys.create("a test", frozenset({Scope.ADMIN}))
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(service), log_config=None, lifespan="off", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield Serving(system, listener.getsockname()[1], secret)
        server.should_exit = True
        await running


@pytest.mark.parametrize("request_", REQUESTS)
async def test_a_client_that_leaves_leaves_nothing_half_done(request_: str) -> None:
    path, body, number = REQUESTS[request_]
    async with open_rig("mariadb") as rig:
        await rig.furnish()
        async with serving(rig) as service:
            before = await rig.door.read()
            assert await service.status(path, body) < 300  # types and key are known now
            await rig.door.replace(before)
            rig.commands.watch()
            assert await service.status(path, body) < 300
            for command in range(1, len(rig.commands.sent) + 1):
                await rig.door.replace(before)
                await _leave(rig, service, Fault(command, When.AFTER, holds=True), path, body)
                stored = await rig.door.read()
                judge(stored)
                assert len(stored["tasks"]) - len(before["tasks"]) == number
                assert await service.status(path, body) < 300
                assert difference(await rig.door.read(), stored) is None, "a repeat is another request"
            await all_connections(service.system)


async def _leave(rig: Rig, service: Serving, fault: Fault, path: str, body: Any) -> None:
    """Hang up while that command is under way; return when all has come to rest."""
    rig.commands.watch(fault)
    _, writer = await service.send(path, body)
    async with asyncio.timeout(5):
        await fault.met.wait()
        writer.transport.abort()
        await writer.wait_closed()
        rig.commands.watch()
        fault.release()
    await until_back(service.system)
