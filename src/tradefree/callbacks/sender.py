"""Sending: one POST to an address that the guard has seen, with bounds on time and size, and no redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from tradefree.callbacks.guard import AddressRefused, Guard
from tradefree.errors import Failed

TOTAL, CONNECT = 15.0, 5.0
"""Seconds that a receiver has for its answer, and for the connection."""
ANSWER_BYTES = 65_536
"""Bytes of an answer that are read, so that the connection can be used again. What they say is of no interest."""
IDLE = 4.0
"""Seconds for which a connection is kept for the next delivery. Common servers close theirs after five."""
LONGEST_WAIT = 86_400.0
"""Seconds: no receiver may ask for a longer pause."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int
    retry_after: float | None = None
    """Seconds it asked to wait."""


class Sender:
    """Posts to receivers. Open it in the event loop that uses it, by the first ``post``."""

    def __init__(
        self, guard: Guard, *, resolver: AbstractResolver | None = None, user_agent: str = "tradefree"
    ) -> None:
        self._guard = guard
        self._resolver = resolver
        self._user_agent = user_agent
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """For hosts that are trusted by name, and for all others: they share no connections."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post once. Raises Failed if there was no answer; the words never contain the URL, which may be secret."""
        if problem := self._guard.problem(url):
            raise Failed(f"The address {problem}.", code="address_refused", retryable=False)
        session = self._session(trusted=self._guard.trusts(urlsplit(url).hostname or ""))
        try:
            async with session.post(url, data=body, headers=dict(headers), allow_redirects=False) as response:
                answer = Answer(response.status, _retry_after(response.headers.get("Retry-After")))
                await _read_some(response)
                return answer
        except TimeoutError:
            raise Failed(f"No answer within {TOTAL:g} s.", code="timeout") from None
        except aiohttp.InvalidURL:
            raise Failed("The address is not a URL.", code="address_refused", retryable=False) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(error) from None

    async def close(self) -> None:
        """Close all connections."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    def _session(self, *, trusted: bool) -> aiohttp.ClientSession:
        if trusted not in self._sessions:
            connector = aiohttp.TCPConnector(
                limit=0,
                use_dns_cache=False,
                keepalive_timeout=IDLE,
                resolver=self._resolver,
                socket_factory=None if trusted else self._guard.socket,
            )
            self._sessions[trusted] = aiohttp.ClientSession(
                connector=connector,
                connector_owner=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=TOTAL, connect=CONNECT),
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            )
        return self._sessions[trusted]


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """To the end, if that is near; an answer without an end has been given all the same."""
    left = ANSWER_BYTES
    try:
        async with asyncio.timeout(1.0):
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
    except (aiohttp.ClientError, TimeoutError, OSError):
        left = 0
    if left <= 0:
        response.close()


def _retry_after(text: str | None) -> float | None:
    """Seconds from a number or an HTTP date (RFC 9110 §10.2.3); None if it is neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:10]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), LONGEST_WAIT)


def _failed(error: Exception) -> Failed:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressRefused) or "which is not public" in str(cause):
        return Failed(f"The host {cause}.", code="address_refused", retryable=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failed("The host's name cannot be resolved.", code="unreachable")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "not trusted"
        return Failed(f"The receiver's certificate is refused: {reason}.", code="certificate")
    if isinstance(cause, ssl.SSLError):
        return Failed("The receiver does not speak TLS as it should.", code="certificate")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failed(
            f"The receiver cannot be reached: {getattr(cause, 'strerror', None) or 'no connection'}.",
            code="unreachable",
        )
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failed("The receiver closed the connection without an answer.", code="no_answer")
    return Failed(f"The receiver gave no good answer ({type(error).__name__}).", code="no_answer")
