"""The in-memory store: every storage port, faithful to the database stores, for tests that want no database.

One conformance suite (``tests/stores``) holds it and the database stores to the same behaviour.
"""

from __future__ import annotations

from tradefree.clock import Clock
from tradefree.testing.memory.admitting import Admitting
from tradefree.testing.memory.browsing import Browsing
from tradefree.testing.memory.deciding import Deciding
from tradefree.testing.memory.defining import Defining
from tradefree.testing.memory.holding import Holding
from tradefree.testing.memory.hooking import Hooking
from tradefree.testing.memory.keeping import Keeping
from tradefree.testing.memory.leading import Leading
from tradefree.testing.memory.limiting import Limiting
from tradefree.testing.memory.measuring import Measuring
from tradefree.testing.memory.pruning import Pruning
from tradefree.testing.memory.recalling import Recalling
from tradefree.testing.memory.recovering import Recovering
from tradefree.testing.memory.scheduling import Scheduling
from tradefree.testing.memory.submitting import Submitting
from tradefree.testing.memory.subscribing import Subscribing
from tradefree.testing.memory.tables import Tables
from tradefree.testing.memory.taking import Taking
from tradefree.testing.memory.tallying import Tallying
from tradefree.testing.memory.triggering import Triggering
from tradefree.testing.memory.working import Working

__all__ = ["MemoryStore"]


class MemoryStore(
    Submitting,
    Leading,
    Deciding,
    Working,
    Recovering,
    Measuring,
    Browsing,
    Tallying,
    Holding,
    Defining,
    Limiting,
    Keeping,
    Admitting,
    Hooking,
    Scheduling,
    Pruning,
    Taking,
    Recalling,
    Triggering,
    Subscribing,
):
    """Implements every storage port.

    Nothing is shared with the caller: records are copied on their way in and out, and JSON goes through text.
    """

    def __init__(self, clock: Clock) -> None:
        self._tables = Tables(clock)

    @property
    def away(self) -> bool:
        """True: the database does not answer; every unit raises StorageUnavailable and does nothing."""
        return self._tables.away

    @away.setter
    def away(self, away: bool) -> None:
        self._tables.away = away

    async def close(self) -> None:
        """There is nothing to give back."""
