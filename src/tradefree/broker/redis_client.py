"""Clients for the broker's Redis: one server, TLS, or whoever Sentinel says is the master."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from tradefree.broker.address import Address, broker_address
from tradefree.errors import SettingsError
from tradefree.settings import Settings

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
"""Seconds a command may take; a Redis that hangs is given up."""
KNOCK_SECONDS = 3.0
"""Seconds a Redis has to answer when we only ask how it is."""
KEEPALIVE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 2}
"""Seconds, seconds, times: a machine that vanished is noticed in 15 s, also by a connection that only waits."""

TROUBLE = (RedisError, OSError, TimeoutError)
"""What a Redis that is away, hangs or refuses ends in."""

CLUSTER = (
    "TRADEFREE_BROKER_URL: this Redis is a node of a Redis Cluster, which Celery's Redis transport cannot use; "
    "set the URL of a single Redis (it keeps nothing that matters) or a sentinel:// URL"
)


@contextlib.asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[Redis]:
    """A client that connects at its first command and tries nothing twice by itself; closed at the end."""
    address = broker_address(settings)
    sentinel = _sentinel(settings, address) if address.by_sentinel else None
    if sentinel is None:
        ((host, port),) = address.hosts
        client = Redis(host=host, port=port, **_options(address))
    else:
        client = sentinel.master_for(settings.broker_master, **_options(address))
    try:
        yield client
    finally:
        for one in (client, *(sentinel.sentinels if sentinel else ())):
            with contextlib.suppress(*TROUBLE):
                await one.aclose()


def _patience() -> dict[str, Any]:
    return {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
        "socket_keepalive_options": KEEPALIVE,
        "socket_timeout": ANSWER_SECONDS,
    }


def _options(address: Address) -> dict[str, Any]:
    tls = {"ssl": True, **address.tls} if address.tls else {}
    login = {"username": address.username, "password": address.password}
    return {"db": address.database, **login, **tls, **_patience()}


def _sentinel(settings: Settings, address: Address) -> Sentinel:
    return Sentinel(address.hosts, sentinel_kwargs={**_patience(), **sentinel_options(settings, address)})  # type: ignore[no-untyped-call]


def sentinel_options(settings: Settings, address: Address) -> dict[str, Any]:
    """What the Sentinels themselves ask for, as both libraries spell it."""
    options: dict[str, Any] = {"ssl": True, **address.tls} if address.tls else {}
    if settings.broker_sentinel_password is not None:
        options["password"] = settings.broker_sentinel_password.get_secret_value()
    return options


async def refuse_unfit(settings: Settings) -> None:
    """Raise SettingsError if the broker answers and says that it can never do. One that is away is not refused."""
    try:
        async with asyncio.timeout(KNOCK_SECONDS), open_client(settings) as client:
            about = await client.info("cluster")
    except AuthenticationError as error:
        raise SettingsError(f"TRADEFREE_BROKER_URL: Redis refuses user or password: {error}") from None
    except ResponseError as error:
        if "DB index" in str(error):
            raise SettingsError(f"TRADEFREE_BROKER_URL: Redis has no such database: {error}") from None
        return  # it may not be asked: nothing is known against it
    except TROUBLE:
        return
    if about.get("cluster_enabled"):
        raise SettingsError(CLUSTER)


async def knock(settings: Settings) -> str | None:
    """What is wrong with the broker, in a sentence; None if it answers."""
    try:
        async with asyncio.timeout(KNOCK_SECONDS), open_client(settings) as client:
            await client.ping()
    except TROUBLE as error:
        return f"Redis does not answer: {in_words(error)}"
    return None


def in_words(error: Exception) -> str:
    """What happened: time-outs say nothing of themselves, and redis-py's errors little by ``repr``."""
    if isinstance(error, TimeoutError) and not str(error):
        return "it takes too long"
    return str(error) or type(error).__name__
