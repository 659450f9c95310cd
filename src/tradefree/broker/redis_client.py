"""Clients for the broker's Redis: one server, TLS, or whoever Sentinel says is the master."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tradefree.errors import SettingsError
from tradefree.settings import Settings

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
"""Seconds a command may take; a Redis that hangs is given up."""
SENTINEL_PORT = 26379

CLUSTER = (
    "TRADEFREE_BROKER_URL: this Redis is a node of a Redis Cluster, which Celery's Redis transport cannot use; "
    "set the URL of a single Redis (it keeps nothing that matters) or a sentinel:// URL"
)


def make_client(settings: Settings) -> Redis:
    """A client; it connects at its first command, and tries nothing twice by itself."""
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
    }
    if not settings.broker_url.startswith("sentinel://"):
        return Redis.from_url(settings.broker_url, **options)
    return _by_sentinel(settings, options)


def _by_sentinel(settings: Settings, options: dict[str, Any]) -> Redis:
    """Kombu's notation: ``sentinel://[:PASSWORD@]HOST[:PORT][;sentinel://HOST[:PORT]…][/DB]``."""
    parts = [urlsplit(part) for part in settings.broker_url.split(";")]
    login = next((part for part in parts if part.password), None)
    if login is not None and login.password is not None:
        options |= {"password": unquote(login.password), "username": unquote(login.username or "") or None}
    hosts = [(part.hostname or "127.0.0.1", part.port or SENTINEL_PORT) for part in parts]
    sentinel = Sentinel(hosts, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(settings.broker_master, db=database_number(settings), **options)
    return master


def database_number(settings: Settings) -> int:
    """The number of the Redis database in the broker's URL, 0 if there is none."""
    paths = [urlsplit(part).path.strip("/") for part in settings.broker_url.split(";")]
    return next((int(path) for path in paths if path.isdecimal()), 0)


async def refuse_cluster(settings: Settings) -> None:
    """Raise SettingsError if the broker is a Redis Cluster. One that does not answer is none of our business here."""
    client = make_client(settings)
    try:
        about = await client.info("cluster")
    except (RedisError, OSError):
        return
    finally:
        await client.aclose()
    if about.get("cluster_enabled"):
        raise SettingsError(CLUSTER)
