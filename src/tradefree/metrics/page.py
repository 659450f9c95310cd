"""The page that Prometheus reads."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client.exposition import choose_encoder

from tradefree.errors import StorageUnavailable
from tradefree.metrics.happened import Happened
from tradefree.metrics.known import Known
from tradefree.tasks.measure import Picture

FRESH = 5.0
"""Seconds that a picture is used again: several scrapers, or several people, cost as much as one."""
SHARE = 20.0
"""Taking pictures takes at most one part of so many of the time."""
WAIT = 4.0
"""Seconds that a scrape waits for a picture; Prometheus gives up after ten."""
OLD = 60.0
"""Seconds after which a picture is not shown any more."""

log = structlog.get_logger(__name__)


class Page:
    """All metrics of a process as text. Without ``take`` it knows only what happened here."""

    def __init__(
        self,
        happened: Happened,
        take: Callable[[], Awaitable[Picture]] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._happened = happened
        self._clock = clock
        self._take = take
        self._picture: Picture | None = None
        self._taken_at = float("-inf")
        self._next_at = float("-inf")
        self._taking: asyncio.Task[None] | None = None
        if take is not None:
            happened.registry.register(Known(self._shown))

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The text and its media type, as the scraper likes it."""
        await self._refresh()
        return await asyncio.to_thread(render, self._happened, accept)

    async def picture(self) -> Picture | None:
        """The latest picture, made anew if that does not cost too much; None if there is none that is fresh enough."""
        await self._refresh()
        return self._shown()

    def _shown(self) -> Picture | None:
        return self._picture if self._clock() - self._taken_at <= OLD else None

    async def _refresh(self) -> None:
        """A fresh picture, if there can be one soon; else the last one is shown, and this one is there for the next."""
        if self._take is None or self._clock() < self._next_at:
            return
        if self._taking is None or self._taking.done():
            self._taking = asyncio.create_task(self._take_one(self._take))
        await asyncio.wait({self._taking}, timeout=WAIT)

    async def _take_one(self, take: Callable[[], Awaitable[Picture]]) -> None:
        began = self._clock()
        try:
            picture: Picture | None = await take()
        except StorageUnavailable as error:
            log.warning("metrics could not be read from the database", error=str(error))
            picture = None
        except Exception:
            log.exception("metrics could not be made")
            picture = None
        ended = self._clock()
        self._picture, self._taken_at = picture, ended
        self._next_at = ended + max(FRESH if picture is not None else 1.0, (ended - began) * SHARE)


def render(happened: Happened, accept: str) -> tuple[bytes, str]:
    """What a registry holds, and its media type. May take a moment: not for the event loop."""
    encode, media_type = choose_encoder(accept)
    return encode(happened.registry), media_type


def admits(token: str | None, authorization: str | None) -> bool:
    """True if the ``Authorization`` header carries the token, or none is needed."""
    if token is None:
        return True
    scheme, _, given = (authorization or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
