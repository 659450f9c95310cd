"""Sends recorded requests of a real Dify 1.14.2 to the stand-in and compares the answers.

Statuses, event order, field names and their order, and JSON types must be the same; so must the values that do not
depend on the moment (EXACT). Identifiers are mapped as they turn up.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tradefree.testing.dify_standin import DifyStandin

TRANSCRIPTS = Path(__file__).with_name("transcripts")

EXACT = {
    *("event", "status", "error", "code", "message", "result", "reason", "text", "retry_index", "index", "params"),
    *("total_tokens", "total_steps", "exceptions_count", "node_id", "node_type", "title", "predecessor_node_id"),
    *("page", "limit", "total", "has_more", "mode", "name", "description", "triggered_from", "type", "session_id"),
    *("currency", "user_input_form", "system_parameters", "file_upload", "tool_icons", "user"),
}
"""Fields whose values must be the recorded ones."""

FREE = {"body", "request", "result", "text", "total_price", "usage"}
"""Fields of nodes and outputs in which the recorded server shows its own backend's data: only the type counts."""

SAME_HEADERS = (
    *("Content-Type", "X-Version", "X-Env", "Vary", "WWW-Authenticate", "Cache-Control"),
    *("Access-Control-Allow-Origin", "Access-Control-Expose-Headers"),
)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass
class Exchange:
    """One recorded request with its answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answered: dict[str, str]
    answer: bytes

    @property
    def streamed(self) -> bool:
        return self.answered.get("Content-Type", "").startswith("text/event-stream")


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    clean_end: bool = True


@dataclass
class Replay:
    """Sends recorded requests to the stand-in and compares the answers."""

    server: DifyStandin
    session: aiohttp.ClientSession
    ids: dict[str, str] = field(default_factory=dict)
    """Recorded identifier → the stand-in's."""

    async def send(self, exchange: Exchange, until: Callable[[bytes], bool] | None = None) -> Reply:
        """`until`: leave as soon as the body so far satisfies it."""
        url = self.server.origin + self.translated(exchange.path)
        skip = () if "Content-Type" in exchange.headers else ("Content-Type",)
        body = exchange.body if exchange.method == "POST" else None
        request = self.session.request(
            exchange.method, url, data=body, headers=exchange.headers, skip_auto_headers=skip
        )
        async with request as response:
            reply = Reply(response.status, dict(response.headers), b"")
            try:
                async for chunk in response.content.iter_any():
                    reply.body += chunk
                    if until and until(reply.body):
                        response.close()
                        reply.clean_end = False
                        break
            except aiohttp.ClientPayloadError:
                reply.clean_end = False
            return reply

    async def replay(self, exchange: Exchange) -> Reply:
        reply = await self.send(exchange)
        self.compare(exchange, reply)
        return reply

    def compare(self, exchange: Exchange, reply: Reply, *, loose: frozenset[str] = frozenset()) -> None:
        """`loose`: fields whose values may differ from the recorded ones in this exchange."""
        assert reply.status == exchange.status, reply.body
        recorded_headers = {name: exchange.answered.get(name) for name in SAME_HEADERS}
        assert {name: reply.headers.get(name) for name in SAME_HEADERS} == recorded_headers
        if exchange.streamed:
            self._compare_streams(exchange.answer, reply.body, loose)
        elif "json" in exchange.answered["Content-Type"]:
            self._compare_json(exchange.answer, reply.body, loose)
        else:
            assert reply.body.strip() == exchange.answer.strip()

    def translated(self, text: str) -> str:
        return UUID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def _compare_streams(self, recorded: bytes, played: bytes, loose: frozenset[str]) -> None:
        expected, actual = frames(recorded), frames(played)
        assert kinds(actual) == kinds(expected)
        for want, got in zip(expected, actual, strict=True):
            if want != b"event: ping":
                assert spelling(got) == spelling(want)
                self._same(json.loads(want[6:]), json.loads(got[6:]), "", loose)

    def _compare_json(self, recorded: bytes, played: bytes, loose: frozenset[str]) -> None:
        want, got = json.loads(recorded), json.loads(played)
        self._same(want, got, "", loose)
        assert (b", " in recorded) == (b", " in played)
        if "code" in want and set(want) == {"code", "message", "status"}:
            assert played.strip().decode() == self.translated(recorded.strip().decode())

    def _same(self, want: Any, got: Any, path: str, loose: frozenset[str]) -> None:
        assert type(got) is type(want), f"{path}: {want!r} became {got!r}"
        if isinstance(want, dict):
            assert list(got) == list(want), path
            for name in want:
                self._same(want[name], got[name], f"{path}.{name}", loose)
        elif isinstance(want, list):
            assert len(got) == len(want), path
            for index, item in enumerate(want):
                self._same(item, got[index], f"{path}[{index}]", loose)
        elif isinstance(want, str) and UUID.fullmatch(want):
            assert UUID.fullmatch(got), path
            assert self.ids.setdefault(want, got) == got, f"{path}: another identifier than before"
        elif isinstance(want, str) and path == ".inputs":
            self._same(json.loads(want), json.loads(got), f"{path}(JSON)", loose)
        elif self._exact(path, loose):
            assert got == (self.translated(want) if isinstance(want, str) else want), path

    @staticmethod
    def _exact(path: str, loose: frozenset[str]) -> bool:
        name = path.rsplit(".", 1)[-1]
        inner = any(part in path for part in ("outputs.", "process_data.", ".inputs.", ".data.text"))
        return name in EXACT and name not in loose and not (inner and name in FREE)


def frames(body: bytes) -> list[bytes]:
    found = (part.strip(b"\n") for part in body.split(b"\n\n"))
    return [part for part in found if part.startswith((b"data: ", b"event: "))]


def kinds(found: list[bytes]) -> list[str]:
    return ["ping" if part == b"event: ping" else json.loads(part[6:])["event"] for part in found]


def spelling(part: bytes) -> str:
    """How the JSON of an event is written."""
    event = json.loads(part[6:])
    if part[6:] == orjson.dumps(event):
        return "compact, raw UTF-8"
    return "spaced, ASCII" if part[6:].decode() == json.dumps(event) else "unknown"


def recording(name: str) -> list[Exchange]:
    (file,) = TRANSCRIPTS.glob(f"{name}.txt")
    parts = re.split(rb"(?m)^######## exchange .*\n", file.read_bytes().split(b"\n#### notes")[0])
    return [parse(part) for part in parts[1:]]


def parse(part: bytes) -> Exchange:
    request, _, response = part.partition(b"<<<< response\n")
    head, _, body = request.removeprefix(b">>>> request\n").partition(b"\n\n")
    line, *header_lines = head.decode().split("\n")
    method, path, _ = line.split(" ")
    headers = {name: value.strip(" ") for name, _, value in (header.partition(":") for header in header_lines)}
    for name in ("Host", "Connection", "Content-Length", "User-Agent", "Accept"):
        headers.pop(name, None)
    status_head, _, answer = response.partition(b"\n\n")
    status_line, *answered = status_head.decode().split("\n")
    answer = re.split(rb"(?m)^---- arrival|^\[client ", answer)[0]
    status = int(status_line.split(" ")[1]) if status_line else 0
    pairs = dict(header.split(": ", 1) for header in answered if ": " in header)
    return Exchange(method, path, headers, body.removesuffix(b"\n"), status, pairs, answer)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)
