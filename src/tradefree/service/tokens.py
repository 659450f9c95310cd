"""Signed tokens for stream URLs: a browser's EventSource cannot send headers, and an API key has no place in a URL.

A token is ``<expiry>.<p or n>.<signature>``: it opens the stream of one task for five minutes, with partial text (p) or
without (n), and nothing else. The signature is HMAC-SHA-256 over all of that and the task's id.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime

from tradefree.errors import Unauthorized

LIFETIME = 300
"""Seconds a token can be used to open a stream; one that is open stays open."""


@dataclass(frozen=True, slots=True)
class StreamTokens:
    """Makes and checks tokens with one secret."""

    secret: bytes

    def issue(self, task_id: str, *, payloads: bool, now: datetime) -> str:
        """A token for this task's stream."""
        claim = f"{int(now.timestamp()) + LIFETIME}.{'p' if payloads else 'n'}"
        return f"{claim}.{self._sign(task_id, claim)}"

    def check(self, token: str, task_id: str, now: datetime) -> bool:
        """True if the token lets its bearer see payloads; raises Unauthorized if it does not open this stream."""
        claim, _, signature = token.rpartition(".")
        expected = self._sign(task_id, claim)
        if not token.isascii() or not hmac.compare_digest(signature, expected):
            raise Unauthorized("the stream token is not for this task; read the task again for a fresh stream_url")
        expiry, _, payloads = claim.partition(".")
        if int(expiry) <= now.timestamp():
            raise Unauthorized("the stream token has expired; read the task again for a fresh stream_url")
        return payloads == "p"

    def _sign(self, task_id: str, claim: str) -> str:
        mac = hmac.digest(self.secret, f"stream\0{task_id}\0{claim}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")
