"""The broker: a Redis that rings and wakes. It keeps nothing, so little can be wrong with it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tradefree.broker.address import broker_address
from tradefree.broker.redis_client import KNOCK_SECONDS, TROUBLE, in_words, open_client
from tradefree.cli.checks.check import Caution, Check, Fault, Unseen, look, skipped
from tradefree.cli.words import size, span
from tradefree.settings import Settings

OLDEST = (6, 0)
"""The first with users and passwords as we send them."""
SLOW = 0.05
"""Seconds for one round trip. A ring costs one, and a start should take 15 ms."""
PINGS = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a Redis said."""

    latency: float
    """Seconds, the median of a few round trips."""
    about: Mapping[str, Any] | None = field(default=None)
    """Its INFO; None if this user may not ask."""


async def check_broker(settings: Settings) -> list[Check]:
    """Everything about it."""
    names = ("broker", "broker memory")
    if settings.embedded:
        return [Check("broker", "ok", "in memory, inside `tradefree up`; nothing to reach")]
    seen: Seen | None = None

    async def answers() -> str:
        nonlocal seen
        seen = await read(settings)
        return judge(seen, settings)

    first = await look(names[0], answers, "Check TRADEFREE_BROKER_URL, and that the broker runs.")
    if seen is None:
        return [first, *skipped(names[1:], "broker")]
    return [first, await look(names[1], lambda: memory(seen, settings))]


async def read(settings: Settings) -> Seen:
    """Ping and ask. Raises Fault, SettingsError."""
    try:
        async with asyncio.timeout(KNOCK_SECONDS), open_client(settings) as client:
            await client.ping()
            latency = statistics.median([await _ping(client) for _ in range(PINGS)])
            try:
                return Seen(latency, await client.info("everything"))
            except NoPermissionError:
                return Seen(latency)
    except TROUBLE as error:
        raise Fault(f"does not answer: {in_words(error)}") from None


async def _ping(client: Redis) -> float:
    began = time.monotonic()
    await client.ping()
    return time.monotonic() - began


def judge(seen: Seen, settings: Settings) -> str:
    """It can be used, and is quick."""
    about = seen.about or {}
    version = str(about.get("redis_version", "of a version that may not be asked"))
    if about.get("cluster_enabled"):
        raise Fault(
            "this Redis is a node of a Redis Cluster, which Celery's Redis transport cannot use",
            "Set TRADEFREE_BROKER_URL to a single Redis (it keeps nothing that matters) or to Sentinels.",
        )
    if about.get("role") == "slave":
        raise Fault(
            f"this Redis is a replica of {about.get('master_host')}:{about.get('master_port')}, and read-only",
            "Set TRADEFREE_BROKER_URL to its master, or to the Sentinels that know which one that is.",
        )
    if about and _parts(version) < OLDEST:
        raise Caution(f"Redis {version} is older than any this was tested with", "Run Redis 6 or newer.")
    where = f" (master {settings.broker_master!r}, by Sentinel)" if broker_address(settings).by_sentinel else ""
    if seen.latency > SLOW:
        raise Caution(
            f"Redis {version}{where} answers, but in {span(seen.latency)}",
            "Run it in the same data centre as services and workers.",
        )
    return f"Redis {version}{where} answers in {seen.latency * 1000:.1f} ms; it needs no persistence"


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:2])


def memory(seen: Seen, settings: Settings) -> str:
    """Redis says no when it is full, rather than throwing rings away."""
    if seen.about is None:
        user = broker_address(settings).username or "default"
        raise Unseen("this user may not ask", f"To have it checked: ACL SETUSER {user} +info")
    limit, policy = int(seen.about.get("maxmemory", 0)), str(seen.about.get("maxmemory_policy", "noeviction"))
    if not limit:
        return "no limit"
    if policy != "noeviction":
        raise Caution(
            f"maxmemory is {size(limit)} with maxmemory-policy {policy}: rings may be thrown away, tasks start later",
            "CONFIG SET maxmemory-policy noeviction, and in redis.conf; or a Redis that is no cache.",
        )
    return f"maxmemory is {size(limit)}, and nothing is thrown away (noeviction)"
