"""The gauge: what this worker sees of each connection, for the leader to learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tradefree.tasks.outcome import DidNotWork, HandBack, LetGo, NothingStarted, Outcome
from tradefree.tasks.task import Pressure
from tradefree.worker.performance import Performance

PATIENCE = 5.0
"""Seconds that a call may stay without a word before it counts as silent."""
TAKEN_AFTER = 0.25
"""Seconds after which a call was surely made, and is worked at if it was not refused."""


class Gauge:
    """Counts by connection since the incarnation began."""

    def __init__(self) -> None:
        self._seen: dict[str, Pressure] = {}

    def heard(self, performance: Performance) -> None:
        """The upstream works at it. Only the first word of an attempt counts."""
        if performance.connection is not None and not performance.heard:
            performance.heard = True
            self._add(performance.connection.name, heard=1)

    def ended(self, performance: Performance, outcome: Outcome) -> bool:
        """What came of it. True if the leader should hear of it before the place is free again."""
        if performance.connection is None:
            return False
        name = performance.connection.name
        match outcome:
            case NothingStarted(unreachable=True) | DidNotWork(unreachable=True):
                self._add(name, down=1)
            case NothingStarted():
                self._add(name, refused=1)
            case HandBack() | LetGo():
                return False
            case _:
                self.heard(performance)
                return False
        return True

    def read(self, running: Iterable[Performance], now: float) -> dict[str, Pressure]:
        """What was seen so far, and how calls are now (``now``: monotonic)."""
        silent: Counter[str] = Counter()
        working: Counter[str] = Counter()
        for performance in running:
            if performance.connection is not None and not performance.outcome_known:
                name, age = performance.connection.name, now - performance.began
                silent[name] += not performance.heard and age > PATIENCE
                working[name] += performance.heard or age > TAKEN_AFTER
        return {
            name: replace(self._seen.get(name, Pressure()), silent=silent[name], working=working[name])
            for name in self._seen.keys() | working.keys()
        }

    def _add(self, name: str, *, heard: int = 0, refused: int = 0, down: int = 0) -> None:
        was = self._seen.get(name, Pressure())
        self._seen[name] = replace(was, heard=was.heard + heard, refused=was.refused + refused, down=was.down + down)
