"""Move: what every move that is decided row by row has in common, whoever makes it.

It is written together with the callbacks that tell of it, so that none is lost, and then announced.
"""

from __future__ import annotations

from collections.abc import Sequence

from tradefree.tasks.announce import announce
from tradefree.tasks.callbacks.delivery import telling
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.change import Change
from tradefree.tasks.ports import Decide, DecideStore, Signals
from tradefree.tasks.task import Task


class Mover:
    """The one way to move tasks."""

    def __init__(self, store: DecideStore, catalog: Catalog, signals: Signals) -> None:
        self._store = store
        self._catalog = catalog
        self._signals = signals

    async def move(self, ids: Sequence[str], decide: Decide, *, believed: Sequence[Task] = ()) -> list[Change]:
        """Let ``decide`` choose a move for each of these tasks, write all of them, and tell whoever listens; see
        ``ports.DecideStore``. Who subscribes is known from the catalog, so that nothing more is read for it."""
        subscribers = (await self._catalog.subscribers()).values()
        changes = await self._store.decide(ids, lambda task: telling(decide(task), subscribers), believed=believed)
        announce(self._signals, changes)
        return changes
