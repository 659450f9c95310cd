"""Signals between processes: Redis pub/sub. They carry wake-ups and live updates, never the truth, so losing some is
no harm; what must not happen is that anybody waits for Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import zlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from tradefree.broker.redis_client import database_number, make_client
from tradefree.broker.signals import LocalSignals
from tradefree.clock import wait_at_most
from tradefree.settings import Settings
from tradefree.tasks.ports import DISPATCH, WORKERS

SHARDS = 16
"""Channels that the topics of single tasks are spread over: a service subscribes to those somebody watches."""
PAUSE = 0.005
"""Seconds between publications at the least: what comes closer goes together."""
BACKLOG = 10_000
"""Messages kept while Redis is slow; the oldest are dropped."""
PING_EVERY = 4.0
DEAF_AFTER = 10.0
"""Seconds without any word from Redis, pings unanswered, after which the connection is taken for dead."""
RECONNECT_EVERY = 0.5
HEARD_WITHIN = 0.5
"""Seconds a subscriber waits to be heard of by Redis. Later than that it begins anyway: listeners also look."""
IDLE = 60.0
"""Seconds after which a channel nobody listens to is unsubscribed."""

log = structlog.get_logger(__name__)
Message = tuple[str, Mapping[str, Any]]
"""Topic and content."""


class RedisSignals:
    """``ports.Signals`` across processes. Works inside ``running``; what is published elsewhen is dropped."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prefix = f"{settings.broker_prefix}{database_number(settings)}.signals."
        self._local = LocalSignals()
        self._outbox: deque[Message] = deque(maxlen=BACKLOG)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._something_to_say = asyncio.Event()
        self._ears = _Ears()

    # ── ports.Signals ───────────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """See ``ports.Signals``. While Redis is away, at least this process hears it."""
        if self._loop is None:
            return
        if not self._ears.open:
            self._local.publish(topic, message)
        self._outbox.append((topic, message))
        if threading.get_ident() == self._thread:
            self._something_to_say.set()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are going away
                self._loop.call_soon_threadsafe(self._something_to_say.set)

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """See ``ports.Signals``."""
        async with self._local.subscribe(*topics) as messages:
            channels = {self._channel(topic) for topic in topics}
            await self._ears.add(channels)
            try:
                yield messages
            finally:
                self._ears.remove(channels)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Speak and listen meanwhile, in the loop this is called in."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        client = make_client(self._settings)
        jobs = [asyncio.create_task(self._speak(client)), asyncio.create_task(self._listen(client))]
        try:
            yield
        finally:
            await self._say_the_rest(client)
            self._loop = None
            for job in jobs:
                job.cancel()
            await asyncio.wait(jobs)
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()

    # ── speaking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _channel(self, topic: str) -> str:
        if topic in (DISPATCH, WORKERS):
            return self._prefix + topic
        return f"{self._prefix}tasks.{zlib.crc32(topic.encode()) % SHARDS}"

    async def _speak(self, client: Redis) -> None:
        well = True
        while True:
            await self._something_to_say.wait()
            self._something_to_say.clear()
            try:
                await self._say(client)
            except (RedisError, OSError, TimeoutError) as error:
                if well:
                    log.warning("signals are not sent; they are made up for by looking", error=repr(error))
                well = False
                await asyncio.sleep(RECONNECT_EVERY)
            else:
                if not well:
                    log.info("signals are sent again")
                well = True
                await asyncio.sleep(PAUSE)

    async def _say(self, client: Redis) -> None:
        by_channel: dict[str, list[Message]] = defaultdict(list)
        while self._outbox:
            topic, message = self._outbox.popleft()
            by_channel[self._channel(topic)].append((topic, message))
        if len(by_channel) == 1:
            ((channel, messages),) = by_channel.items()
            await client.publish(channel, orjson.dumps(messages))
            return
        pipeline = client.pipeline(transaction=False)
        for channel, messages in by_channel.items():
            pipeline.publish(channel, orjson.dumps(messages))
        await pipeline.execute()

    async def _say_the_rest(self, client: Redis) -> None:
        """The last words of a process that goes: a worker's leaving wakes the dispatcher."""
        if self._outbox:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await asyncio.wait_for(self._say(client), 1.0)

    # ── listening ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _listen(self, client: Redis) -> None:
        well = True
        while True:
            try:
                async with client.pubsub() as pubsub:
                    await self._ears.open_on(pubsub)
                    if not well:
                        log.info("signals are heard again")
                    well = True
                    self._make_up()
                    await self._hear(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                if well:
                    log.warning("signals are not heard; they are made up for by looking", error=repr(error))
                well = False
            finally:
                self._ears.close()
            await asyncio.sleep(RECONNECT_EVERY)

    def _make_up(self) -> None:
        """Something may have been missed, or Redis may be another one that knows no rings: look, everybody."""
        self._local.publish(DISPATCH, {"missed": True})
        self._local.publish(WORKERS, {"missed": True})

    async def _hear(self, pubsub: PubSub) -> None:
        heard_at = pinged_at = time.monotonic()
        while True:
            said = await pubsub.get_message(timeout=1.0)
            now = time.monotonic()
            if said is not None:
                heard_at = now
                self._take_in(said)
            elif now - heard_at > DEAF_AFTER:
                raise TimeoutError(f"no word from Redis for {DEAF_AFTER:g} s")
            if now - pinged_at > PING_EVERY:
                pinged_at = now
                await pubsub.ping()
                await self._ears.tidy()

    def _take_in(self, said: dict[str, Any]) -> None:
        if said["type"] == "subscribe":
            self._ears.confirm(said["channel"].decode())
        elif said["type"] == "message":
            for topic, message in orjson.loads(said["data"]):
                self._local.publish(topic, message)


class _Ears:
    """The channels that somebody listens to, and what Redis knows of them."""

    def __init__(self) -> None:
        self._pubsub: PubSub | None = None
        self._listeners: dict[str, int] = {}
        """Listeners by channel; a channel with none is kept for a while."""
        self._idle_since: dict[str, float] = {}
        self._confirmed: dict[str, asyncio.Event] = {}

    @property
    def open(self) -> bool:
        """True while there is a connection on which everything published is heard."""
        return self._pubsub is not None

    async def open_on(self, pubsub: PubSub) -> None:
        """Subscribe to everything somebody listens to, those who come meanwhile too."""
        self._confirmed.clear()
        await pubsub.ping()
        while missing := self._listeners.keys() - self._confirmed.keys():
            self._confirmed |= {channel: asyncio.Event() for channel in missing}
            await pubsub.subscribe(*missing)
        self._pubsub = pubsub

    def close(self) -> None:
        self._pubsub = None

    async def add(self, channels: set[str]) -> None:
        """One more listener; returns when Redis knows, or soon anyway."""
        for channel in channels:
            self._listeners[channel] = self._listeners.get(channel, 0) + 1
            self._idle_since.pop(channel, None)
        if self._pubsub is None:
            return
        if fresh := channels - self._confirmed.keys():
            self._confirmed |= {channel: asyncio.Event() for channel in fresh}
            with contextlib.suppress(RedisError, OSError, TimeoutError):  # the listening job sees that, too
                await self._pubsub.subscribe(*fresh)
        for confirmed in [self._confirmed[channel] for channel in channels if channel in self._confirmed]:
            await wait_at_most(confirmed, HEARD_WITHIN)

    def remove(self, channels: set[str]) -> None:
        for channel in channels:
            self._listeners[channel] -= 1
            if not self._listeners[channel]:
                self._idle_since[channel] = time.monotonic()

    def confirm(self, channel: str) -> None:
        if channel in self._confirmed:
            self._confirmed[channel].set()

    async def tidy(self) -> None:
        """Unsubscribe from what nobody has listened to for a while."""
        before = time.monotonic() - IDLE
        idle = [channel for channel, since in self._idle_since.items() if since < before]
        for channel in idle:
            del self._idle_since[channel], self._listeners[channel], self._confirmed[channel]
        if idle and self._pubsub is not None:
            await self._pubsub.unsubscribe(*idle)
