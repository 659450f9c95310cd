"""What the tests of the broker have in common: systems that talk over a Redis, and eyes on that Redis."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from redis import Redis as Client

from tradefree.access.secrets import SecretBox
from tradefree.broker.redis_signals import RedisSignals
from tradefree.settings import Settings

KEY = "vq4rkXxTrwZ3TnZbm8kyPHmuGYy0EdVTnWoy2PYzQ5o="
PATIENCE = 30.0
"""Seconds any condition may take on a busy machine."""

Messages = AsyncIterator[dict[str, Any]]


def settings(url: str, **more: Any) -> Settings:
    """Settings with this broker and nothing from the environment."""
    return Settings(_env_file=None, broker_url=url, secret_key=KEY, **more)


def signals(url: str, *, key: str = KEY, **more: Any) -> RedisSignals:
    """Signals of one process, not yet running."""
    return RedisSignals(settings(url, **more), SecretBox(key))


@contextlib.asynccontextmanager
async def a_process(url: str, **more: Any) -> AsyncIterator[RedisSignals]:
    """Signals of one process, running. ``key``: its secret key; the rest are settings."""
    made = signals(url, **more)
    async with made.running():
        yield made


async def heard(messages: Messages) -> dict[str, Any]:
    """The next message, those that only say that something was missed aside."""
    async with asyncio.timeout(PATIENCE):
        async for message in messages:
            if message != {"missed": True}:
                return message
    raise AssertionError


async def until_missed(messages: Messages) -> None:
    """Return at the next word that something may have been missed; what comes before is dropped."""
    async with asyncio.timeout(PATIENCE):
        async for message in messages:
            if message == {"missed": True}:
                return


async def until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; fails, saying what was waited for, if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s until {what}"
        await asyncio.sleep(0.01)


def client(url: str) -> Client:
    """A plain client, to look with. It waits for as long as nothing is said."""
    return Client.from_url(url, socket_timeout=None)


def channels(url: str) -> set[str]:
    """The channels of this database that somebody has subscribed to."""
    with client(url) as looking:
        found = looking.pubsub_channels(f"*:{url.rpartition('/')[2]}.signals.*")
        return {name.decode() for name in found}


def connections(url: str) -> int:
    """How many connections use this database, ours for looking aside."""
    with client(url) as looking:
        return sum(1 for one in looking.client_list() if one["db"] == url.rpartition("/")[2]) - 1


def keys(url: str) -> set[str]:
    """The keys in this database."""
    with client(url) as looking:
        return {name.decode() for name in looking.scan_iter()}
