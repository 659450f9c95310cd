"""Scaling: how many worker processes are wanted. Plain arithmetic; time comes from outside.

Growth is at once and by a factor, so that crews on several machines that see the same wait do not outdo one another.
Shrinking takes its time and goes one by one: a process too many costs memory, one too few costs waiting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

AT_MOST_TIMES = 2.0
"""A crew grows to so many times its size in one step, then looks what that did."""
ROOM_KEPT = 0.25
"""Part of the places that must stay free after one process has gone."""
SETTLES_IN = 10.0
"""Seconds after a step in which the wait says nothing: rows of new processes fill up."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is wanted of a crew at one moment."""

    predicted: float
    """Seconds that a task which comes now would wait for want of workers, in the queue where it is worst."""
    in_flight: int
    """Tasks that the crew's processes have."""
    arrived: bool = True
    """True if all processes that were started take work."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How few and how many, and when."""

    least: int
    most: int
    wait: float
    """Seconds of predicted wait from which on the crew grows."""
    calm: float
    """Seconds that fewer must have been enough before one goes."""


class Scaling:
    """Remembers since when fewer would be enough."""

    def __init__(self, bounds: Bounds, capacity: int) -> None:
        self._bounds = bounds
        self._capacity = capacity
        """Tasks that one process performs at once."""
        self._enough_since: float | None = None
        self._settled_at = -math.inf

    def wanted(self, size: int, demand: Demand, now: float) -> int:
        """How many processes there should be; ``size`` if nothing is to change."""
        if not self._bounds.least <= size <= self._bounds.most:
            return self._step(max(self._bounds.least, min(size, self._bounds.most)), now)
        if demand.predicted > self._bounds.wait:
            self._enough_since = None
            return self._grow(size, demand, now)
        return self._shrink(size, demand, now)

    def _grow(self, size: int, demand: Demand, now: float) -> int:
        if now < self._settled_at or not demand.arrived:
            return size
        times = min(AT_MOST_TIMES, demand.predicted / self._bounds.wait)
        wanted = min(self._bounds.most, math.ceil(size * times))
        return self._step(wanted, now) if wanted > size else size

    def _shrink(self, size: int, demand: Demand, now: float) -> int:
        fewer = size - 1
        enough = demand.in_flight <= fewer * self._capacity * (1 - ROOM_KEPT)
        if fewer < self._bounds.least or demand.predicted > 0 or not enough:
            self._enough_since = None
            return size
        if self._enough_since is None:
            self._enough_since = now
        if now - self._enough_since < self._bounds.calm:
            return size
        return self._step(fewer, now)

    def _step(self, wanted: int, now: float) -> int:
        self._enough_since = None
        self._settled_at = now + SETTLES_IN
        return wanted
