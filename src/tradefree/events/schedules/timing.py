"""The moments of a schedule: by a cron expression, at a steady interval, or one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timing(Protocol):
    """Moments in UTC. The same ones in both directions."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Moments later than this one, in order."""
        ...

    def until(self, moment: datetime) -> Iterator[datetime]:
        """Moments up to this one, the last first."""
        ...


class Every:
    """A steady interval of real time, counted from ``start``: there is nothing before it."""

    def __init__(self, seconds: float, start: datetime | None = None) -> None:
        self._step = timedelta(seconds=seconds)
        self._start = start or EPOCH

    def after(self, moment: datetime) -> Iterator[datetime]:
        number = max(0, (moment - self._start) // self._step + 1)
        while True:
            yield self._start + number * self._step
            number += 1

    def until(self, moment: datetime) -> Iterator[datetime]:
        for number in range((moment - self._start) // self._step, -1, -1):
            yield self._start + number * self._step


class Once:
    """One moment."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def after(self, moment: datetime) -> Iterator[datetime]:
        if self._at > moment:
            yield self._at

    def until(self, moment: datetime) -> Iterator[datetime]:
        if self._at <= moment:
            yield self._at
