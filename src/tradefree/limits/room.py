"""The room in scopes: places that are free, and starts that the rate allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tradefree.limits.rates import Rate
from tradefree.limits.scopes import Scope

INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Cap:
    """What holds in one scope. None is no limit; zero places: nothing starts."""

    places: float | None = None
    rate: Rate | None = None


NO_CAP = Cap()


class Room:
    """Places in use, starts already made in this round, and by ``cap`` what there may be. ``windows`` are the states of
    the rates (see ``rates.Rate``) and ``now`` is their clock, in microseconds."""

    def __init__(
        self,
        cap: Callable[[Scope], Cap],
        used: Counter[Scope],
        windows: Mapping[Scope, int] | None = None,
        now: int = 0,
    ) -> None:
        self._cap = cap
        self._used = used
        self._windows = windows or {}
        self._now = now
        self.starts: Counter[Scope] = Counter()
        """Starts of this round in scopes that have a rate."""

    def used(self, scope: Scope) -> int:
        """Places in use."""
        return self._used[scope]

    def left(self, scope: Scope) -> float:
        """How many may start: infinite without a limit, never below zero."""
        cap = self._cap(scope)
        left = INFINITE if cap.places is None else max(0, cap.places - self._used[scope])
        return left if cap.rate is None else min(left, max(0, self._allowed(scope, cap.rate)))

    def full(self, scopes: Iterable[Scope]) -> Scope | None:
        """The first of these scopes without room; None if all have some."""
        return next((scope for scope in scopes if self.left(scope) <= 0), None)

    def free_at(self, scope: Scope) -> int | None:
        """When the scope's rate allows another start, if it is the rate alone that does not now."""
        cap = self._cap(scope)
        if cap.rate is None or self._allowed(scope, cap.rate) > 0:
            return None
        if cap.places is not None and cap.places <= self._used[scope]:
            return None
        return cap.rate.free_at(self._window(scope, cap.rate))

    def take(self, scopes: Iterable[Scope], places: int = 1) -> None:
        """Use so many places in each; negative ones are given back."""
        for scope in scopes:
            self._used[scope] += places
            if self._cap(scope).rate is not None:
                self.starts[scope] += places

    def new_windows(self) -> dict[Scope, int]:
        """The new states of the rates in which something started."""
        rates = {scope: self._cap(scope).rate for scope, starts in self.starts.items() if starts > 0}
        return {scope: self._window(scope, rate) for scope, rate in rates.items() if rate is not None}

    def _allowed(self, scope: Scope, rate: Rate) -> int:
        return rate.allowed(self._windows.get(scope, 0), self._now) - self.starts[scope]

    def _window(self, scope: Scope, rate: Rate) -> int:
        return rate.after(self._windows.get(scope, 0), self._now, self.starts[scope])
