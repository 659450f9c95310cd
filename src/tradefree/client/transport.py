"""The task service over HTTP (aiohttp): one method for each shape of call. What may be repeated is repeated.

A request with an idempotency key, a question, and setting something to a value may be sent again whatever became of
the first; any request may if it surely did nothing: it never arrived, or was answered 429.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Self

import aiohttp
import yarl

from tradefree.client.answers import problem_document, refusal
from tradefree.errors import InvalidInput, ServiceUnavailable, SettingsError, Throttled, TradefreeError

PREFIX = "/api/v1"
CONNECT = 10.0
"""Seconds until a connection must stand."""
ANSWER = 120.0
"""Seconds until an answer must be complete; an action on many thousands of tasks takes its time."""
SILENCE = 60.0
"""Seconds without a byte after which a stream is taken for dead; the service sends a heartbeat every 15."""
LONGEST_LINE = 2**22
"""Bytes of one line of a stream, about."""
PAUSE = 0.5
"""Seconds before the first repeat of a call; doubled for each that follows."""
LONGEST_PAUSE = 10.0
LONGEST_RETRY_AFTER = 60.0
"""Seconds of ``Retry-After`` that are waited for; who is asked to wait longer is told."""
TRIES = 4
"""A service that restarts is back within a few seconds."""

Params = Sequence[tuple[str, str]] | Mapping[str, str]


class Transport:
    """A task service at a base URL, spoken to with an API key. Use as an async context manager.

    ``tries``: how often what is safe to repeat is tried. ``reads``: how often questions are, and calls that surely
    did nothing.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        tries: int = TRIES,
        reads: int | None = None,
        user_agent: str = "tradefree-sdk",
        key_hint: str = "set TRADEFREE_API_KEY or give --api-key",
    ) -> None:
        self.base = _base(url)
        self._key = _key(api_key)
        self._tries = tries
        self._reads = tries if reads is None else reads
        self._user_agent = user_agent
        self._key_hint = key_hint
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Accept": "application/json", "User-Agent": self._user_agent}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = aiohttp.ClientTimeout(total=ANSWER, connect=CONNECT)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, params: Params | None = None, *, tries: int | None = None) -> Any:
        """The answer's JSON. Paths are below ``/api/v1``."""
        return await self._repeated("GET", path, self._reads if tries is None else tries, params=params)

    async def post(self, path: str, body: Any, *, again: bool = False) -> Any:
        """Send JSON; the answer's JSON. Repeated only if it surely did nothing, or if twice (``again``) is as once."""
        return await self._repeated("POST", path, self._tries if again else 1, **_json(body))

    async def put(self, path: str, body: Any) -> Any:
        """Set something; repeated like a question, as doing it twice is the same as once."""
        return await self._repeated("PUT", path, self._tries, **_json(body))

    async def patch(self, path: str, body: Any) -> Any:
        """Change something to given values."""
        return await self._repeated("PATCH", path, self._tries, **_json(body))

    async def delete(self, path: str) -> Any:
        """Take something away."""
        return await self._repeated("DELETE", path, self._tries)

    async def submit(self, task: Any, key: str, *, wait: int | None = None) -> Any:
        """Submit one task under an idempotency key, which makes it safe to try again when the answer was lost.

        ``wait``: seconds for which the answer may be held until the task has ended.
        """
        headers = {"Idempotency-Key": key} | ({"Prefer": f"wait={wait}"} if wait else {})
        return await self._repeated("POST", "/tasks", self._tries, **_json(task, headers))

    async def send_events(self, body: Any) -> Any:
        """Raise an event, or an array of them. Their own ids make it safe to try again."""
        form = "cloudevents-batch" if isinstance(body, list) else "cloudevents"
        headers = {"Content-Type": f"application/{form}+json"}
        return await self._repeated("POST", "/events", self._tries, **_json(body, headers))

    async def submit_batch(self, items: Sequence[bytes]) -> Any:
        """Submit tasks, one JSON text each, with idempotency keys of their own; what became of each.

        Lines, not an array: then an item that cannot be read spoils no other.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        return await self._repeated("POST", "/tasks/batch", self._tries, data=b"\n".join(items), headers=headers)

    @contextlib.asynccontextmanager
    async def stream(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.StreamReader]:
        """The bytes of an open-ended answer. Raises like the other calls, also while the body is read."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=SILENCE)
        sent = {"Accept": "text/event-stream", **headers}
        with self._errors():
            async with self._open.get(
                self._at(path), headers=sent, timeout=timeout, allow_redirects=False, read_bufsize=LONGEST_LINE
            ) as response:
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise self._problem(response, await response.read())
                yield response.content

    async def _repeated(self, method: str, path: str, tries: int, **request: Any) -> Any:
        for turn in range(max(tries, self._reads)):
            try:
                return await self._once(method, path, **request)
            except ServiceUnavailable as error:
                did_nothing = isinstance(error, Throttled) or not error.sent
                allowed = max(tries, self._reads) if did_nothing else tries
                pause = _pause(turn, error)
                if turn + 1 >= allowed or pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, **request: Any) -> Any:
        with self._errors():
            async with self._open.request(method, self._at(path), allow_redirects=False, **request) as response:
                body = await response.read()
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    raise self._problem(response, body)
                if response.status == HTTPStatus.NO_CONTENT:
                    return None
                try:
                    return json.loads(body)
                except ValueError:
                    raise ServiceUnavailable(
                        f"{self.base} answered, but not like a task service ({response.content_type}); check the URL"
                    ) from None

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise AssertionError("the client is used outside its context")
        return self._session

    def _at(self, path: str) -> str:
        return self.base + (path if path.startswith(("/healthz", "/readyz")) else PREFIX + path)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except TradefreeError:
            raise
        except TimeoutError:
            raise ServiceUnavailable(f"the task service at {self.base} did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceUnavailable(
                f"cannot reach the task service at {self.base}: {_reason(error)}; is it running?",
                sent=not isinstance(error, aiohttp.ClientConnectorError),
            ) from None

    def _problem(self, response: aiohttp.ClientResponse, body: bytes) -> TradefreeError:
        status = response.status
        if status == HTTPStatus.UNAUTHORIZED and not self._key:
            return refusal(status, {"detail": f"the task service wants an API key: {self._key_hint}"}, self.base)
        problem = problem_document(body) or {"status_line": f"HTTP {status} {response.reason or ''}".strip()}
        if status < HTTPStatus.BAD_REQUEST:
            return ServiceUnavailable(
                f"{self.base} answers with a redirect (HTTP {status}), which is not followed; check the URL"
            )
        return refusal(status, problem, self.base, retry_after=response.headers.get("Retry-After"))


