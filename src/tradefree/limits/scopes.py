"""Scopes: what a limit applies to."""

from __future__ import annotations

from typing import NamedTuple

from tradefree.errors import InvalidInput

KINDS = ("everything", "queue", "connection", "type", "lane", "limit")
"""The kinds that people may limit. ``workers`` is ours: the free places on workers that serve a queue."""


class Scope(NamedTuple):
    """Something a limit applies to, written ``everything``, ``queue:default``, ``limit:shared-budget`` and so on."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind

    @property
    def of_lane(self) -> bool:
        """True if it concerns one lane alone, and not all tasks of a type."""
        return self.kind == "lane"


EVERYTHING = Scope("everything")


def parse_scope(text: str, *, field: str = "scope") -> Scope:
    """The scope that was written. Raises InvalidInput."""
    kind, _, name = text.partition(":")
    if kind not in KINDS or (kind == "everything") != (not name):
        known = "everything, queue:NAME, connection:NAME, type:NAME, lane:TYPE/KEY or limit:NAME"
        raise InvalidInput(f"no such scope {text[:100]!r}; write {known}", field=field)
    return Scope(kind, name)
