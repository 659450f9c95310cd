"""A load generator: HTTP/1.1 over keep-alive connections, requests as bytes prepared beforehand.

An HTTP client library would take more of the machine than the service under test. This one reads no more of an answer
than its status and its length.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from tradefree.errors import TradefreeError


@dataclass(frozen=True)
class Target:
    """A service and a key to it."""

    url: str
    api_key: str

    def post(self, path: str, body: bytes, content_type: str = "application/json") -> bytes:
        """A whole request, ready to be sent."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {urlsplit(self.url).netloc}\r\nAuthorization: Bearer {self.api_key}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Connection(asyncio.Protocol):
    """One connection: sends the next request when the last one was answered."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self._head = b""
        self._left: int | None = None
        """Bytes of the body still to come; None while reading the head."""
        self._transport: asyncio.WriteTransport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are not derived from it
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or TradefreeError("the service closed the connection"))

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            head, separator, data = (self._head + data).partition(b"\r\n\r\n")
            if not separator:
                self._head = head
                return
            self._head = b""
            if not head.startswith((b"HTTP/1.1 202", b"HTTP/1.1 200")):
                self._fail(head + data)
                return
            self._left = content_length(head)
        self._left -= len(data)
        if self._left <= 0:
            self._left = None
            self._next()

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def _fail(self, answer: bytes) -> None:
        assert self._transport is not None
        if not self.done.done():
            self.done.set_exception(TradefreeError(f"the service answered {answer[:500].decode(errors='replace')}"))
        self._transport.close()


def content_length(head: bytes) -> int:
    """The length that the head of an answer gives."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise TradefreeError("an answer without Content-Length")
    return int(rest.partition(b"\r\n")[0])


async def send_all(target: Target, requests: Sequence[bytes], connections: int) -> None:
    """Send all requests over so many connections; raises TradefreeError unless each is answered with 202 or 200."""
    address = urlsplit(target.url)
    host, port = address.hostname or "", address.port or 80
    waiting = iter(requests)
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: Connection(waiting), host, port))[1]
        for _ in range(min(connections, len(requests)))
    ]
    await asyncio.gather(*(connection.done for connection in opened))
