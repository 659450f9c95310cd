"""How bodies are read: after the key was checked, up to a limit, as strict JSON. One route class does it for all."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from tradefree.errors import NotFound
from tradefree.service.callers import guard_of
from tradefree.service.context import system_of
from tradefree.service.refusals import BadParameter, BodyTooLarge, UnsupportedMedia
from tradefree.service.strict_json import loads

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


class StrictRequest(Request):
    """A request whose body was read and checked before the endpoint sees it."""

    _raw: bytes = b""
    _value: Any = None

    async def load(self, media_types: tuple[str, ...] | None) -> None:
        """Read and check the body. Raises BodyTooLarge, UnsupportedMedia, NotJson or InvalidInput.

        ``media_types`` None: anything, which the endpoint looks at itself.
        """
        self._raw = await self._read(system_of(self).settings.max_body_bytes)
        if not self._raw:
            return
        self._refuse_encoding()
        if media_types is None:
            return
        media_type = self.media_type()
        if media_type not in media_types:
            raise UnsupportedMedia(f"send Content-Type: {' or '.join(media_types[:2])}")
        if media_type == JSON:
            self._value = loads(self._raw)

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:
        return self._value

    async def _read(self, limit: int) -> bytes:
        too_large = BodyTooLarge(f"the body is larger than {limit} bytes")
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                raise too_large
            chunks.append(chunk)
        return b"".join(chunks)

    def media_type(self) -> str:
        """The type of the body, without parameters. Raises UnsupportedMedia if it is encoded or no UTF-8."""
        self._refuse_encoding()
        media_type, *parameters = self.headers.get("content-type", "").lower().split(";")
        for parameter in parameters:
            name, _, value = parameter.strip().partition("=")
            if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
                raise UnsupportedMedia("JSON is UTF-8 (RFC 8259); send no other charset")
        return media_type.strip()

    def _refuse_encoding(self) -> None:
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMedia("send the body without Content-Encoding")


class StrictRoute(APIRoute):
    """A route that checks the key first, then the body, then lets the endpoint run."""

    media_types: tuple[str, ...] | None = (JSON,)
    raw = False

    def answering(self) -> Handler:
        """What answers the request once its key and body are known to be good: FastAPI, with the endpoint."""
        return super().get_route_handler()

    def get_route_handler(self) -> Handler:
        endpoint = self.answering()
        guard = guard_of(self.dependant.dependencies)
        reads_body = self.raw or self.body_field is not None

        async def handle(request: Request) -> Response:
            request = StrictRequest(request.scope, request.receive)
            _refuse_nul(request)
            if guard is not None:
                await guard.admit(request)
            if reads_body:
                await request.load(self.media_types)
            return await endpoint(request)

        return handle


class RawRoute(StrictRoute):
    """A route that gets the body as it came, up to the limit, whatever its type: its sender has signed the bytes."""

    media_types = None
    raw = True


class NdjsonRoute(StrictRoute):
    """A route that takes newline-delimited JSON, too; it reaches the endpoint as bytes."""

    media_types = (JSON, *NDJSON)


def _refuse_nul(request: Request) -> None:
    """No database stores a NUL in text, and no name has one."""
    if "\0" in request.scope["path"]:
        raise NotFound("no such path")
    if b"%00" in request.scope["query_string"]:
        field = next((name for name, value in request.query_params.multi_items() if "\0" in name + value), "")
        raise BadParameter("contains the character NUL", field=field.replace("\0", ""))
