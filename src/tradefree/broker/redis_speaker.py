"""The speaking half of the signals: an outbox, and a job that empties it into Redis."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

import structlog
from redis.asyncio import Redis

from tradefree.broker.redis_client import in_words

PAUSE = 0.005
"""Seconds between publications at the least: what comes closer goes together."""
BACKLOG_BYTES = 4_000_000
"""Kept while Redis is slow; the oldest messages are dropped."""
RECONNECT_EVERY = 0.5
"""Seconds between tries."""

log = structlog.get_logger(__name__)


class Speaker:
    """Publishes what it is told by any thread. Nobody ever waits for it."""

    def __init__(self, seal: Callable[[Sequence[bytes]], bytes], on_recovery: Callable[[], None]) -> None:
        self._seal = seal
        """Makes one publication of several messages."""
        self._on_recovery = on_recovery
        """Called when Redis takes messages again after some were lost."""
        self._lock = threading.Lock()
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._size = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._awake = asyncio.Event()
        self._leaving = False
        self._job: asyncio.Task[None] | None = None
        self._well = True

    @property
    def backlog(self) -> int:
        """Bytes that wait to be published."""
        return self._size

    def say(self, channel: str, message: bytes) -> None:
        """Publish soon. Never blocks, never raises."""
        with self._lock:
            self._outbox.append((channel, message))
            self._size += len(message)
            while self._size > BACKLOG_BYTES:
                self._size -= len(self._outbox.popleft()[1])
        loop = self._loop
        if loop is None:
            return
        if threading.get_ident() == self._thread:
            self._awake.set()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are going away
                loop.call_soon_threadsafe(self._awake.set)

    def start(self, client: Redis) -> asyncio.Task[None]:
        """Speak by this client, in this loop, until ``stop``."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._awake = asyncio.Event()
        self._leaving = False
        self._job = asyncio.create_task(self._speak(client))
        return self._job

    async def stop(self, patience: float) -> None:
        """Say what is left, for so many seconds at the most, and end."""
        assert self._job is not None
        self._leaving = True
        self._awake.set()
        await asyncio.wait({self._job}, timeout=patience)
        self._loop = None
        self._job.cancel()

    async def _speak(self, client: Redis) -> None:
        while not self._leaving or self._outbox:
            await self._awake.wait()
            self._awake.clear()
            if not self._outbox:
                continue
            try:
                await self._empty(client)
            except Exception as error:  # of whatever kind: nothing may end this job
                if self._well:
                    log.warning("signals are not sent; they are made up for by looking", error=in_words(error))
                self._well = False
                if self._leaving:
                    return
                await asyncio.sleep(RECONNECT_EVERY)
            else:
                if not self._well:
                    self._well = True
                    log.info("signals are sent again")
                    self._on_recovery()
                await asyncio.sleep(PAUSE)

    async def _empty(self, client: Redis) -> None:
        by_channel = self._take()
        if len(by_channel) == 1:
            ((channel, messages),) = by_channel.items()
            await client.publish(channel, self._seal(messages))
            return
        pipeline = client.pipeline(transaction=False)
        for channel, messages in by_channel.items():
            pipeline.publish(channel, self._seal(messages))
        await pipeline.execute()

    def _take(self) -> dict[str, list[bytes]]:
        by_channel: dict[str, list[bytes]] = defaultdict(list)
        with self._lock:
            for channel, message in self._outbox:
                by_channel[channel].append(message)
            self._outbox.clear()
            self._size = 0
        return by_channel
