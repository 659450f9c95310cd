"""What happened when: sums over stretches of time, by task type, from which charts are drawn.

A stretch has one of four lengths, and each length is kept for a time of its own: what is long ago is seen from afar.
How long things waited and ran is counted in classes that are a twelfth of an octave wide, so any stretches can be put
together and a percentile is at most 3 % off.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

MINUTE, QUARTER, TWO_HOURS, DAY = 60, 900, 7200, 86400
KEPT: Mapping[int, timedelta] = {
    MINUTE: timedelta(days=2),
    QUARTER: timedelta(days=10),
    TWO_HOURS: timedelta(days=120),
    DAY: timedelta(days=1200),
}
"""The lengths of stretches in seconds, and how long each is kept. With 20 types: some 130,000 rows at most."""
POINTS = 120
"""Points of a chart at most."""
FINEST = 0.001
"""Seconds: what took less counts as this."""
PER_OCTAVE = 12
ACCEPTED = "task.accepted"
ENDS = {"task.completed": "completed", "task.failed": "failed", "task.cancelled": "cancelled"}
EVENTS = (ACCEPTED, *ENDS, "task.held", "attempt.failed", "attempt.asked")
"""Events of log lines that are looked at: moves to an end, and ends of attempts that may have cost something."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A log line of one of ``EVENTS``, with what is known of its task and of the attempt that ended with it."""

    at: datetime
    event: str
    type: str
    waited: float | None = None
    """Seconds from when the task was due until the attempt began."""
    ran: float | None = None
    """Seconds that the attempt took."""
    tokens: int = 0
    price: Decimal | None = None
    currency: str | None = None


@dataclass(slots=True)
class Cell:
    """What happened to tasks of one type in one stretch."""

    accepted: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    tokens: int = 0
    cost: dict[str, Decimal] = field(default_factory=dict)
    """By currency."""
    waits: Counter[int] = field(default_factory=Counter)
    """How many waited for how long, by class."""
    runs: Counter[int] = field(default_factory=Counter)

    def take(self, happening: Happening) -> None:
        """Count one."""
        if happening.event == ACCEPTED:
            self.accepted += 1
        if (end := ENDS.get(happening.event)) is not None:
            setattr(self, end, getattr(self, end) + 1)
            if happening.waited is not None:
                self.waits[class_of(happening.waited)] += 1
            if happening.ran is not None:
                self.runs[class_of(happening.ran)] += 1
        self.tokens += happening.tokens
        if happening.price is not None:
            self._spend(happening.currency or "", happening.price)

    def add(self, other: Cell) -> None:
        """Put another one into this one."""
        for name in ("accepted", "completed", "failed", "cancelled", "tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for currency, price in other.cost.items():
            self._spend(currency, price)
        self.waits.update(other.waits)
        self.runs.update(other.runs)

    def _spend(self, currency: str, price: Decimal) -> None:
        self.cost[currency] = self.cost.get(currency, Decimal(0)) + price


@dataclass(frozen=True, slots=True)
class Place:
    """Which cell: of which type, in the stretch of this length that begins at this moment."""

    span: int
    at: datetime
    type: str


def class_of(seconds: float) -> int:
    """The class of a length of time."""
    return math.ceil(PER_OCTAVE * math.log2(max(seconds, FINEST) / FINEST))


def percentile(classes: Mapping[int, int], part: float) -> float | None:
    """The seconds that this part of all are below of; None of nothing."""
    left = part * sum(classes.values())
    for number in sorted(classes):
        left -= classes[number]
        if left <= 0:
            return float(f"{FINEST * 2 ** ((number - 0.5) / PER_OCTAVE):.3g}")
    return None


def begin_of(moment: datetime, span: int) -> datetime:
    """When the stretch of this length began that the moment is in."""
    return datetime.fromtimestamp(moment.timestamp() // span * span, UTC)


def sorted_in(happenings: Iterable[Happening]) -> dict[Place, Cell]:
    """What to add to which cells: each happening counts in one stretch of every length."""
    minutes: dict[Place, Cell] = {}
    for happening in happenings:
        place = Place(MINUTE, begin_of(happening.at, MINUTE), happening.type)
        minutes.setdefault(place, Cell()).take(happening)
    cells = dict(minutes)
    for span in (QUARTER, TWO_HOURS, DAY):
        for place, cell in minutes.items():
            cells.setdefault(Place(span, begin_of(place.at, span), place.type), Cell()).add(cell)
    return cells


@dataclass(frozen=True, slots=True)
class Scale:
    """How a chart is divided."""

    span: int
    """The length of the stretches it is made from."""
    step: int
    """Seconds from point to point: one stretch or several."""
    begin: datetime
    end: datetime

    @classmethod
    def fit(cls, begin: datetime, end: datetime, now: datetime) -> Scale:
        """The finest that has not too many points and is kept for so long."""
        for span, kept in KEPT.items():
            if begin >= now - kept and (end - begin).total_seconds() <= span * (POINTS - 1):
                return cls(span, span, begin_of(begin, span), end)
        step = DAY * max(1, math.ceil((end - begin).total_seconds() / DAY / (POINTS - 1)))
        return cls(DAY, step, begin_of(begin, DAY), end)

    def moments(self) -> list[datetime]:
        """When each point's time begins."""
        number = math.ceil((self.end - self.begin).total_seconds() / self.step)
        return [self.begin + timedelta(seconds=self.step * n) for n in range(number)]

    def moment_of(self, at: datetime) -> datetime:
        """The point that a stretch belongs to."""
        return self.begin + timedelta(seconds=(at - self.begin).total_seconds() // self.step * self.step)
