"""What a watcher of one task has heard since it last looked. Signals may be lost, so it looks now and then anyway."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tradefree.clock import wait_at_most
from tradefree.tasks.ports import Signals, task_topic

MOST_TEXT = 1_000_000
"""Characters of partial text kept for a client that reads slowly; the oldest go first."""


class News:
    """A mailbox: signals are merged, partial text is kept in order."""

    def __init__(self) -> None:
        self.moved = False
        """The status may have changed."""
        self.logged = False
        """There may be new log lines."""
        self.replaced = False
        """The text to come is instead of all before it."""
        self._texts: deque[str] = deque()
        self._length = 0
        self._arrived = asyncio.Event()

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take in one signal."""
        match message.get("kind"):
            case "status":
                self.moved = self.logged = True
            case "log":
                self.logged = True
            case "partial":
                self._keep(str(message.get("text", "")), replace=message.get("replace") is True)
        self._arrived.set()

    def _keep(self, text: str, *, replace: bool) -> None:
        if replace:
            self.take_text()
            self.replaced = True
        self._texts.append(text)
        self._length += len(text)
        while self._length > MOST_TEXT and len(self._texts) > 1:
            self._length -= len(self._texts.popleft())

    def take_text(self) -> str:
        """The partial text that has arrived, and forget it."""
        text = "".join(self._texts)
        self._texts.clear()
        self._length = 0
        return text

    def looked(self) -> None:
        """The watcher is about to look: what arrives from now on is new."""
        self.moved = self.logged = False

    async def wait(self, seconds: float) -> None:
        """Return when something arrives, or after so many seconds."""
        await wait_at_most(self._arrived, seconds)
        self._arrived.clear()

    async def until_moved(self, seconds: float) -> None:
        """Return when the status may have changed, or after so many seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not self.moved and (left := deadline - loop.time()) > 0:
            await self.wait(left)


@contextlib.asynccontextmanager
async def listening(signals: Signals, task_id: str) -> AsyncIterator[News]:
    """News of one task, from now on."""
    news = News()

    async def collect(messages: AsyncIterator[dict[str, Any]]) -> None:
        async for message in messages:
            news.hear(message)

    async with signals.subscribe(task_topic(task_id)) as messages:
        collector = asyncio.create_task(collect(messages))
        try:
            yield news
        finally:
            collector.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await collector
