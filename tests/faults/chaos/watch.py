"""Watching a storm: places in use, who leads, how far the work is. Ten looks a second, straight into the database."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from faults.chaos.ground import Ground

EVERY = 0.1
PLACES = "SELECT type, lane, COUNT(*) AS number FROM tasks WHERE holds_slot IS NOT NULL GROUP BY type, lane"
STATES = "SELECT status, COUNT(*) AS number FROM tasks GROUP BY status"
HEALTH = """SELECT (SELECT COUNT(*) FROM workers WHERE status = 'live' AND lease_until > UTC_TIMESTAMP(6)) AS workers,
    (SELECT COUNT(*) FROM tasks WHERE crashes >= 2 AND status IN ('scheduled', 'pending', 'queued', 'processing'))
    AS suspects"""
ENDED = ("completed", "failed", "cancelled")


class Watch:
    """Samples until told to stop."""

    def __init__(self, ground: Ground) -> None:
        self.peak: Counter[str] = Counter()
        """Most places in use at once, as sampled, by type and by lane."""
        self.looks = 0
        self.states: dict[str, int] = {}
        self.history: list[dict[str, Any]] = []
        """Once a second while the database answers: when (monotonic), tasks by status, live workers, suspects."""
        self.leaders: list[tuple[float, str | None]] = []
        """Changes of leadership: when (monotonic), and to whom; None while nobody leads or can be seen to."""
        self._ground = ground

    @property
    def ended(self) -> int:
        return sum(self.states.get(state, 0) for state in ENDED)

    async def run(self, tell: Callable[[], Any]) -> None:
        """Watch until cancelled; ``tell`` is called once a second."""
        look = 0
        while True:
            await self._look()
            if look % 10 == 0:
                await self._count()
                tell()
            look += 1
            await asyncio.sleep(EVERY)

    async def _count(self) -> None:
        states = await self._ground.truth.look(STATES)
        health = await self._ground.truth.look(HEALTH)
        if states is not None and health:
            self.states = {row.status: row.number for row in states}
            self.history.append({"at": time.monotonic(), **self.states, **health[0]._mapping})

    async def _look(self) -> None:
        rows = await self._ground.truth.look(PLACES)
        if rows is not None:
            self.looks += 1
            by_type: Counter[str] = Counter()
            for row in rows:
                by_type[row.type] += row.number
                self.peak[row.lane] = max(self.peak[row.lane], row.number)
            for name, number in by_type.items():
                self.peak[name] = max(self.peak[name], number)
        leader = await self._ground.truth.leader()
        holder = leader[0] if leader else None
        if not self.leaders or self.leaders[-1][1] != holder:
            self.leaders.append((time.monotonic(), holder))
