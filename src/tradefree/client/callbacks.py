"""Is it really from our task service? Standard Webhooks 1.0, for the receivers of callbacks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradefree.client.tasks import moment
from tradefree.errors import BadSignature

TOLERANCE = 300.0
"""Seconds that the time of a callback may be away from ours."""
MOST = 10
"""Signatures looked at: during a rotation there are two."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What a callback tells. Go by ``id`` to leave out repeats and by ``time`` to see which of two is newer."""

    id: str
    """The delivery's, the same at each attempt."""
    type: str
    """``ai.tradefree.task.`` and the status, or ``ai.tradefree.subscription.test``."""
    time: datetime | None
    task_id: str | None
    data: Mapping[str, Any]
    """The task at that moment, without its input."""


def verify_callback(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> Callback:
    """What a callback tells; raises BadSignature, saying why, unless it was signed with the secret not long ago.

    ``body`` are the bytes as they came, before anything has parsed them. ``secret`` is ``whsec_…``; several may be
    given while one is being changed for another. ``now`` is in seconds since 1970. Raises ValueError for a secret that
    is none.
    """
    from tradefree.tasks.callbacks.secrets import secret_bytes  # it loads pydantic, which most programs do not need

    found = {name.lower(): value for name, value in headers.items()}
    id_, sent_at = _header(found, "webhook-id"), _header(found, "webhook-timestamp")
    content = f"{id_}.{sent_at}.".encode() + body
    keys = [secret_bytes(each) for each in ([secret] if isinstance(secret, str) else secret)]
    digests = _digests(_header(found, "webhook-signature"))
    # every pair is compared, whichever fits: how long it takes tells nothing
    fits = [
        hmac.compare_digest(hmac.digest(key, content, hashlib.sha256), digest) for key in keys for digest in digests
    ]
    if not any(fits):
        raise BadSignature("the signature does not fit the body: is it this subscription's secret, and the raw body?")
    _require_recent(sent_at, tolerance, time.time() if now is None else now)
    return _callback(id_, body)


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise BadSignature(f"the header {name} is missing")
    return value


def _digests(text: str) -> list[bytes]:
    found = []
    for part in text.split()[:MOST]:
        version, _, encoded = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _require_recent(sent_at: str, tolerance: float, now: float) -> None:
    if not sent_at.isascii() or not sent_at.isdecimal() or len(sent_at) > 12:
        raise BadSignature("the header webhook-timestamp is no number of seconds since 1970")
    age = now - int(sent_at)
    if abs(age) > tolerance:
        raise BadSignature(
            f"the signature is right, but its time is {abs(age):.0f} s {'old' if age > 0 else 'ahead'}: "
            "are the clocks right, or was it sent again?"
        )


def _callback(id_: str, body: bytes) -> Callback:
    try:
        event = json.loads(body)
        data = event.get("data") or {}
        return Callback(id_, str(event["type"]), moment(event.get("time")), data.get("id"), data)
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BadSignature("the signature is right, but the body is no CloudEvent of a task service") from None
