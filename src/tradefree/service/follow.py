"""Following a task's log: every line once, none skipped, although ids become visible out of order.

On MySQL a line gets its id when it is inserted and is seen when its transaction commits, so line 7 may appear after
line 8. A transaction is over within ``SETTLE`` seconds, so everything below an id is there once that id has been
visible for so long. The follower therefore reads again from a low-water mark, below which nothing can appear any more,
and leaves out what it has handed out already. The mark is what a client resumes from: it may get a line twice (each has
its id), but it misses none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from tradefree.clock import Clock
from tradefree.tasks.ports import BrowseStore
from tradefree.tasks.task import LogLine

SETTLE = 5.0
"""Seconds: the longest that a transaction that writes log lines is open (statements are cut off after three)."""
OLD = timedelta(minutes=10)
"""Lines written so long ago are final at first sight: a worker holds lines back for a lease at most."""
PAGE = 500


class LogFollower:
    """The lines of one task's log as they become visible."""

    def __init__(self, store: BrowseStore, task_id: str, clock: Clock, *, after: int = 0) -> None:
        self.mark = after
        """Every line up to this id was handed out and no other can appear: the place to resume from."""
        self._store = store
        self._task_id = task_id
        self._clock = clock
        self._seen: dict[int, float] = {}
        """Ids above the mark that were handed out, and when they were first seen."""

    async def read(self) -> AsyncIterator[LogLine]:
        """The lines that have become visible since the last call, in the order of their ids."""
        after, asked = self.mark, self._clock.monotonic()
        while True:
            lines = await self._store.logs(self._task_id, after=after, limit=PAGE)
            for line in lines:
                if line.id not in self._seen:
                    self._seen[line.id] = self._since(line)
                    yield line
            self._settle(asked, lines[-1].id if lines else after)
            if len(lines) < PAGE:
                return
            after = lines[-1].id

    def _since(self, line: LogLine) -> float:
        old = self._clock.now() - line.created_at >= OLD
        return float("-inf") if old else self._clock.monotonic()

    def _settle(self, asked: float, read_up_to: int) -> None:
        """Raise the mark over the ids that had been visible for long enough before this read began."""
        for line_id in sorted(self._seen):
            if line_id > read_up_to or asked - self._seen[line_id] < SETTLE:
                return
            self.mark = line_id
            del self._seen[line_id]
