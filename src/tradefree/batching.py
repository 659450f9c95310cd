"""Many small requests, few transactions: written at once when idle, together when busy."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


MAX_BYTES = 2_000_000
"""Weight of a batch at the most, unless one item is heavier: transactions must stay short."""


class Coalescer(Generic[Item, Result]):
    """Collects items while a batch is being written and writes them together next.

    ``write`` gets a batch and returns one result or exception for each item, in order. ``size`` tells an item's
    weight in bytes; a batch ends at ``max_items`` or before it weighs more than ``max_bytes``. ``pause`` is the number
    of seconds between the beginnings of two writes at the least: under load it makes fewer, larger batches, and an
    item that comes alone does not wait.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_items: int = 200,
        max_bytes: int = MAX_BYTES,
        size: Callable[[Item], int] = lambda _: 0,
        pause: float = 0.0,
    ) -> None:
        self._write = write
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._size = size
        self._pause = pause
        self._next_at = 0.0
        """When (the loop's time) the next write may begin."""
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._flusher: asyncio.Task[None] | None = None

    async def put(self, item: Item) -> Result:
        """Hand in one item; returns when it is written, raises what ``write`` said of it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if (wait := self._next_at - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._next_at = loop.time() + self._pause
            batch = self._next_batch()
            try:
                results: Sequence[Result | Exception] = await self._write([item for item, _ in batch])
            except Exception as error:
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():  # the caller went away; what it asked for is done all the same
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch = [self._waiting.popleft()]
        weight = self._size(batch[0][0])
        while self._waiting and len(batch) < self._max_items:
            weight += self._size(self._waiting[0][0])
            if weight > self._max_bytes:
                break
            batch.append(self._waiting.popleft())
        return batch
