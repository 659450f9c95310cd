"""The cookie of a session, and how a request that carries it shows that it comes from our own page.

A browser adds cookies to whatever request somebody else's page makes it send. ``SameSite=Strict`` keeps most of that
away; a request that changes something must bring the session's CSRF token, too, which no other page can read. It is
made from the cookie, so there is nothing to store.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import urlsplit

from fastapi import Request, Response

from tradefree.access.sessions import LONGEST
from tradefree.errors import Forbidden
from tradefree.settings import Settings

SECURE = "__Host-tradefree"
"""A browser takes a cookie of this name over TLS or from its own machine only, and from no other host of the domain."""
PLAIN = "tradefree"
"""The name when it may go over plain http."""
HEADER = "X-CSRF-Token"
SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110 §9.2.1)."""


def name_of(settings: Settings) -> str:
    """What the cookie is called."""
    return PLAIN if settings.console_insecure_cookie else SECURE


def token_in(request: Request, settings: Settings) -> str | None:
    """The session's token, if the request has one."""
    return request.cookies.get(name_of(settings)) or None


def set_cookie(response: Response, token: str, settings: Settings) -> None:
    """Give the browser the token. It keeps it for as long as a session can be."""
    _cookie(response, token, settings, int(LONGEST.total_seconds()))


def clear_cookie(response: Response, settings: Settings) -> None:
    """Let the browser forget it."""
    _cookie(response, "", settings, 0)


def _cookie(response: Response, value: str, settings: Settings, max_age: int) -> None:
    response.set_cookie(
        name_of(settings),
        value,
        max_age=max_age,
        path="/",
        secure=not settings.console_insecure_cookie,
        httponly=True,
        samesite="strict",
    )


def csrf_token(token: str) -> str:
    """What a page sends along with requests that change something."""
    mac = hmac.digest(token.encode(), b"csrf", "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def require_ours(request: Request, token: str, settings: Settings) -> None:
    """Raise Forbidden unless the request changes nothing, or surely was made by a page of ours."""
    if request.method in SAFE:
        return
    require_own_origin(request, settings)
    given = request.headers.get(HEADER, "")
    if not hmac.compare_digest(given.encode(), csrf_token(token).encode()):
        raise Forbidden(
            f"a request by cookie that changes something needs the header {HEADER}, from the session", code="no_csrf"
        )


def require_own_origin(request: Request, settings: Settings) -> None:
    """Raise Forbidden if a browser says that a page of somebody else made the request."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    ours = {request.headers.get("host", "").lower(), urlsplit(settings.public_url or "").netloc.lower()}
    if urlsplit(origin).netloc.lower() not in ours - {""}:
        raise Forbidden(
            "the request was made by the page of another site; set TRADEFREE_PUBLIC_URL if it is this one",
            code="other_site",
        )