def _pause(turn: int, error: ServiceUnavailable) -> float | None:
    """Seconds until the next try; None if the service wants to be left alone for longer than anybody waits."""
    pause: float = min(LONGEST_PAUSE, PAUSE * 2**turn) * random.uniform(0.75, 1.25)  # noqa: S311
    if error.retry_after is None:
        return pause
    return max(pause, error.retry_after) if error.retry_after <= LONGEST_RETRY_AFTER else None


def _json(body: Any, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        data = json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"cannot be sent as JSON: {error}") from None
    return {"data": data, "headers": {"Content-Type": "application/json", **(headers or {})}}


def _base(url: str) -> str:
    try:
        parsed = yarl.URL(url.strip())
        good = parsed.scheme in ("http", "https") and bool(parsed.host)
    except ValueError:
        good = False
    if not good:
        raise SettingsError(f"TRADEFREE_API_URL: {url!r} is not an address such as http://127.0.0.1:8080")
    return url.strip().rstrip("/").removesuffix(PREFIX)


def _key(api_key: str | None) -> str:
    key = (api_key or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError("TRADEFREE_API_KEY: has characters that no key has; was it copied whole?")
    return key


def _reason(error: Exception) -> str:
    """Short words for what the connection met."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error})"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    return str(cause) or type(cause).__name__
