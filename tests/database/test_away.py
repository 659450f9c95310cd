"""A MariaDB or MySQL that is not there, or goes away: always the same error, whatever the driver stumbles over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import sqlalchemy as sa
import uvloop

from tradefree.clock import SystemClock
from tradefree.database.engine import Database
from tradefree.errors import StorageUnavailable
from tradefree.testing.processes import free_port

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST at once."""


@contextmanager
def a_server(greeting: bytes, *, reset: bool) -> Iterator[int]:
    """Its port. Each connection gets a greeting and is ended, from a thread, so at any moment of the client's loop."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                connection.sendall(greeting)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@asynccontextmanager
async def a_database(port: int) -> AsyncIterator[Database]:
    database = Database(sa.make_url(f"mysql+asyncmy://root@127.0.0.1:{port}/x"), SystemClock())
    yield database
    await database.close()


async def ask(database: Database) -> None:
    await database.read(lambda connection: connection.scalar(sa.text("SELECT 1")))


async def test_nobody_listens() -> None:
    async with a_database(free_port()) as database:
        with pytest.raises(StorageUnavailable):
            await ask(database)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("greeting", [b"", b"\x05\x00\x00\x00\x0a"])
@pytest.mark.parametrize("reset", [True, False])
def test_a_connection_that_ends_before_it_stands(
    loop: Callable[[], asyncio.AbstractEventLoop], greeting: bytes, reset: bool
) -> None:
    """As when a server is killed behind a proxy. What the driver makes of it depends on the moment, and on the loop."""

    async def many_times(port: int) -> None:
        async with a_database(port) as database:
            for _ in range(50):
                with pytest.raises(StorageUnavailable):
                    await ask(database)

    with a_server(greeting, reset=reset) as port, asyncio.Runner(loop_factory=loop) as runner:
        runner.run(many_times(port))
