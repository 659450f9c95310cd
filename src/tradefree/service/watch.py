"""Watch: which tasks move, found out once for all pages that are open at this service.

Every move writes a log line and lines have rising ids, so the newest lines tell what moved: one short read per second
while somebody watches, none else, and nothing that a lost signal could break. On MySQL a line may become visible after
a later one; so the look goes back over the ids of the last ``SETTLE`` seconds and leaves out what it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import structlog

from tradefree.errors import StorageUnavailable
from tradefree.service.follow import SETTLE
from tradefree.tasks.ports import FollowStore, Moved

LOOK = 1.0
"""Seconds between looks: what a page is told at most as often."""
MOST = 500
"""Lines read in one look, and tasks told of at once. Where there are more, pages are told that much moved."""
log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Watcher:
    """One page's mailbox: tasks that moved since it was emptied."""

    tasks: dict[str, Moved] = field(default_factory=dict)
    more: bool = False
    """So much moved that not every task is named."""

    def tell(self, moved: Iterable[Moved], *, more: bool) -> None:
        self.tasks |= {move.task_id: move for move in moved}
        self.more = self.more or more
        if len(self.tasks) > MOST:  # a page that reads slowly need not be told of each
            self.tasks, self.more = {}, True

    def take(self) -> tuple[list[Moved], bool]:
        """What has arrived, and forget it."""
        taken = list(self.tasks.values()), self.more
        self.tasks, self.more = {}, False
        return taken


class Watch:
    """Looks while somebody watches."""

    def __init__(self, store: FollowStore, look: float = LOOK) -> None:
        self._store = store
        self._look_every = look
        self._watchers: set[Watcher] = set()
        self._looking: asyncio.Task[None] | None = None
        self._seen: set[int] = set()
        self._newest: deque[tuple[float, int]] = deque()
        """The greatest id seen, and when, for each look of the last ``SETTLE`` seconds."""

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[Watcher]:
        """A mailbox for what moves from now on."""
        watcher = Watcher()
        self._watchers.add(watcher)
        if self._looking is None:
            self._looking = asyncio.create_task(self._run())
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers:
                self._looking.cancel()
                self._looking = None

    async def _run(self) -> None:
        self._seen.clear()
        self._newest.clear()
        while True:
            try:
                await self._look()
            except StorageUnavailable:
                pass  # pages hear beats meanwhile, and what moved once it is back
            except Exception:  # a fault in one look must not leave all pages without news
                log.exception("what moves could not be looked for")
            await asyncio.sleep(self._look_every)

    async def _look(self) -> None:
        if not self._newest:
            self._remember(await self._store.newest_line())
            return
        found = await self._store.moved(self._newest[0][1], MOST)
        fresh = [move for move in found if move.line_id not in self._seen]
        self._seen |= {move.line_id for move in fresh}
        full = len(found) == MOST
        newest = await self._store.newest_line() if full else max((move.line_id for move in found), default=0)
        if full:
            self._newest.clear()
        self._remember(max(newest, self._newest[-1][1] if self._newest else 0))
        for watcher in self._watchers:
            watcher.tell(fresh, more=full)

    def _remember(self, newest: int) -> None:
        now = asyncio.get_running_loop().time()
        self._newest.append((now, newest))
        while len(self._newest) > 1 and now - self._newest[1][0] >= SETTLE:
            self._newest.popleft()
        self._seen = {line_id for line_id in self._seen if line_id > self._newest[0][1]}
