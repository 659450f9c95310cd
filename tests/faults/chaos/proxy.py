"""A TCP proxy that can fail in the ways a network does."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from tradefree.testing.processes import free_port

CHUNK = 64 * 1024


class Proxy:
    """Stands before a server on this machine, on a port of its own that stays the same."""

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()

    # ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def stall(self) -> None:
        """Nothing gets through, in either direction, and nobody is told; new connections wait, too."""
        self._flows.clear()

    def resume(self) -> None:
        """What was held gets through, late."""
        self._flows.set()

    def forget(self) -> int:
        """The connections there are stay open and silent for ever, as when a router lost them; new ones work.

        Returns how many.
        """
        for pair in self._pairs:
            pair.forgotten = True
        return len(self._pairs)

    async def refuse(self) -> None:
        """Cut all connections and take no new ones, until ``accept``."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self._pairs):
            pair.cut()
        await asyncio.sleep(0)

    async def accept(self) -> None:
        """Take connections again."""
        if self._server is None:
            await self._listen()

    # ── passing on ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", self.port, reuse_address=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, far_writer, self._flows)
        self._pairs.add(pair)
        try:
            await pair.pass_on(reader, far_reader)
        finally:
            pair.cut()
            self._pairs.discard(pair)


class _Pair:
    """One client's connection and the one behind it."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        self.forgotten = False
        self._near = near
        self._far = far
        self._flows = flows

    async def pass_on(self, near: asyncio.StreamReader, far: asyncio.StreamReader) -> None:
        """Both ways, until either side ends."""
        ways = {asyncio.create_task(self._pump(near, self._far)), asyncio.create_task(self._pump(far, self._near))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                await self._flows.wait()
                if self.forgotten:
                    continue  # read and thrown away: the sender hears nothing, not even that nobody listens
                sink.write(data)
                await sink.drain()
            if self.forgotten:
                await asyncio.Event().wait()

    def cut(self) -> None:
        """Reset both."""
        self._near.transport.abort()
        self._far.transport.abort()
