"""The ceilings of connections: the leader learns them from what workers tell with their beats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog

from tradefree.limits.ceiling import STEADY, Ceiling, Signs
from tradefree.tasks.task import Pressure, Worker

NOTHING = Pressure()

log = structlog.get_logger(__name__)


class Ceilings:
    """One ceiling for each connection that wants one."""

    def __init__(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        self._ceilings = {name: Ceiling.of(dict(document)) for name, document in kept.items()}
        self._seen: dict[tuple[str, str], Pressure] | None = None
        """What was last heard by worker and connection; None before the first look, which tells nothing new."""
        self._full: set[str] = set()
        self._started: Counter[str] = Counter()

    def level(self, connection: str) -> int | None:
        """The places there are; None if that is not learnt."""
        ceiling = self._ceilings.get(connection)
        return ceiling.level if ceiling is not None else None

    def due(self, now: datetime) -> datetime | None:
        """When to look again, if a ceiling is rising and all its places are taken."""
        rising = any(ceiling.rising and name in self._full for name, ceiling in self._ceilings.items())
        return now + timedelta(seconds=STEADY) if rising else None

    def look(
        self, workers: Sequence[Worker], adaptive: Collection[str], used: Callable[[str], int], now: float
    ) -> dict[str, dict[str, Any]]:
        """Learn from the workers' beats. ``used`` tells the places in use. What is to be kept, where a level moved."""
        news = self._news(workers)
        self._ceilings = {name: self._ceilings.get(name) or Ceiling(since=now) for name in adaptive}
        moved: dict[str, dict[str, Any]] = {}
        for name, ceiling in self._ceilings.items():
            seen, full, started = news.get(name, NOTHING), name in self._full, self._started[name]
            signs = Signs(in_flight=used(name), full=full, started=started, **asdict(seen))
            before = ceiling.level
            if ceiling.look(signs, now):
                moved[name] = ceiling.document()
                if not ceiling.rising:
                    log.info("ceiling moved", connection=name, was=before, now=ceiling.level, reason=ceiling.reason)
        self._started.clear()
        return moved

    def admitted(self, connections: Iterable[str], used: Callable[[str], int]) -> None:
        """These connections got a task each; whether their ceilings are full now is remembered for the next look."""
        self._started.update(connections)
        self._full = {name for name, ceiling in self._ceilings.items() if used(name) >= ceiling.level > 0}

    def _news(self, workers: Sequence[Worker]) -> dict[str, Pressure]:
        """What is new since the last look, by connection; silent calls, and those it works at, are those of now."""
        seen = {(worker.id, name): told for worker in workers for name, told in worker.pressure.items()}
        before, self._seen = self._seen, seen
        news: dict[str, Pressure] = {}
        for (worker_id, name), now in seen.items():
            was = now if before is None else before.get((worker_id, name), NOTHING)
            old = news.get(name, NOTHING)
            news[name] = Pressure(
                old.heard + now.heard - was.heard,
                old.refused + now.refused - was.refused,
                old.down + now.down - was.down,
                old.silent + now.silent,
                old.working + now.working,
            )
        return news
