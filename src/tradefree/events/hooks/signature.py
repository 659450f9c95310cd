"""Is it really from them? Signatures over the raw bytes, compared in constant time."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tradefree.errors import BadSignature
from tradefree.events.hooks.hook import Hook, HookSignature, standard_key

MOST = 10
"""Signatures looked at in one header: a sender that changes its secret sends two."""

GITHUB = HookSignature(header="x-hub-signature-256", prefix="sha256=")
SHOPIFY = HookSignature(header="x-shopify-hmac-sha256", encoding="base64")


@dataclass(frozen=True, slots=True)
class Message:
    """What came in: the bytes as they were sent, and the headers by their name in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a message claims: that this content, at this time, has one of these digests."""

    content: bytes
    digests: tuple[bytes, ...]
    time: str | None = None
    algorithm: str = "sha256"
    key: Callable[[str], bytes] = str.encode


def verify(hook: Hook, message: Message, now: datetime) -> None:
    """Raise BadSignature, saying why, unless the message was signed with one of the hook's secrets, not long ago."""
    if hook.preset == "token":
        _check_token(hook, message)
        return
    signed = _READ[hook.preset](hook, message)
    # every secret and digest is compared, whichever fits: how long it takes tells nothing
    fits = [
        hmac.compare_digest(hmac.new(signed.key(secret), signed.content, signed.algorithm).digest(), digest)
        for secret in hook.secrets
        for digest in signed.digests
    ]
    if not any(fits):
        raise BadSignature("the signature does not fit the body: is it signed with this hook's secret, and unchanged?")
    if signed.time is not None:
        _check_time(signed.time, hook.tolerance, now)


def _check_token(hook: Hook, message: Message) -> None:
    given = _header(message, hook.token_header)
    if given[:7].lower() == "bearer ":
        given = given[7:]
    digest = hashlib.sha256(given.strip().encode()).digest()
    fits = [hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), digest) for secret in hook.secrets]
    if not any(fits):
        raise BadSignature(f"the token in the header {hook.token_header} is not this hook's")


def _check_time(text: str, tolerance: float, now: datetime) -> None:
    age = now.timestamp() - _seconds(text)
    if abs(age) > tolerance:
        where = "old" if age > 0 else "ahead"
        raise BadSignature(
            f"the signature is right, but its time is {abs(age):.0f} s {where}; {tolerance:.0f} s are the most: "
            "are the clocks right, or was the message sent again?"
        )


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise BadSignature("the signed time is no number of seconds since 1970")
    return int(text)


def _standard(_: Hook, message: Message) -> _Signed:
    id_, time = _header(message, "webhook-id"), _header(message, "webhook-timestamp")
    marked = [part.partition(",") for part in _header(message, "webhook-signature").split()]
    digests = _decoded((text for version, _, text in marked if version == "v1"), "base64")
    return _Signed(f"{id_}.{time}.".encode() + message.body, digests, time, key=standard_key)


def _stripe(_: Hook, message: Message) -> _Signed:
    parts = [part.strip().partition("=") for part in _header(message, "stripe-signature").split(",")]
    time = next((text for name, _, text in parts if name == "t"), None)
    if time is None:
        raise BadSignature("the header stripe-signature has no time (t=)")
    digests = _decoded((text for name, _, text in parts if name == "v1"), "hex")
    return _Signed(f"{time}.".encode() + message.body, digests, time)


def _one(how: HookSignature, message: Message) -> _Signed:
    text = _header(message, how.header).strip()
    if not text.startswith(how.prefix):
        raise BadSignature(f"the header {how.header} should begin with {how.prefix}")
    time = _header(message, how.time_header) if how.time_header is not None else None
    before, _, after = how.content.replace("{time}", time or "").partition("{body}")
    content = before.encode() + message.body + after.encode()
    return _Signed(content, _decoded([text.removeprefix(how.prefix)], how.encoding), time, how.algorithm)


def _generic(hook: Hook, message: Message) -> _Signed:
    assert hook.signature is not None
    return _one(hook.signature, message)


_READ: dict[str, Callable[[Hook, Message], _Signed]] = {
    "standard-webhooks": _standard,
    "stripe": _stripe,
    "github": lambda _, message: _one(GITHUB, message),
    "shopify": lambda _, message: _one(SHOPIFY, message),
    "hmac": _generic,
}


def _header(message: Message, name: str) -> str:
    value = message.headers.get(name)
    if not value:
        raise BadSignature(f"the header {name} is missing")
    return value


def _decoded(texts: Iterable[str], encoding: str) -> tuple[bytes, ...]:
    """Digests from their texts; those that are none are passed over."""
    found = []
    for text in list(texts)[:MOST]:
        try:
            found.append(b64decode(text, validate=True) if encoding == "base64" else bytes.fromhex(text))
        except (binascii.Error, ValueError):
            continue
    return tuple(found)
