"""Starts per period: the generic cell rate algorithm (ITU-T I.371), in whole microseconds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradefree.errors import BadValue

SECOND = 1_000_000
"""Microseconds."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TEXT = re.compile(r"^\s*(\d{1,9})\s*/\s*(\d{1,6})?\s*(s|m|h|d)\s*$")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``starts`` per ``period`` seconds, evenly spread, but up to ``burst`` at once after a pause.

    In any period there are at most ``starts`` + ``burst`` - 1 of them... and one more at its very edge.
    """

    starts: int
    period: float
    burst: int = 1

    @property
    def interval(self) -> int:
        """Microseconds from start to start; rounded up, so that the rate is never exceeded."""
        return math.ceil(self.period * SECOND / self.starts)

    def allowed(self, earliest: int, now: int) -> int:
        """How many may start now. ``earliest`` is the window's state (microseconds): when the next start is due if
        they are evenly spread; see ``after``."""
        return max(0, (now + self.burst * self.interval - max(earliest, now)) // self.interval)

    def after(self, earliest: int, now: int, starts: int) -> int:
        """The window's state after so many starts; negative ones are given back."""
        if starts < 0:
            return earliest + starts * self.interval
        return max(earliest, now) + starts * self.interval

    def free_at(self, earliest: int) -> int:
        """When (microseconds) the next one may start."""
        return earliest - (self.burst - 1) * self.interval

    def __str__(self) -> str:
        names = {seconds: unit for unit, seconds in _PERIODS.items()}
        if self.period in names:
            return f"{self.starts}/{names[int(self.period)]}"
        return f"{self.starts}/{self.period:g}s"


def micros_of(moment: datetime) -> int:
    """Whole microseconds since 1970, the clock of rates."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """The moment on the clock of rates, in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def parse_rate(text: str, burst: int = 1) -> Rate:
    """``60/m``, ``5/s``, ``100/15m``. Raises ValueError with a sentence."""
    found = _TEXT.match(text)
    if found is None:
        raise BadValue("should be starts per period, such as 5/s, 60/m, 100/15m, 1000/h or 5000/d", "rate")
    starts, number, unit = int(found[1]), int(found[2] or 1), found[3]
    if starts < 1 or number < 1:
        raise BadValue(
            "should allow at least one start per period; to stop everything, pause the scope", "rate_of_none"
        )
    if starts > 10_000 * number * _PERIODS[unit]:
        raise BadValue("is more than 10,000 starts per second; leave it out for no limit", "rate_too_high")
    return Rate(starts, float(number * _PERIODS[unit]), burst)
