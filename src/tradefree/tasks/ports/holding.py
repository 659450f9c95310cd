"""What held tasks, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tradefree.tasks.waits import Stretch


class HoldStore(Protocol):
    async def keep_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Keep them. One of the same type that began at the same moment is this one, as it was before."""
        ...

    async def open_stretches(self, since: datetime) -> list[Stretch]:
        """The last stretch of each type, of those that ended then or later."""
        ...

    async def stretches(self, name: str, begin: datetime, end: datetime, limit: int) -> list[Stretch]:
        """Those of a type that touch this time, the oldest first; so many at most."""
        ...

    async def forget_stretches(self, before: datetime) -> int:
        """Delete those that ended before; how many."""
        ...
