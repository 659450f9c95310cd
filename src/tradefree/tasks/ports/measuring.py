"""What monitoring reads of all tasks, at a cost that does not grow with how many there are waiting or done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tradefree.tasks.ports.browsing import Standing
from tradefree.tasks.states import Status
from tradefree.tasks.task import Worker


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers of one moment."""

    at: datetime
    """By the database's clock."""
    counts: Mapping[str, Mapping[Status, int]]
    """Tasks by type and status."""
    standing: Standing
    first_due: Mapping[str, datetime]
    """By type: since when the pending task that is first in line may run. With priorities others may wait longer, by
    10 s for each step that they are lower."""
    seconds: Mapping[str, float]
    """By type: how long attempts take that ended lately or run now."""
    workers: Sequence[Worker] = ()
    """All that are known, the dead included."""
    subscriptions: Mapping[str, int] = field(default_factory=dict)
    """How many are ``well``, ``failing`` and ``paused``."""
    backed_up_at: datetime | None = None
    """The moment whose rows the newest backup holds; None while there is none."""
    proved_at: datetime | None = None
    """When a backup was last restored for a test, with success."""
    led: bool = False
    """True while a dispatcher leads."""


class MeasureStore(Protocol):
    async def measures(self) -> Measures:
        """The numbers of this moment."""
        ...

    async def pending_in(self, lanes: Sequence[str]) -> dict[str, int]:
        """How many tasks are pending in each of these lanes."""
        ...
