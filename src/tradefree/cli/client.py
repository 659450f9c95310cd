"""The task service over HTTP (aiohttp): one method for each shape of call, errors as the tree of ``exits``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self

import aiohttp
import yarl

from tradefree.cli.exits import Refused, ServiceUnavailable
from tradefree.errors import NotFound, SettingsError, TradefreeError

PREFIX = "/api/v1"
CONNECT = 10.0
"""Seconds until a connection must stand."""
ANSWER = 120.0
"""Seconds until an answer must be complete; an action on many thousands of tasks takes its time."""
SILENCE = 60.0
"""Seconds without a byte after which a stream is taken for dead; the service sends a heartbeat every 15."""
PAUSE = 0.5
"""Seconds before the first repeat of a call; doubled for each that follows."""
LONGEST_PAUSE = 10.0
SUBMIT_TRIES = 4
"""A service that restarts is back within a few seconds."""

Params = Sequence[tuple[str, str]] | Mapping[str, str]


class Client:
    """A task service at a base URL, spoken to with an API key. Use as an async context manager."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self.base = _base(url)
        self._key = _key(api_key)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Accept": "application/json", "User-Agent": "tradefree-cli"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = aiohttp.ClientTimeout(total=ANSWER, connect=CONNECT)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, params: Params | None = None, *, tries: int = 1) -> Any:
        """The answer's JSON. Paths are below ``/api/v1``."""
        return await self._repeated("GET", path, tries, params=params)

    async def post(self, path: str, body: Any) -> Any:
        """Send JSON; the answer's JSON."""
        return await self._repeated("POST", path, 1, **_json(body))

    async def submit(self, task: Any, key: str) -> Any:
        """Submit one task under an idempotency key, which makes it safe to try again when the answer was lost."""
        return await self._repeated("POST", "/tasks", SUBMIT_TRIES, **_json(task, {"Idempotency-Key": key}))

    async def submit_batch(self, items: Sequence[bytes]) -> Any:
        """Submit tasks, one JSON text each, with idempotency keys of their own; what became of each.

        Lines, not an array: then an item that cannot be read spoils no other.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        return await self._repeated("POST", "/tasks/batch", SUBMIT_TRIES, data=b"\n".join(items), headers=headers)

    @contextlib.asynccontextmanager
    async def stream(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.StreamReader]:
        """The bytes of an open-ended answer. Raises like the other calls, also while the body is read."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_read=SILENCE)
        sent = {"Accept": "text/event-stream", **headers}
        with self._errors():
            async with self._open.get(self._at(path), headers=sent, timeout=timeout) as response:
                if response.status >= 400:
                    raise self._problem(response, await response.read())
                yield response.content

    async def _repeated(self, method: str, path: str, tries: int, **request: Any) -> Any:
        for turn in range(tries):
            try:
                return await self._once(method, path, **request)
            except ServiceUnavailable:
                if turn + 1 == tries:
                    raise
                await asyncio.sleep(min(LONGEST_PAUSE, PAUSE * 2**turn))
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, **request: Any) -> Any:
        with self._errors():
            async with self._open.request(method, self._at(path), **request) as response:
                body = await response.read()
                if response.status >= 400:
                    raise self._problem(response, body)
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
    def _errors(self) -> Any:
        try:
            yield
        except TradefreeError:
            raise
        except TimeoutError:
            raise ServiceUnavailable(f"the task service at {self.base} did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceUnavailable(
                f"cannot reach the task service at {self.base}: {_reason(error)}; is it running?"
            ) from None

    def _problem(self, response: aiohttp.ClientResponse, body: bytes) -> TradefreeError:
        problem = _problem_document(body)
        status = response.status
        said = problem_text(problem) or f"HTTP {status} {response.reason or ''}".strip()
        if status == 404 and problem:
            return NotFound(said)
        if status == 404:
            return ServiceUnavailable(f"there is no task service at {self.base} ({said}); check the URL")
        if status == 429 or status >= 500:
            return ServiceUnavailable(f"the task service at {self.base} cannot answer now: {said}")
        if status == 401 and not self._key:
            said = "the task service wants an API key: set TRADEFREE_API_KEY or give --api-key"
        return Refused(said, status)


def problem_text(problem: Mapping[str, Any]) -> str:
    """The sentence in a problem document (RFC 9457), with the fields that are wrong."""
    detail = str(problem.get("detail") or problem.get("title") or "")
    fields = [f"{e.get('field')}: {e.get('reason')}" for e in problem.get("errors") or [] if isinstance(e, Mapping)]
    missing = [said for said in fields if said not in detail]
    return "; ".join([detail, *missing] if detail else missing)


def _problem_document(body: bytes) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError):
        value = json.loads(body)
        if isinstance(value, Mapping) and ("detail" in value or "title" in value):
            return value
    return {}


def _json(body: Any, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    data = json.dumps(body, allow_nan=False).encode()
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
