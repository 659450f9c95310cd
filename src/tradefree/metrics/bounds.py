"""Bounds: a label whose values come from outside must not grow without end."""

from __future__ import annotations

from collections.abc import Mapping

OTHER = "other"
MOST_NAMES = 300
"""Task types, queues, connections or scopes that are told apart."""
MOST_CODES = 50
"""Codes of errors, and currencies."""


class Few:
    """The first words that are heard keep their names; all that come after so many are ``other``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def word(self, text: str) -> str:
        """The text, or ``other``."""
        if text not in self._known:
            if len(self._known) >= self._most:
                return OTHER
            self._known.add(text)
        return text


def summed(numbers: Mapping[str, float], most: int = MOST_NAMES) -> dict[str, float]:
    """The largest of the numbers by name; the others are added up as ``other``."""
    ranked = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    kept, rest = dict(ranked[:most]), ranked[most:]
    if rest:
        kept[OTHER] = kept.get(OTHER, 0) + sum(number for _, number in rest)
    return kept
