"""The fair order of lanes: start-time fair queueing (Goyal, Vin, Cheng 1996) with blocked lanes set aside."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count

from tradefree.limits.scopes import Scope

_Entry = tuple[float, int, str]
"""Virtual start time, serial number, lane."""


class FairLanes:
    """Lanes that have waiting tasks, served by virtual time so that each gets an equal turn.

    A known lane is ready, parked under the scope that is full, set aside, or in the caller's hands between ``next``
    and ``served``/``park``. Every call costs the logarithm of the number of lanes; a parked lane costs nothing.
    """

    def __init__(self) -> None:
        self._ready: list[_Entry] = []
        self._parked: dict[Scope, list[_Entry]] = {}
        self._aside: list[_Entry] = []
        self._serial: dict[str, int] = {}
        """The known lanes and the serial number of each one's valid entry; other entries are stale."""
        self._finish: dict[str, float] = {}
        """Virtual time at which a lane's last turn ends."""
        self._now = 0.0
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._serial)

    def __contains__(self, lane: str) -> bool:
        return lane in self._serial

    def add(self, lanes: Iterable[str]) -> None:
        """These lanes have waiting tasks. One that was away starts at the present, without credit for its absence."""
        for lane in lanes:
            if lane not in self._serial:
                self._finish[lane] = max(self._now, self._finish.get(lane, 0.0))
                heapq.heappush(self._ready, self._entry(lane))

    def next(self) -> str | None:
        """Take out the lane whose turn it is."""
        while self._ready:
            start, serial, lane = heapq.heappop(self._ready)
            if self._serial.get(lane) == serial:
                self._now = max(self._now, start)
                return lane
        return None

    @property
    def rest_is_empty(self) -> bool:
        """True if no other lane is ready: the one that was taken out may have many turns at once."""
        return not self._ready

    def served(self, lane: str, turns: int = 1) -> None:
        """The lane had its turns and stays in line for the next."""
        self._finish[lane] += turns
        heapq.heappush(self._ready, self._entry(lane))

    def park(self, lane: str, scope: Scope) -> None:
        """The lane cannot be served until the scope has room."""
        heapq.heappush(self._parked.setdefault(scope, []), self._entry(lane))

    def unpark(self, left: Callable[[Scope], float]) -> bool:
        """Bring back, from each scope with room, as many lanes as it has places; True if any came back.

        They come in their old order, but without credit for the time they could not be served.
        """
        came = False
        for scope in list(self._parked):
            lanes = self._parked[scope]
            places = left(scope)
            while lanes and places > 0:
                _, serial, lane = heapq.heappop(lanes)
                if self._serial.get(lane) == serial:
                    self._finish[lane] = max(self._now, self._finish[lane])
                    heapq.heappush(self._ready, self._entry(lane))
                    places -= 1
                    came = True
            if not lanes:
                del self._parked[scope]
        return came

    def refund(self, lane: str, turns: int) -> None:
        """So many of the lane's turns came to nothing."""
        self._finish[lane] -= turns
        heapq.heappush(self._ready, self._entry(lane))

    def set_aside(self, lane: str) -> None:
        """Out of line until ``resume``: its first task cannot be placed just now."""
        self._aside.append(self._entry(lane))

    def resume(self) -> None:
        """Lanes set aside are in line again, where they were: a task that waits for long is looked at first."""
        for entry in self._aside:
            if self._serial.get(entry[2]) == entry[1]:
                heapq.heappush(self._ready, entry)
        self._aside.clear()

    def drop(self, lane: str) -> None:
        """The lane has no waiting task any more. What it used is remembered for a while, lest it comes back as new."""
        self._serial.pop(lane, None)
        if len(self._finish) > 2 * len(self._serial) + 1000:
            self._finish = {name: self._finish[name] for name in self._serial}

    def _entry(self, lane: str) -> _Entry:
        serial = next(self._numbers)
        self._serial[lane] = serial
        return (self._finish[lane], serial, lane)
