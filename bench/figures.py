"""Arithmetic on measurements: medians, spreads, percentiles, ratios. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Spread:
    """A median with the least and the greatest value."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """ValueError if there are none."""
        ordered = sorted(values)
        if not ordered:
            raise ValueError("no values")
        return cls(statistics.median(ordered), ordered[0], ordered[-1])

    def show(self, digits: int = 0) -> str:
        """``median (low – high)``, thousands with a comma."""
        median, low, high = (f"{value:,.{digits}f}" for value in (self.median, self.low, self.high))
        return f"{median} ({low} – {high})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Ours divided by theirs, for each round that has both."""
    return [value / theirs[number] for number, value in sorted(ours.items()) if number in theirs]


def longest_gap(moments: Iterable[float], since: float, until: float) -> tuple[float, float]:
    """The longest time without any of the moments in a span, and when it began."""
    points = [since, *sorted(moment for moment in moments if since < moment < until), until]
    return max((later - earlier, earlier) for earlier, later in pairwise(points))


def gaps(moments: Iterable[float]) -> list[float]:
    """The times between moments, in order."""
    return [later - earlier for earlier, later in pairwise(sorted(moments))]
