"""A page for processes that serve no HTTP: workers."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import structlog
from prometheus_client.exposition import ThreadingWSGIServer

from tradefree.errors import SettingsError
from tradefree.metrics.happened import Happened
from tradefree.metrics.page import admits, render
from tradefree.settings import Settings

PORTS = 100
"""Ports that are tried from the first on: several workers on one machine take one each."""

log = structlog.get_logger(__name__)


@contextlib.contextmanager
def serving(settings: Settings, happened: Happened) -> Iterator[str | None]:
    """Serve ``/metrics`` while the block runs, if there is a port for it; its address. Raises SettingsError."""
    if settings.metrics_port is None:
        yield None
        return
    server = _listen(settings, happened)
    url = f"http://{settings.metrics_host}:{server.server_port}/metrics"
    thread = threading.Thread(target=server.serve_forever, name="tradefree-metrics", daemon=True)
    thread.start()
    log.info("metrics ready", url=url)
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


def _listen(settings: Settings, happened: Happened) -> Any:
    token = settings.metrics_token.get_secret_value() if settings.metrics_token is not None else None
    first = settings.metrics_port or 0
    for port in range(first, min(first + PORTS, 65_536)) if first else (0,):
        try:
            return make_server(
                settings.metrics_host, port, _app(happened, token), server_class=_Server, handler_class=_Quiet
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingsError(
                    f"TRADEFREE_METRICS_PORT: cannot listen on {settings.metrics_host}:{port}: {error.strerror}"
                ) from None
    raise SettingsError(f"TRADEFREE_METRICS_PORT: no port from {first} on is free; choose another")


def _app(happened: Happened, token: str | None) -> Any:
    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics":
            return _say(start, "404 Not Found", "There is only /metrics here.")
        if not admits(token, environ.get("HTTP_AUTHORIZATION")):
            return _say(start, "401 Unauthorized", "Send Authorization: Bearer and TRADEFREE_METRICS_TOKEN.")
        text, media_type = render(happened, environ.get("HTTP_ACCEPT", ""))
        start("200 OK", [("Content-Type", media_type), ("Content-Length", str(len(text)))])
        return [text]

    return app


def _say(start: Any, status: str, words: str) -> list[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8")]
    if status.startswith("401"):
        headers.append(("WWW-Authenticate", 'Bearer realm="tradefree metrics"'))
    start(status, headers)
    return [words.encode()]


class _Server(ThreadingWSGIServer):
    allow_reuse_address = True
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Scrapes are not logged."""
