"""Signing secrets, as Standard Webhooks writes them: ``whsec_`` and base64 of 24 to 64 bytes; two during rotation."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, by the specification."""
KEEP = timedelta(hours=24)
"""How long an old secret signs beside its successor: time for the receiver to take over the new one."""


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_bytes(secret: str) -> bytes:
    """The bytes that sign. Raises ValueError, without the secret in its words."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"should begin with {PREFIX}")
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"should be {PREFIX} and base64; was it copied whole?") from None
    if not SHORTEST <= len(raw) <= LONGEST:
        raise ValueError(f"should have {SHORTEST} to {LONGEST} bytes behind {PREFIX}, this one has {len(raw)}")
    return raw


class Secrets(BaseModel):
    """The secret that signs, and the one before as long as it signs, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    current: str = Field(repr=False)
    old: str | None = Field(None, repr=False)
    old_until: datetime | None = None

    def at(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign at a moment, the newest first."""
        if self.old is None or self.old_until is None or self.old_until <= now:
            return (self.current,)
        return self.current, self.old

    def rotated(self, secret: str, now: datetime, keep: timedelta = KEEP) -> Secrets:
        """A new secret in front; the present one signs for ``keep`` longer."""
        if secret == self.current:
            return self
        return Secrets(current=secret, old=self.current if keep else None, old_until=now + keep if keep else None)
