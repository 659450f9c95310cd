"""The load generator, the payload, and the look at processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bench.cpu import CpuMeter, cpu_seconds, memory_bytes
from bench.load import Connection, Target, content_length, send_all
from bench.payload import payload
from bench.sides.product_side import batches

from tradefree.errors import TradefreeError


@asynccontextmanager
async def server(status: str = "202 Accepted") -> AsyncIterator[tuple[Target, Counter[str]]]:
    """Answers every request, and counts what it got."""
    got: Counter[str] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got["connections"] += 1
        while head := await reader.readuntil(b"\r\n\r\n"):
            body = await reader.readexactly(content_length(head))
            got[body.decode()] += 1
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 5\r\n\r\nhello".encode())

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield Target(f"http://127.0.0.1:{port}", "key"), got
    finally:
        listening.close()


async def test_every_request_is_sent_once_over_the_connections() -> None:
    async with server() as (target, got):
        await send_all(target, [target.post("/x", f"{n}".encode()) for n in range(50)], connections=4)
        assert got == Counter({"connections": 4, **{f"{n}": 1 for n in range(50)}})


class Wire(asyncio.WriteTransport):
    """Remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None: ...


async def test_answers_may_be_cut_anywhere() -> None:
    answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\nhello"
    for cut in range(1, len(answer)):
        wire, connection = Wire(), Connection(iter([b"one", b"two"]))
        connection.connection_made(wire)
        connection.data_received(answer[:cut])
        assert wire.written == [b"one"]
        connection.data_received(answer[cut:])
        assert wire.written == [b"one", b"two"]
        connection.data_received(answer)
        assert connection.done.done()


async def test_an_answer_that_is_no_success_is_an_error() -> None:
    async with server("503 Service Unavailable") as (target, _):
        with pytest.raises(TradefreeError, match="503"):
            await send_all(target, [target.post("/x", b"{}")], connections=1)


def test_an_answer_without_a_length_is_an_error() -> None:
    with pytest.raises(TradefreeError, match="Content-Length"):
        content_length(b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked")


@pytest.mark.parametrize("size", [20, 150, 5000])
def test_a_payload_has_the_size_that_was_asked_for(size: int) -> None:
    assert len(json.dumps(payload(size), separators=(",", ":"))) == size


def test_batches_hold_all_tasks_and_no_more_than_a_megabyte_each() -> None:
    requests = batches(Target("http://127.0.0.1:1", "key"), 2500, 5000)
    assert sum(request.count(b'"input_data"') for request in requests) == 2500
    assert max(map(len, requests)) < 1_100_000
    assert len(batches(Target("http://127.0.0.1:1", "key"), 2500, 150)) == 3


def test_cpu_time_of_children_is_counted() -> None:
    busy = "import time\nwhile time.process_time() < 30: pass"
    command = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen([sys.executable, "-c", command], start_new_session=True) as parent:
        try:
            meter = CpuMeter({"worker": parent.pid})
            deadline = time.monotonic() + 30
            while meter.read()["worker"] < 0.3:
                assert time.monotonic() < deadline
            assert cpu_seconds(parent.pid) >= 0.3
        finally:
            os.killpg(parent.pid, 9)


def test_memory_is_that_of_the_process() -> None:
    before = memory_bytes(os.getpid())
    ballast = bytearray(50_000_000)
    assert memory_bytes(os.getpid()) - before > 40_000_000
    del ballast
