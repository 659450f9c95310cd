"""One who leads again and again: ``python -m faults.leaders.racer URL HOLDER [--unlocked]``, until it is killed.

Its lease is shorter than its rounds, so the other takes over while it is inside. ``--unlocked`` takes away what keeps
two leaders from being inside a round together.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tradefree.clock import SystemClock
from tradefree.database.engine import Database
from tradefree.database.stores.leading import LeadingStore
from tradefree.errors import LeadershipLost, StorageUnavailable
from tradefree.tasks import admit
from tradefree.tasks.admit import Admission
from tradefree.tasks.book import Book
from tradefree.tasks.ports import Round
from tradefree.tasks.types import Concurrency, TaskType

CAP = 10
TYPE = TaskType(name="race", runner="echo", concurrency=Concurrency(max_running=CAP))
LEASE = 0.02
"""Seconds a leader may be sure of."""
LINGERS = 0.04
"""Seconds it stays between looking and moving, at most."""
A_ROUND_ADMITS = 3


class Slow:
    """A round that takes its time between the look at what is in flight and the moves."""

    def __init__(self, round_: Round) -> None:
        self._round = round_

    def __getattr__(self, name: str) -> Any:
        return getattr(self._round, name)

    async def admit(self, places: Sequence[tuple[str, str]]) -> list[str]:
        await asyncio.sleep(random.uniform(0.0, LINGERS))
        return await self._round.admit(places)


async def race(url: str, holder: str, *, unlocked: bool) -> None:
    database = Database(sa.make_url(url), SystemClock())
    if unlocked:
        database.locked = lambda query: query  # type: ignore[method-assign]
    store = LeadingStore(database)
    admit.MOST = A_ROUND_ADMITS
    lanes = await store.waiting_lanes()
    while True:
        try:
            epoch = await store.lead(holder, LEASE)
            while epoch is not None:
                admission = Admission()
                admission.configure(Book({TYPE.name: TYPE}))
                admission.hear(random.sample(lanes, len(lanes)))  # two leaders seldom choose the same tasks
                async with store.round(holder, epoch, LEASE) as round_:
                    await admission.run(Slow(round_), database.clock.now())
        except LeadershipLost:
            print("lost", flush=True)
        except StorageUnavailable as error:
            print(f"unavailable: {error}", flush=True)
        await asyncio.sleep(random.uniform(0.0, LEASE))


if __name__ == "__main__":
    asyncio.run(race(sys.argv[1], sys.argv[2], unlocked="--unlocked" in sys.argv))
