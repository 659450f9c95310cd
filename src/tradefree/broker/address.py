"""Where the broker is: ``TRADEFREE_BROKER_URL``, taken apart once for the two libraries that connect to it.

They differ in what they make of a URL. Kombu does not check certificates unless told to, and forgets password and
database at the second of several Sentinels; redis-py knows no ``sentinel://`` and other words for TLS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Never
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from tradefree.errors import SettingsError
from tradefree.settings import Settings

PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379}
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
CERT_REQS = {
    "required": "required",
    "optional": "optional",
    "none": "none",
    "cert_required": "required",
    "cert_optional": "optional",
    "cert_none": "none",
}
TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class Address:
    """A Redis, or the Sentinels that know which one is the master."""

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    username: str | None
    password: str | None = field(repr=False)
    database: int
    tls: Mapping[str, Any] | None
    """redis-py's options; None: plain TCP."""

    @property
    def by_sentinel(self) -> bool:
        return self.scheme == "sentinel"

    @property
    def kombu_url(self) -> str:
        """For Celery. Login and database are repeated for each host: kombu takes them from the one it is at."""
        login = ""
        if self.username or self.password:
            login = f"{quote(self.username or '', safe='')}:{quote(self.password or '', safe='')}@"
        hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return ";".join(f"{self.scheme}://{login}{host}/{self.database}" for host in hosts)


def broker_address(settings: Settings) -> Address:
    """Of a broker that is not in memory. Raises SettingsError."""
    scheme = settings.broker_url.partition("://")[0]
    texts = settings.broker_url.split(";") if scheme == "sentinel" else [settings.broker_url]
    parts = [_split(text, scheme) for text in texts if text]
    login = next((part for part in parts if part.username or part.password), parts[0])
    return Address(
        scheme=scheme,
        hosts=tuple((part.hostname or "127.0.0.1", _port(part, scheme)) for part in parts),
        username=unquote(login.username or "") or None,
        password=unquote(login.password or "") or None,
        database=next((number for part in parts if (number := _database(part)) is not None), 0),
        tls=_tls(scheme, dict(pair for part in parts for pair in parse_qsl(part.query, keep_blank_values=True))),
    )


def _refuse(reason: str) -> Never:
    raise SettingsError(f"TRADEFREE_BROKER_URL: {reason}") from None


def _split(text: str, scheme: str) -> SplitResult:
    try:
        part = urlsplit(text)
    except ValueError:
        _refuse("is not a URL; an IPv6 address goes in brackets")
    if part.scheme != scheme:
        _refuse(f"every part must begin with {scheme}://")
    if part.fragment:
        _refuse("has a '#' in it; in a user name or password write it as %23")
    return part


def _port(part: SplitResult, scheme: str) -> int:
    try:
        return part.port or PORTS[scheme]
    except ValueError:
        _refuse("the port must be a number up to 65535; a '/', '?' or '#' in a password is written %2F, %3F, %23")


def _database(part: SplitResult) -> int | None:
    path = part.path.strip("/")
    if path and not (path.isascii() and path.isdecimal()):
        _refuse(f"ends with {path!r}, but it must be the number of a Redis database, as in /0")
    return int(path) if path else None


def _tls(scheme: str, query: Mapping[str, str]) -> dict[str, Any] | None:
    """redis-py's options. Certificates and host names are checked unless the URL says otherwise."""
    tls: dict[str, Any] = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    for name, value in query.items():
        if name in FILES:
            tls[name] = value
        elif name == "ssl_cert_reqs":
            tls[name] = CERT_REQS.get(value.lower()) or _refuse(f"{name} must be required, optional or none")
        elif name == "ssl_check_hostname":
            tls[name] = TRUTHS[value.lower()] if value.lower() in TRUTHS else _refuse(f"{name} must be true or false")
        else:
            known = ", ".join((*FILES, "ssl_cert_reqs", "ssl_check_hostname"))
            _refuse(f"{name!r} is not an option; there are {known}")
    if tls["ssl_cert_reqs"] == "none":
        tls["ssl_check_hostname"] = False
    if scheme == "redis" and query:
        _refuse("has TLS options, but TLS needs rediss://")
    return tls if scheme == "rediss" or query else None
