"""A unit of work that is swept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from faults.sweep.system import System


@dataclass(frozen=True)
class Unit:
    """What its caller sends, and sends again in the same words when the database did not answer."""

    name: str
    act: Callable[[System], Awaitable[Any]]
    given: Callable[[System], Awaitable[Any]] | None = None
    """What has happened before it, besides what every unit begins with."""
    commits: int | None = 1
    """In how many transactions; None: a caller of several units, each of which is atomic."""
    same_answer: bool = True
    """A repeat gets the answer that the first try would have got."""
    insists: bool = False
    """Its caller repeats it by itself until it is done; nobody repeats the caller."""
    but: tuple[str, ...] = ()
    """Columns (``table.column``) in which a repeat may differ from a single try."""

    def __str__(self) -> str:
        return self.name
