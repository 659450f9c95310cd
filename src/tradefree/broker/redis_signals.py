"""Signals between processes: Redis pub/sub. They carry wake-ups and live updates, never the truth, so losing some is
no harm; what must not happen is that anybody waits for Redis.

What is published is heard in this process at once, and by the others by way of Redis. It goes there sealed: partial
text is made of what tasks contain, and whoever can write to Redis must not be able to speak for us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog

from tradefree.access.secrets import SecretBox
from tradefree.broker.address import broker_address
from tradefree.broker.redis_client import open_client
from tradefree.broker.redis_ears import Ears
from tradefree.broker.redis_speaker import Speaker
from tradefree.broker.signals import LocalSignals
from tradefree.errors import SettingsError
from tradefree.settings import Settings
from tradefree.tasks.ports import DISPATCH, WORKERS

SHARDS = 16
"""Channels that the topics of single tasks are spread over: a service subscribes to those somebody watches."""
LAST_WORDS = 1.0
"""Seconds that the last messages of a process may take; a worker's leaving wakes the dispatcher."""
COMPLAIN_EVERY = 60.0
"""Seconds between lines in the log about messages that cannot be read."""

log = structlog.get_logger(__name__)


class RedisSignals:
    """``ports.Signals`` across processes. Works inside ``running``; what is published elsewhen is dropped."""

    def __init__(self, settings: Settings, box: SecretBox) -> None:
        self._settings = settings
        self._box = box
        self._me = os.urandom(8).hex()
        self._prefix = f"{settings.broker_prefix}{broker_address(settings).database}.signals."
        self._local = LocalSignals()
        self._speaker = Speaker(self._seal, on_recovery=self._tell_of_gap)
        self._ears = Ears(self._take_in, on_open=self._make_up)
        self._running = False
        self._complained_at = float("-inf")

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """See ``ports.Signals``."""
        if not self._running:
            return
        self._local.publish(topic, message)
        try:
            said = orjson.dumps([topic, message])
        except TypeError as error:  # such as half a character at the end of a chunk of text
            log.debug("a signal is not for other processes: JSON cannot carry it", topic=topic, error=str(error))
            return
        self._speaker.say(self._channel(topic), said)

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """See ``ports.Signals``. Redis knows when this is entered, unless it is away or slow."""
        async with self._local.subscribe(*topics) as messages, self._ears.open_for({self._channel(t) for t in topics}):
            yield messages

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Speak and listen meanwhile, in the loop this is called in."""
        async with open_client(self._settings) as client:
            speaking = self._speaker.start(client)
            listening = asyncio.create_task(self._ears.listen(client))
            self._running = True
            try:
                yield
            finally:
                self._running = False
                listening.cancel()
                await self._speaker.stop(LAST_WORDS)
                await asyncio.wait({speaking, listening})

    def _channel(self, topic: str) -> str:
        if topic in (DISPATCH, WORKERS):
            return self._prefix + topic
        return f"{self._prefix}tasks.{zlib.crc32(topic.encode()) % SHARDS}"

    def _seal(self, messages: Sequence[bytes]) -> bytes:
        return self._box.seal_bytes(b'["%s",[%s]]' % (self._me.encode(), b",".join(messages)))

    def _take_in(self, sealed: bytes) -> None:
        try:
            sender, messages = orjson.loads(self._box.open_bytes(sealed))
            if sender != self._me:
                for topic, message in messages:
                    self._local.publish(topic, message)
        except (SettingsError, ValueError, TypeError):
            if time.monotonic() - self._complained_at > COMPLAIN_EVERY:
                self._complained_at = time.monotonic()
                log.warning("a signal cannot be read: is TRADEFREE_SECRET_KEY the same in all processes?")

    def _make_up(self) -> None:
        """Something may have been missed, or Redis may be another one that knows no rings: look, everybody here."""
        self._local.publish(DISPATCH, {"missed": True})
        self._local.publish(WORKERS, {"missed": True})

    def _tell_of_gap(self) -> None:
        """What was said to others got lost, and they cannot know: look, everybody there."""
        with contextlib.suppress(RuntimeError):
            self.publish(DISPATCH, {"missed": True})
            self.publish(WORKERS, {"missed": True})
