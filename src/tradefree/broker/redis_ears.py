"""The listening half of the signals: one connection to Redis on which everything is heard that anybody here wants.

It speaks with the connection itself, not with redis-py's PubSub: that connects and subscribes again behind our back,
and then nobody knows that something was missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.asyncio import Connection, Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tradefree.broker.redis_client import ANSWER_SECONDS, in_words

PING_EVERY = 4.0
DEAF_AFTER = 10.0
"""Seconds without any word from Redis, pings unanswered, after which the connection is taken for dead."""
RECONNECT_EVERY = 0.5
HEARD_WITHIN = 0.5
"""Seconds a listener waits to be heard of by Redis. Later than that it begins anyway: listeners also look."""
IDLE = 60.0
"""Seconds after which a channel nobody listens to is unsubscribed."""

log = structlog.get_logger(__name__)


@dataclass
class _Channel:
    listeners: int = 0
    idle_since: float = 0.0
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while Redis knows that we listen."""


class Ears:
    """The channels that somebody listens to, and the connection they are heard on."""

    def __init__(self, take_in: Callable[[bytes], None], on_open: Callable[[], None]) -> None:
        self._take_in = take_in
        self._on_open = on_open
        """Called when all is heard again (or for the first time): something may have been missed until now."""
        self._channels: dict[str, _Channel] = {}
        self._asked: set[str] = set()
        """Channels that this connection has been told of."""
        self._connection: Connection | None = None
        self._well = True
        """False while Redis is known to be away."""

    @contextlib.asynccontextmanager
    async def open_for(self, names: set[str]) -> AsyncIterator[None]:
        """Listen to these channels, too. Entered when Redis knows, or soon anyway."""
        channels = [self._channels.setdefault(name, _Channel()) for name in names]
        for channel in channels:
            channel.listeners += 1
        try:
            await self._await_confirmation(channels)
            yield
        finally:
            for channel in channels:
                channel.listeners -= 1
                channel.idle_since = time.monotonic()

    async def _await_confirmation(self, channels: list[_Channel]) -> None:
        if not self._well:
            return
        with contextlib.suppress(Exception):  # what goes wrong here, the listening job sees, too
            async with asyncio.timeout(HEARD_WITHIN):
                if self._connection is not None:
                    await self._subscribe(self._connection)
                for channel in channels:
                    await channel.confirmed.wait()

    async def listen(self, client: Redis) -> None:
        """Listen until cancelled."""
        while True:
            connection = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
            try:
                await self._open(connection)
                await self._hear(connection)
            except Exception as error:  # of whatever kind: nothing may end this job
                if self._well:
                    log.warning("signals are not heard; they are made up for by looking", error=in_words(error))
                self._well = False
            finally:
                self._close()
                with contextlib.suppress(Exception):
                    await connection.disconnect(nowait=True)
            await asyncio.sleep(RECONNECT_EVERY)

    async def _open(self, connection: Connection) -> None:
        """Subscribe to everything somebody listens to, those who come meanwhile too."""
        await connection.connect()  # type: ignore[no-untyped-call]
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._send(connection, "PING")
            await self._read(connection, ANSWER_SECONDS)
            while not self._all_confirmed():
                await self._subscribe(connection)
                await self._read(connection, ANSWER_SECONDS)
        self._connection = connection  # nothing was awaited since the last look: nobody is left out
        if not self._well:
            log.info("signals are heard again")
        self._well = True
        self._on_open()

    def _all_confirmed(self) -> bool:
        return all(channel.confirmed.is_set() for channel in self._channels.values())

    def _close(self) -> None:
        self._connection = None
        self._asked.clear()
        for name in [name for name, channel in self._channels.items() if not channel.listeners]:
            del self._channels[name]
        for channel in self._channels.values():
            channel.confirmed.clear()

    async def _hear(self, connection: Connection) -> None:
        heard_at = pinged_at = time.monotonic()
        while True:
            heard = await self._read(connection, PING_EVERY / 4)
            now = time.monotonic()
            if heard:
                heard_at = now
            elif now - heard_at > DEAF_AFTER:
                raise TimeoutError(f"no word from Redis for {DEAF_AFTER:g} s")
            if now - pinged_at > PING_EVERY:
                pinged_at = now
                await self._send(connection, "PING")
                await self._unsubscribe_idle(connection)

    async def _read(self, connection: Connection, seconds: float) -> bool:
        """Take in one word from Redis; False if none came in time."""
        if not connection.is_connected:  # reading would connect, and forget what was subscribed
            raise RedisConnectionError("the connection was closed")
        match await connection.read_response(timeout=seconds, disconnect_on_error=False):
            case None:
                return False
            case [b"subscribe", bytes(name), *_] if channel := self._channels.get(name.decode()):
                channel.confirmed.set()
            case [b"message", _, bytes(content)]:
                self._take_in(content)
        return True

    async def _send(self, connection: Connection, *command: Any) -> None:
        if not connection.is_connected:  # sending would connect, and forget what was subscribed
            raise RedisConnectionError("the connection was closed")
        await connection.send_command(*command, check_health=False)

    async def _subscribe(self, connection: Connection) -> None:
        while fresh := self._channels.keys() - self._asked:
            self._asked |= fresh
            await self._send(connection, "SUBSCRIBE", *fresh)

    async def _unsubscribe_idle(self, connection: Connection) -> None:
        before = time.monotonic() - IDLE
        idle = [n for n, channel in self._channels.items() if not channel.listeners and channel.idle_since < before]
        if idle:
            for name in idle:
                del self._channels[name]
                self._asked.discard(name)
            await self._send(connection, "UNSUBSCRIBE", *idle)
