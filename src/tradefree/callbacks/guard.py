"""The guard: callbacks go to the public Internet and to what the operator allows, whatever a submitter writes.

A URL is looked at when it is submitted and again when it is sent to; what its host resolves to is looked at last,
in the moment before the connection, so that a name which resolves to another address by then gains nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tradefree.callbacks.addresses import Network, parse_address, special
from tradefree.errors import InvalidInput

NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?")
"""The last part of a host that the C library would take for an IPv4 address: ``0x7f.1``, ``2130706433``, ``127.1``."""
LOCAL = ("localhost", "local", "internal", "localdomain", "home.arpa")
"""Names that lead nowhere on the Internet."""


class AddressRefused(OSError):
    """A name resolved to an address that callbacks must not go to."""


class Guard:
    """Where callbacks may go. ``allow``: hosts (``hooks.corp.example``, ``.corp.example`` with all below it), addresses
    and networks (``10.1.0.0/16``) that may be called although they are not public."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._domains: list[str] = []
        self._networks: list[Network] = []
        for text in filter(None, (entry.strip().lower() for entry in allow)):
            try:
                self._networks.append(ip_network(text, strict=False))
            except ValueError:
                if text.startswith("."):
                    self._domains.append(text)
                else:
                    self._hosts.add(text.rstrip("."))

    def check(self, url: str, *, field: str) -> None:
        """See ``ports.UrlGuard``. Names are not resolved here: that says nothing about later."""
        if problem := self.problem(url):
            raise InvalidInput(problem, field=field)

    def problem(self, url: str) -> str | None:
        """What is wrong with a URL, in a sentence without the URL; None if it may be tried."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "is not a URL"
        if (problem := _form(parts, url)) or port == 0:
            return problem or "has the port 0"
        host = (parts.hostname or "").lower()
        if ":" not in host and not NAME.fullmatch(host):
            return "has no good host; write names beyond ASCII in their xn-- form"
        address = parse_address(host)
        if self.trusts(host):
            return None
        if address is None:
            return _name_problem(host)
        return self.refusal(host)

    def trusts(self, host: str) -> bool:
        """True if the operator allows the host by name, whatever it resolves to."""
        name = host.lower().rstrip(".")
        return name in self._hosts or any(name.endswith(domain) for domain in self._domains)

    def refusal(self, address: str) -> str | None:
        """Why a connection to this address is refused, in a sentence; None if it may be made."""
        parsed = parse_address(address)
        if parsed is None:
            return "leads to something that is not an IP address"
        if any(parsed.version == network.version and parsed in network for network in self._networks):
            return None
        words = special(parsed)
        if words is None:
            return None
        return f"leads to {parsed}, which is not public ({words}); TRADEFREE_CALLBACK_ALLOW lists what may be called"

    def socket(self, address_info: Any) -> socket.socket:
        """A socket for this address and no other (aiohttp's ``socket_factory``). Raises AddressRefused."""
        family, kind, protocol, _, address = address_info
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise AddressRefused("leads to something that is not an IP address")
        if words := self.refusal(str(address[0])):
            raise AddressRefused(words)
        return socket.socket(family, kind, protocol)


def _form(parts: SplitResult, url: str) -> str | None:
    if parts.scheme not in ("http", "https"):
        return "should begin with http:// or https://"
    if "@" in parts.netloc:
        return "should have no user and password; the signature tells who sends it"
    if not parts.hostname:
        return "has no host"
    if "\\" in url or any(character <= " " or character == "\x7f" for character in url):
        return "has characters that no URL has"
    return None


def _name_problem(host: str) -> str | None:
    name = host.rstrip(".")
    if NUMERIC.fullmatch(name.rpartition(".")[2]):
        return "has a host that is not a canonical IP address"
    if any(name == local or name.endswith(f".{local}") for local in LOCAL) or "." not in name:
        return f"has the host {name[:80]}, which is not public; TRADEFREE_CALLBACK_ALLOW lists what may be called"
    return None
