"""The wire: a TCP proxy between us and a MySQL server that knows where a command begins, and disturbs one.

A packet of the MySQL protocol is three bytes of length, one sequence number, and its payload; a client's packet with
sequence number 0 begins a command. Two more points count as commands: that a connection is opened, and its login.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Self

from faults.sweep.fault import Commands, Fault, When

CHUNK = 1 << 16
_QUIT = 1
_NAMES = {2: "COM_INIT_DB ", 3: "", 14: "COM_PING"}
"""What stands before a command's text; 3 is COM_QUERY."""


class Wire:
    """Listens on a port of its own. Use as an async context manager."""

    def __init__(self, host: str, port: int, commands: Commands) -> None:
        self.server_at = (host, port)
        self.commands = commands
        self.port = 0
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(_Line(self, reader, writer).run())
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)


class _Cut(Exception):
    """This line is dead."""


class _Line:
    """One connection: whole packets towards the server, whatever comes towards the client."""

    def __init__(self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._wire = wire
        self._from_client, self._to_client = reader, writer
        self._to_server: asyncio.StreamWriter | None = None
        self._fault: Fault | None = None
        """Set while a command is under way that it is to meet."""

    async def run(self) -> None:
        answers: asyncio.Task[None] | None = None
        try:
            with contextlib.suppress(_Cut, OSError, asyncio.IncompleteReadError):
                self._fault = self._wire.commands.heard("connect")
                await self._meet(When.BEFORE)
                from_server, self._to_server = await asyncio.open_connection(*self._wire.server_at)
                answers = asyncio.create_task(self._pass_answers(from_server))
                await self._pass_commands(self._to_server)
        finally:
            if answers is not None:
                answers.cancel()
            self._cut()

    async def _pass_commands(self, to_server: asyncio.StreamWriter) -> None:
        opening = True
        while True:
            header = await self._from_client.readexactly(4)
            payload = await self._from_client.readexactly(int.from_bytes(header[:3], "little"))
            if opening or (header[3] == 0 and payload[0] != _QUIT):
                self._fault = self._wire.commands.heard("login" if opening else _text(payload))
                opening = False
                await self._meet(When.BEFORE)
            to_server.write(header + payload)
            await to_server.drain()

    async def _pass_answers(self, from_server: asyncio.StreamReader) -> None:
        with contextlib.suppress(_Cut, OSError):
            while data := await from_server.read(CHUNK):
                await self._meet(When.AFTER)
                if self._fault is not None and self._fault.when is When.TORN:
                    half, data = data[: len(data) // 2], data[len(data) // 2 :]
                    self._to_client.write(half)
                    await self._meet(When.TORN)
                self._to_client.write(data)
                await self._to_client.drain()
        self._cut()  # the server hung up, or we do

    async def _meet(self, when: When) -> None:
        fault = self._fault
        if fault is None or fault.when is not when:
            return
        self._fault = None
        fault.met.set()
        if fault.holds:
            await self._hold(fault)
            return
        if fault.instead is not None:
            fault.instead()
            if when is When.BEFORE:
                await self._from_client.read()  # until the system has closed the dead process's socket
            else:
                await asyncio.Event().wait()  # the other direction sees that, and ends this one
        self._cut()
        raise _Cut

    async def _hold(self, fault: Fault) -> None:
        """Until it is released; or, if the client hangs up before that, what it sent is lost on the way."""
        released = asyncio.create_task(fault.released.wait())
        waiting: set[asyncio.Task[Any]] = {released}
        if fault.when is When.BEFORE:  # all that a client sends that has no answer yet is good-bye
            waiting.add(asyncio.create_task(self._from_client.read()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not released.done():
                raise _Cut
        finally:
            for task in waiting:
                task.cancel()

    def _cut(self) -> None:
        """Both sides see the connection die."""
        for writer in (self._to_client, self._to_server):
            if writer is not None:
                writer.transport.abort()


def _text(payload: bytes) -> str:
    return _NAMES.get(payload[0], f"command {payload[0]} ") + payload[1:].decode("utf-8", "replace")
