"""How many requests a key may make: the generic cell rate algorithm, in this process.

Each service counts for itself: behind a load balancer a key may make the rate times the number of services. Counting
together would cost a round trip to Redis for each request, and nothing could be counted while Redis is away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tradefree.clock import Clock
from tradefree.errors import RateLimited
from tradefree.limits.rates import SECOND, Rate, parse_rate

MOST = 10_000
"""Keys remembered; those that have their whole quota again are forgotten beyond that."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a key has left after a request."""

    rate: Rate
    left: int
    retry_after: float
    """Seconds until one more is allowed; 0: now."""
    whole_after: float
    """Seconds until all are allowed again."""
    allowed: bool

    def require(self) -> None:
        """Raise RateLimited if this request was one too many."""
        if not self.allowed:
            raise RateLimited(f"this key may make {self.rate} requests", self.retry_after)

    def headers(self) -> dict[str, str]:
        """``RateLimit`` and ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = f'"key";q={self.rate.burst};w={math.ceil(self.rate.period)}'
        return {
            "RateLimit-Policy": policy,
            "RateLimit": f'"key";r={self.left};t={math.ceil(self.whole_after)}',
        }


def quota_rate(text: str) -> Rate:
    """``100/s``: so many per period, also all at once after a pause. Raises ValueError with a sentence."""
    return parse_rate(text, burst=parse_rate(text).starts)


class Quotas:
    """Counts what somebody does: requests of a key."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._earliest: dict[str, int] = {}

    def spend(self, who: str) -> Quota:
        """Count one; one that is too many costs nothing."""
        now, rate = self._now(), self._rate
        earliest = self._earliest.get(who, now)
        allowed = rate.allowed(earliest, now) > 0
        if allowed:
            earliest = rate.after(earliest, now, 1)
            self._earliest[who] = earliest
            self._forget(now)
        return self._quota(earliest, now, allowed=allowed)

    def left(self, who: str) -> Quota:
        """What is left; ``allowed``: one more would be."""
        now = self._now()
        earliest = self._earliest.get(who, now)
        return self._quota(earliest, now, allowed=self._rate.allowed(earliest, now) > 0)

    def _quota(self, earliest: int, now: int, *, allowed: bool) -> Quota:
        return Quota(
            self._rate,
            left=self._rate.allowed(earliest, now),
            retry_after=max(0, self._rate.free_at(earliest) - now) / SECOND,
            whole_after=max(0, earliest - now) / SECOND,
            allowed=allowed,
        )

    def _now(self) -> int:
        return int(self._clock.monotonic() * SECOND)

    def _forget(self, now: int) -> None:
        if len(self._earliest) > MOST:
            self._earliest = {key: earliest for key, earliest in self._earliest.items() if earliest > now}
