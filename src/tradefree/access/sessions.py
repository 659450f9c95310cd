"""Sessions of people at a browser: signed in with an API key, which stays out of the browser from then on.

A token is 256 random bits; only its SHA-256 is stored. A session has the rights of its key and ends with it. Its row is
read at each request: one that was ended is ended everywhere at once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from tradefree.access.keys import ApiKey, Keys, require_good
from tradefree.access.quotas import Quotas, quota_rate
from tradefree.access.scopes import Scope
from tradefree.clock import Clock
from tradefree.errors import RateLimited, Unauthorized
from tradefree.ids import digest
from tradefree.tasks.ports import Entry

IDLE = timedelta(hours=12)
"""A session that nobody used for so long has ended: a working day with its breaks is shorter."""
LONGEST = timedelta(days=7)
"""No session is longer, however busy."""
TOUCH = timedelta(minutes=1)
"""``seen_at`` is written at most this often."""
WRONG_KEYS = quota_rate("10/m")
"""Wrong keys that one address may try. Nobody guesses 256 bits; this keeps who tries from keeping the database busy."""


class Role(StrEnum):
    """What a person may do, in one word. It follows from scopes; routes ask for scopes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @classmethod
    def of(cls, key: ApiKey) -> Role:
        if Scope.ADMIN in key.scopes:
            return cls.ADMIN
        return cls.OPERATOR if key.allows(Scope.TASKS_WRITE) else cls.VIEWER


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in."""

    token_hash: str
    key: ApiKey
    started_at: datetime
    seen_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it ends unless it is used."""
        ends = min(self.started_at + LONGEST, self.seen_at + IDLE)
        return ends if self.key.expires_at is None else min(ends, self.key.expires_at)


class SessionStore(Protocol):
    async def add_session(self, session: Session, entry: Entry) -> None:
        """Keep a session; those that began more than ``LONGEST`` before it are deleted."""
        ...

    async def session(self, token_hash: str) -> Session | None:
        """A session with its key as it is now, whether or not they are still good."""
        ...

    async def touch_session(self, token_hash: str, at: datetime) -> None:
        """Remember that the session was used."""
        ...

    async def end_session(self, token_hash: str) -> None:
        """Delete it; again is harmless."""
        ...

    async def end_sessions(self, key_id: str, entry: Entry) -> None:
        """Delete all of a key."""
        ...


class Sessions:
    """Begins, checks and ends sessions."""

    def __init__(self, store: SessionStore, keys: Keys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._wrong = Quotas(WRONG_KEYS, clock)

    async def start(self, api_key: str, address: str) -> tuple[Session, str]:
        """A session and its token, which is never shown again, for somebody at this address.

        Raises Unauthorized for a key that is not good, RateLimited after too many of those."""
        who = _network(address)
        if not (left := self._wrong.left(who)).allowed:
            raise RateLimited("too many wrong keys from this address", left.retry_after)
        try:
            key = await self._keys.authenticate(api_key)
        except Unauthorized:
            self._wrong.spend(who)
            raise
        token, now = secrets.token_urlsafe(32), self._clock.now()
        session = Session(digest(token), key, now, now)
        await self._store.add_session(session, _entry(now, "session.start", key, address=address))
        return session, token

    async def authenticate(self, token: str) -> Session:
        """The session of this token; raises Unauthorized if it has ended, or its key is no longer good."""
        now = self._clock.now()
        session = await self._store.session(digest(token))
        if session is None:
            raise Unauthorized("the session has ended; sign in again", code="session_ended")
        require_good(session.key, now)
        if session.ends_at <= now:
            await self._store.end_session(session.token_hash)
            raise Unauthorized("the session has ended for its age; sign in again", code="session_ended")
        if now - session.seen_at >= TOUCH:
            await self._store.touch_session(session.token_hash, now)
        return session

    async def end(self, session: Session, *, everywhere: bool = False) -> None:
        """End a session, or all of its key."""
        if everywhere:
            await self._store.end_sessions(
                session.key.id, _entry(self._clock.now(), "session.end_everywhere", session.key)
            )
        else:
            await self._store.end_session(session.token_hash)


def _network(address: str) -> str:
    """Who counts as one: an IPv4 address, or the network that one subscriber has of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address


def _entry(now: datetime, action: str, key: ApiKey, **detail: str) -> Entry:
    return Entry.new(now, key.name, action, f"key:{key.id}", {"key": key.id, **detail})
