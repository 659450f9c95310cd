"""How bytes travel: addresses, time limits, sessions, and what an aiohttp error means for the request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from tradefree.dify.errors import DifyBusy, DifyRejected, DifyUnavailable, DifyUncertain
from tradefree.dify.models import SILENCE, StreamEvent
from tradefree.dify.stream import EventParser

LARGEST_ERROR = 64 * 1024
"""Bytes of an error's body that are read."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of a client, all in seconds."""

    connect: float = 10.0
    """Until the connection stands (DNS, TCP, TLS). Exceeded: nothing was sent."""
    answer: float = 30.0
    """For a call that is not a stream."""
    first_event: float = 120.0
    """Until a stream's first bytes. Long: with all connections of Dify's API taken (10 by default) a request waits
    unread until one is free."""
    quiet: float = 25.0
    """Without any bytes until the caller is told (``SILENCE``). Dify 1.14.2 pings each 10 s while a run lives."""
    silence: float = 330.0
    """Without any bytes until the stream is given up. Dify 1.14.2 closes a silent stream itself after 300 s."""
    total: float | None = None
    """For a whole stream; None: no limit."""

    def within(self, total: float | None) -> Timeouts:
        """The same with another limit for the whole."""
        return self if total is None else replace(self, total=total)


def api_root(base_url: str) -> str:
    """Where the Service API begins, without a slash at the end.

    ``https://host``, ``https://host/``, ``https://host/v1`` and ``https://host/v1/`` are the same; a path that does
    not end in ``/v1`` gets it (``https://host/dify`` → ``https://host/dify/v1``). ValueError if it is no HTTP address.
    """
    url = base_url.strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{base_url!r} is not an http(s) address, such as https://dify.example.com/v1")
    if parts.query or parts.fragment:
        raise ValueError(f"{base_url!r} should end with its path: no ? and no #")
    return url if parts.path.endswith("/v1") else f"{url}/v1"


def new_session(timeouts: Timeouts) -> aiohttp.ClientSession:
    """A session that never queues a request and never reuses a connection.

    Reuse would save a handshake and cost certainty: a bare Dify server closes idle connections after 2 s, and a POST
    on a connection that is just being closed may or may not have arrived.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_connect=timeouts.connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "tradefree"},
    )


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON of a request body; integers over 64 bits and lone surrogates go the slow way. DifyRejected if impossible."""
    try:
        return orjson.dumps(body)
    except TypeError:
        pass
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise DifyRejected(f"The request cannot be written as JSON: {error}", code="not_json") from error


@contextmanager
def translated(*, starts: bool) -> Generator[None, None, None]:
    """Turn transport errors into ours. ``starts``: the request could start a run, so "sent, then lost" is uncertain."""
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise DifyBusy(f"Dify could not be reached, nothing was sent: {_words(error)}", code="unreachable") from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        code = "timeout" if isinstance(error, TimeoutError) else "connection_lost"
        if starts:
            raise DifyUncertain(f"The connection to Dify was lost: {_words(error)}", code=code) from error
        raise DifyUnavailable(f"Dify did not answer: {_words(error)}", code=code) from error


def _words(error: BaseException) -> str:
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


async def events_of(response: aiohttp.ClientResponse, timeouts: Timeouts) -> AsyncGenerator[StreamEvent, None]:
    """The events of a stream until its end, with a ``SILENCE`` for each ``quiet`` seconds without bytes."""
    now = asyncio.get_running_loop().time
    parser, limit, silent_since = EventParser(), timeouts.first_event, now()
    ends_at = float("inf") if timeouts.total is None else now() + timeouts.total
    while (left := ends_at - now()) > 0:
        patience = max(silent_since + limit - now(), 0.0)
        chunk = await _read(response, min(timeouts.quiet, patience, left))
        if chunk is None:
            silent = now() - silent_since
            if silent >= limit:
                raise DifyUncertain(f"Nothing came from Dify for {silent:.0f} s.", code="silence")
            yield StreamEvent(SILENCE, {"seconds": silent})
            continue
        for event in parser.feed(chunk) if chunk else parser.finish():
            yield event
        if not chunk:
            return
        limit, silent_since = timeouts.silence, now()
    raise DifyUncertain(f"The run has not ended in {timeouts.total:.0f} s.", code="timeout")


async def _read(response: aiohttp.ClientResponse, wait: float) -> bytes | None:
    try:
        async with asyncio.timeout(wait):
            return await response.content.readany()
    except TimeoutError:
        return None


async def read_some(response: aiohttp.ClientResponse, wait: float) -> bytes:
    """The beginning of an error's body; what came so far if the rest does not come."""
    body = b""
    try:
        async with asyncio.timeout(wait):
            while len(body) < LARGEST_ERROR and (chunk := await response.content.readany()):
                body += chunk
    except (aiohttp.ClientError, OSError):
        pass
    return body[:LARGEST_ERROR]
