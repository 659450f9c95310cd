"""Answers as Dify 1.14.2 words them: headers, JSON spelling, error bodies."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

VERSION = "1.14.2"

PLAIN_HEADERS = {"Server": "dify-standin", "X-Version": VERSION, "X-Env": "PRODUCTION", "Vary": "Cookie"}
HEADERS = {
    **PLAIN_HEADERS,
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Env, X-Trace-Id, X-Version",
}
STREAM_HEADERS = {**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"}
EVENTS_HEADERS = {**STREAM_HEADERS, "Cache-Control": "no-cache"}

PING = b"event: ping\n\n"

_NOT_FOUND_TEXT = (
    "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again."
)


class DifyError(Exception):
    """An error answer: HTTP status, Dify's code and message."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.status = status
        self.code = code
        self.message = message


class Crash(DifyError):
    """Dify's answer to a fault of its own; it has its fields in another order."""

    def __init__(self) -> None:
        super().__init__(500, "unknown", "Internal Server Error")


class HtmlError(Exception):
    """An error page of a proxy, not of Dify."""

    def __init__(self, status: int, retry_after: int | None = None) -> None:
        super().__init__(str(status))
        self.retry_after = retry_after
        self.status = status


def frame(event: dict[str, Any]) -> bytes:
    """One event on the wire: `data: {json}` in raw UTF-8 and an empty line."""
    return b"data: " + orjson.dumps(event) + b"\n\n"


def slow_frame(event: dict[str, Any]) -> bytes:
    """The same as spelled for a finished run: spaces and ASCII escapes."""
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def answer(body: Any, status: int = 200) -> web.Response:
    """Dify's usual JSON: compact, ASCII, escaped slashes, a line end."""
    text = json.dumps(body, separators=(",", ":")).replace("/", "\\/") + "\n"
    return _response(text, status, {**HEADERS, "Content-Type": "application/json"})


def run_answer(body: dict[str, Any]) -> web.Response:
    """The answer of a blocking run; it is spelled differently."""
    return _response(json.dumps(body), 200, {**HEADERS, "Content-Type": "application/json; charset=utf-8"})


def error_answer(error: DifyError) -> web.Response:
    if isinstance(error, Crash):
        return answer({"message": error.message, "code": error.code, "status": error.status}, error.status)
    response = answer({"code": error.code, "message": error.message, "status": error.status}, error.status)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def html_answer(status: int) -> web.Response:
    """Flask's page for an unknown route; nginx's page for everything else."""
    phrase = HTTPStatus(status).phrase
    if status == HTTPStatus.NOT_FOUND:
        head = f"<!doctype html>\n<html lang=en>\n<title>404 {phrase}</title>\n<h1>{phrase}</h1>\n"
        text = f"{head}<p>{_NOT_FOUND_TEXT}</p>\n"
        return _response(text, status, {**PLAIN_HEADERS, "Content-Type": "text/html; charset=utf-8"})
    title = f"{status} {phrase}"
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><hr>nginx</body></html>\r\n"
    return _response(text, status, {"Server": "nginx", "Content-Type": "text/html"})


def wrong_method() -> web.Response:
    body = '{"code":"method_not_allowed","message":"The method is not allowed for the requested URL.","status":405}\n'
    return _response(body, 405, {**PLAIN_HEADERS, "Content-Type": "application/json"})


def _response(text: str, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(body=text.encode(), status=status, reason=HTTPStatus(status).phrase.upper(), headers=headers)
