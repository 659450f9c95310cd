"""The console's pages: what ``make console`` has built, served from memory, and nothing from any other host."""

from __future__ import annotations

import gzip
import mimetypes
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

BUILT = Path(__file__).parent / "console"
"""Where the build lies; it is part of the wheel, not of the repository."""
INDEX = "index.html"
NONCE = "__CSP_NONCE__"
"""What stands in the page where each answer has a nonce of its own."""
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'nonce-{}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
FOREVER = "public, max-age=31536000, immutable"
"""Files below ``assets/`` carry a hash of what is in them in their name."""
COMPRESSED = ("text/", "application/json", "application/javascript", "image/svg+xml")
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tradefree AI task system</title>
<h1>Tradefree AI task system</h1>
<p>The task service works. This installation has no console: in a clone of the repository, install Node.js 20 or newer,
run <code>make console</code> and start the service again.</p>
<p>Until then: <a href="/docs">the API</a>, and <code>tradefree --help</code>.</p></html>
"""


@dataclass(frozen=True)
class File:
    """One file of the build."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes | None:
        """The same, smaller, if it pays."""
        return gzip.compress(self.content, 9) if self.media_type.startswith(COMPRESSED) else None


class Pages:
    """All files of a build, read once."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            str(path.relative_to(folder)): File(path.read_bytes(), mimetypes.guess_type(path)[0] or "text/plain")
            for path in folder.rglob("*")
            if path.is_file()
        }
        self._index = self._files.pop(INDEX).content.decode() if INDEX in self._files else None

    def fit(self, path: str, *, navigating: bool) -> bool:
        """True if this is a file, or the address of a page that a browser goes to."""
        page = navigating and self._index is not None and not path.startswith(("api/", "assets/"))
        return path in self._files or page

    def page(self) -> Response:
        """The page, whose script shows what the address asks for."""
        if self._index is None:
            return HTMLResponse(MISSING, headers={"Vary": "Accept", "Cache-Control": "no-store"})
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Content-Security-Policy": POLICY.format(nonce),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Vary": "Accept",
        }
        return HTMLResponse(self._index.replace(NONCE, nonce), headers=headers)

    def answer(self, request: Request) -> Response:
        """The file, or else the page."""
        path = request.path_params["path"]
        if (file := self._files.get(path)) is None:
            return self.page()
        headers = {"Cache-Control": FOREVER if path.startswith("assets/") else "no-cache", "Vary": "Accept-Encoding"}
        if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"}
            )
        return Response(file.content, media_type=file.media_type, headers=headers)


class PageRoute(Route):
    """Whatever no other route is for, if it is a file of the console or a browser goes there."""

    def __init__(self, pages: Pages) -> None:
        def answer(request: Request) -> Response:
            return pages.answer(request)

        # not a coroutine, so it runs in a thread: a large file is compressed at its first request
        super().__init__("/{path:path}", answer, methods=["GET"], include_in_schema=False)
        self._pages = pages

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.FULL and self._pages.fit(child["path_params"]["path"], navigating=navigates(scope)):
            return match, {**child, "route": self}
        return Match.NONE, {}


def navigates(scope: Scope) -> bool:
    """True if a browser wants a page: programs ask for JSON, or for anything."""
    return "text/html" in Request(scope).headers.get("accept", "")
