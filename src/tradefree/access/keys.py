"""API keys: 256 random bits, shown once; only a SHA-256 is stored.

A key is ``tfk_`` + 43 characters of URL-safe base64 + 6 of a CRC-32 checksum, so that scanners can find leaked keys and
a mistyped one is told from a revoked one without asking the database. The secret has 256 bits of entropy, so a plain
hash is enough (a slow one protects only guessable secrets), and rotating the secret key does not kill it.
"""

from __future__ import annotations

import base64
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tradefree.access.quotas import Quota, Quotas
from tradefree.access.scopes import Scope
from tradefree.clock import Clock
from tradefree.errors import Forbidden, NotFound, Unauthorized
from tradefree.ids import digest, new_id
from tradefree.limits.rates import Rate
from tradefree.tasks.ports import Entry

PREFIX = "tfk_"
_CHECK = 6
CACHE_SECONDS = 5.0
"""How long a key is believed without asking the database: the longest a revoked key may live on."""
TOUCH_SECONDS = 60.0
"""``last_used_at`` is written at most this often."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: everything but the secret itself."""

    id: str
    name: str
    hint: str
    """The key's first characters, to recognise it by."""
    scopes: frozenset[Scope]
    created_at: datetime
    task_types: tuple[str, ...] | None = None
    """The only task types it may touch; None: all."""
    own_only: bool = False
    """It sees only tasks it submitted itself."""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def require(self, scope: Scope) -> None:
        """Raise Forbidden, naming the scope that is missing."""
        if not self.allows(scope):
            raise Forbidden(f"this key has no scope {scope.value!r}", code="no_scope", facts={"scope": scope.value})


class KeyStore(Protocol):
    async def add_key(self, key: ApiKey, secret_hash: str, entry: Entry | None = None) -> None: ...

    async def key_by_hash(self, secret_hash: str) -> ApiKey | None: ...

    async def keys(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        ...

    async def revoke_key(self, key_id: str, at: datetime, entry: Entry | None = None) -> ApiKey | None:
        """Revoke (again is harmless); None if there is no such key."""
        ...

    async def touch_key(self, key_id: str, at: datetime) -> None:
        """Remember that the key was used."""
        ...


def new_secret() -> str:
    """A fresh key, checksum included."""
    body = PREFIX + secrets.token_urlsafe(32)
    return body + _checksum(body)


def well_formed(secret: str) -> bool:
    """True if prefix, length and checksum fit: it was a key once, whoever made it."""
    return (
        secret.startswith(PREFIX)
        and len(secret) == len(PREFIX) + 43 + _CHECK
        and secret.isascii()
        and _checksum(secret[:-_CHECK]) == secret[-_CHECK:]
    )


def require_good(key: ApiKey, now: datetime) -> None:
    """Raise Unauthorized, saying why, if the key is good no more."""
    if key.revoked_at is not None:
        raise Unauthorized("the API key has been revoked", code="key_revoked")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthorized("the API key has expired", code="key_expired")


def _checksum(body: str) -> str:
    return base64.urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode()[:_CHECK]


class Keys:
    """Makes, checks and revokes API keys. ``rate``: requests that each may make; None: any number."""

    def __init__(self, store: KeyStore, clock: Clock, rate: Rate | None = None) -> None:
        self._quotas = None if rate is None else Quotas(rate, clock)
        self._store = store
        self._clock = clock
        self._seen: dict[str, tuple[float, ApiKey]] = {}
        self._touched: dict[str, float] = {}

    async def create(
        self,
        name: str,
        scopes: frozenset[Scope],
        *,
        task_types: tuple[str, ...] | None = None,
        own_only: bool = False,
        expires_in: float | None = None,
        by: str = "system",
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is never shown again. ``expires_in`` in seconds; ``by``: who makes it."""
        secret = new_secret()
        now = self._clock.now()
        key = ApiKey(
            id=new_id(),
            name=name,
            hint=secret[: len(PREFIX) + 6],
            scopes=scopes,
            created_at=now,
            task_types=task_types,
            own_only=own_only,
            expires_at=now + timedelta(seconds=expires_in) if expires_in is not None else None,
        )
        await self._store.add_key(key, digest(secret), _entry(now, by, "key.create", key))
        return key, secret

    async def authenticate(self, secret: str) -> ApiKey:
        """The key that this secret belongs to; raises Unauthorized, saying what is wrong with it."""
        if not well_formed(secret):
            raise Unauthorized("the API key is not well-formed: was it copied whole?", code="key_malformed")
        hashed = digest(secret)
        key = await self._lookup(hashed)
        now = self._clock.now()
        require_good(key, now)
        if self._clock.monotonic() - self._touched.get(key.id, float("-inf")) >= TOUCH_SECONDS:
            self._touched[key.id] = self._clock.monotonic()
            await self._store.touch_key(key.id, now)
        return key

    def spend(self, key: ApiKey) -> Quota | None:
        """Count a request of this key; what it has left, None if there is no limit."""
        return None if self._quotas is None else self._quotas.spend(key.id)

    async def _lookup(self, hashed: str) -> ApiKey:
        read_at, key = self._seen.get(hashed, (float("-inf"), None))
        if key is None or self._clock.monotonic() - read_at >= CACHE_SECONDS:
            key = await self._store.key_by_hash(hashed)
            if key is None:
                raise Unauthorized("the API key is unknown", code="key_unknown")
            self._seen[hashed] = (self._clock.monotonic(), key)
        return key

    async def revoke(self, key_id: str, *, by: str = "system") -> ApiKey:
        """Revoke a key: at once here, within ``CACHE_SECONDS`` in other services. NotFound if there is none."""
        now = self._clock.now()
        entry = Entry.new(now, by, "key.revoke", f"key:{key_id}"[:255])
        key = await self._store.revoke_key(key_id, now, entry)
        if key is None:
            raise NotFound(f"no API key {key_id}")
        self._seen.clear()
        return key

    async def list(self) -> list[ApiKey]:
        """All keys, oldest first."""
        return await self._store.keys()


def _entry(now: datetime, by: str, action: str, key: ApiKey) -> Entry:
    """For the audit trail; the secret is no part of it."""
    detail = {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "task_types": None if key.task_types is None else list(key.task_types),
        "own_only": key.own_only,
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }
    return Entry.new(now, by, action, f"key:{key.id}", detail)
