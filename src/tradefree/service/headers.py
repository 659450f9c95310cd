"""Headers that keep browsers from doing harm with an answer (OWASP REST security cheat sheet)."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]

ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""On every answer that does not say otherwise itself."""

PUBLIC = ("/docs", "/openapi.json", "/")
"""What anybody may see and a browser may keep for a while."""


def with_security(headers: Iterable[Header], path: str) -> list[Header]:
    """The headers of an answer with those that are missing. ``Strict-Transport-Security`` is for the proxy that has
    the certificate."""
    given = list(headers)
    known = {name.lower() for name, _ in given}
    if path in PUBLIC:
        known.add(b"cache-control")
    return [*given, *(header for header in ALWAYS if header[0] not in known)]
