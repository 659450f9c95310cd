"""A line: who is served next, by virtual time; who cannot be served is parked and costs nothing until it can."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from tradefree.limits.scopes import Scope

_Entry = tuple[float, int, str]
"""Virtual start time, serial number, name."""


class Line:
    """Names in fair order. Each that is known is ready, parked, or in the caller's hands."""

    def __init__(self) -> None:
        self._ready: list[_Entry] = []
        self._parked: dict[Scope, list[_Entry]] = {}
        self._timed: list[tuple[int, int, str]] = []
        """Parked until a moment: (moment, serial number, name)."""
        self._serial: dict[str, int] = {}
        """The known names and the serial number of each one's valid entry; other entries are stale."""
        self._finish: dict[str, float] = {}
        """Virtual time at which a name's last turn ends."""
        self._now = 0.0
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._serial)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._serial))

    def __contains__(self, name: str) -> bool:
        return name in self._serial

    @property
    def ready(self) -> bool:
        """False if surely none is ready."""
        return bool(self._ready)

    @property
    def parked(self) -> bool:
        """False if surely none is parked."""
        return bool(self._parked or self._timed)

    @property
    def scopes(self) -> list[Scope]:
        """Those under which names are parked."""
        return list(self._parked)

    @property
    def under(self) -> dict[str, Scope]:
        """Which name is parked under which scope."""
        return {
            name: scope
            for scope, entries in self._parked.items()
            for _, serial, name in entries
            if self._serial.get(name) == serial
        }

    @property
    def due(self) -> int | None:
        """The earliest moment for which one is parked."""
        while self._timed and self._serial.get(self._timed[0][2]) != self._timed[0][1]:
            heapq.heappop(self._timed)
        return self._timed[0][0] if self._timed else None

    def add(self, names: Iterable[str]) -> None:
        """They come into line, at the present: absence gives no credit. Those that are known stay where they are."""
        for name in names:
            if name not in self._serial:
                self._stand_in_line(name)

    def next(self) -> str | None:
        """Take out the one whose turn it is."""
        while self._ready:
            _, serial, name = heapq.heappop(self._ready)
            if self._serial.get(name) == serial:
                return name
        return None

    def served(self, name: str, turns: float = 1.0) -> None:
        """It had its turns and is in line for the next. Negative turns: so many came to nothing. Only turns that were
        had move the present: who was looked at and found no room has had none."""
        if turns > 0:
            self._now = max(self._now, self._finish[name])
        self._finish[name] += turns
        heapq.heappush(self._ready, self._entry(name))

    def take_out(self, name: str) -> None:
        """It is known, and neither ready nor parked, until it is ``served``."""
        self._serial[name] = next(self._numbers)

    def park(self, name: str, scope: Scope, until: int | None = None) -> None:
        """It cannot be served until the scope has room, or until a moment."""
        entry = self._entry(name)
        if until is None:
            heapq.heappush(self._parked.setdefault(scope, []), entry)
        else:
            heapq.heappush(self._timed, (until, entry[1], name))

    def unpark(self, left: Callable[[Scope], float], now: int) -> bool:
        """Bring back, from each scope with room, as many as it has places; True if any came back.

        They come in their old order, but without credit for the time they could not be served.
        """
        came = False
        while (due := self.due) is not None and due <= now:
            self._stand_in_line(heapq.heappop(self._timed)[2])
            came = True
        for scope in list(self._parked):
            names = self._parked[scope]
            places = left(scope)
            while names and places > 0:
                _, serial, name = heapq.heappop(names)
                if self._serial.get(name) == serial:
                    self._stand_in_line(name)
                    places -= 1
                    came = True
            if not names:
                del self._parked[scope]
        return came

    def drop(self, name: str) -> None:
        """It wants nothing any more. What it had is remembered for a while, lest it comes back as new."""
        self._serial.pop(name, None)
        if len(self._finish) > 2 * len(self._serial) + 1000:
            self._finish = {name: self._finish[name] for name in self._serial}

    def _stand_in_line(self, name: str) -> None:
        self._finish[name] = max(self._now, self._finish.get(name, 0.0))
        heapq.heappush(self._ready, self._entry(name))

    def _entry(self, name: str) -> _Entry:
        serial = next(self._numbers)
        self._serial[name] = serial
        return (self._finish[name], serial, name)
