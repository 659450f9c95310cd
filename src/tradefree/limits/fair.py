"""The fair order of lanes: start-time fair queueing (Goyal, Vin, Cheng 1996), types by weight and lanes within a type.

What cannot be served is parked under the scope that is full and costs nothing until that has room: a type as a whole,
however many lanes it has, or one lane.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from tradefree.limits.line import Line
from tradefree.limits.scopes import Scope


class FairLanes:
    """Lanes that have waiting tasks. One is taken out by ``next`` and goes back by ``served`` or ``park``, or is
    dropped. Every call costs the logarithm of the number of lanes."""

    def __init__(self, type_of: Callable[[str], str]) -> None:
        self._type_of = type_of
        self._types = Line()
        self._lanes: dict[str, Line] = {}
        self._out: str | None = None
        """The type of the lane that was taken out."""
        self._aside: list[str] = []
        self._blocked: set[str] = set()
        """Types with lanes that are parked."""

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._lanes.values())

    def __contains__(self, lane: str) -> bool:
        return lane in self._lanes.get(self._type_of(lane), ())

    @property
    def rest_is_empty(self) -> bool:
        """True if no other lane is ready: the one that was taken out may have many turns at once."""
        return not self._types.ready and not (self._out and self._lanes[self._out].ready)

    @property
    def parked(self) -> list[Scope]:
        """The scopes under which whole types are parked."""
        return self._types.scopes

    @property
    def held(self) -> dict[str, Scope]:
        """The types that are parked as a whole and have lanes, and the scope that holds each."""
        return {kind: scope for kind, scope in self._types.under.items() if self._lanes[kind]}

    @property
    def due(self) -> int | None:
        """The earliest moment for which a lane is parked."""
        moments = [due for kind in self._blocked if (due := self._lanes[kind].due) is not None]
        return min(moments, default=None)

    def add(self, lanes: Iterable[str]) -> None:
        """These lanes have waiting tasks. One that was away starts at the present, without credit for its absence."""
        for lane in lanes:
            kind = self._type_of(lane)
            if kind not in self._lanes:
                self._lanes[kind] = Line()
            self._lanes[kind].add([lane])
            self._types.add([kind])

    def next(self) -> str | None:
        """Take out the lane whose turn it is."""
        self._back()
        while (kind := self._types.next()) is not None:
            if (lane := self._lanes[kind].next()) is not None:
                self._out = kind
                return lane
            self._types.drop(kind)
        return None

    def served(self, lane: str, turns: int = 1, weight: float = 1.0) -> None:
        """The lane had its turns and is in line for the next; negative ones came to nothing. ``weight``: its type's."""
        kind = self._type_of(lane)
        self._back()
        self._lanes[kind].served(lane, turns)
        self._types.add([kind])
        self._types.served(kind, turns / weight)

    def park(self, lane: str, scope: Scope, until: int | None = None) -> None:
        """The lane cannot be served until the scope has room; nor can any of its type, unless the scope is the lane.
        ``until``: for a lane that must wait for a moment (microseconds)."""
        kind = self._type_of(lane)
        self._back()
        if scope.of_lane:
            self._lanes[kind].park(lane, scope, until)
            self._blocked.add(kind)
        else:
            self._lanes[kind].served(lane, 0)
            self._types.park(kind, scope)

    def unpark(self, left: Callable[[Scope], float], now: int = 0) -> bool:
        """Bring back, from each scope with room, as many as it has places; True if any came back."""
        came = self._types.unpark(left, now)
        for kind in list(self._blocked):
            lanes = self._lanes[kind]
            if lanes.unpark(left, now):
                self._types.add([kind])
                came = True
            if not lanes.parked:
                self._blocked.discard(kind)
        return came

    def set_aside(self, lane: str) -> None:
        """Out of line until ``resume``: its first task cannot be placed just now."""
        self._lanes[self._type_of(lane)].take_out(lane)
        self._aside.append(lane)

    def resume(self) -> None:
        """Lanes set aside are in line again, where they were: a task that waits for long is looked at first."""
        aside, self._aside = self._aside, []
        for lane in aside:
            if lane in self:
                self.served(lane, 0)

    def drop(self, lane: str) -> None:
        """The lane has no waiting task any more. What it used is remembered for a while, lest it comes back as new."""
        self._lanes[self._type_of(lane)].drop(lane)

    def _back(self) -> None:
        """The type of the lane that was taken out is in line again."""
        if self._out is not None:
            self._types.served(self._out, 0)
            self._out = None
