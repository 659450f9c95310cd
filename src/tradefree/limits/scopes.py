"""Scopes and the room in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Scope(NamedTuple):
    """Something a limit applies to."""

    kind: str
    """``type``, ``lane`` or ``queue``."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Room:
    """The places in use and, by ``cap``, how many there are in a scope: None is no limit."""

    def __init__(self, cap: Callable[[Scope], int | None], used: Counter[Scope]) -> None:
        self._cap = cap
        self._used = used

    def left(self, scope: Scope) -> float:
        """Free places in a scope; infinite without a cap, never below zero."""
        cap = self._cap(scope)
        return float("inf") if cap is None else max(0, cap - self._used[scope])

    def full(self, scopes: Iterable[Scope]) -> Scope | None:
        """The first of these scopes without room; None if all have some."""
        return next((scope for scope in scopes if self.left(scope) <= 0), None)

    def take(self, scopes: Iterable[Scope], places: int = 1) -> None:
        """Use so many places in each."""
        for scope in scopes:
            self._used[scope] += places

    def give_back(self, scopes: Iterable[Scope], places: int) -> None:
        """Return places that were taken and not used."""
        for scope in scopes:
            self._used[scope] -= places
