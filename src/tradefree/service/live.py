"""What a page of the console hears: tasks that moved, numbers that changed, and beats that say that it still hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tradefree.clock import wait_at_most
from tradefree.errors import StorageUnavailable, Unauthorized
from tradefree.service.callers import Caller
from tradefree.service.context import System
from tradefree.service.models.system import Stats
from tradefree.service.statistics import statistics
from tradefree.service.watch import Watch, Watcher

RESTS = 10.0
"""Numbers are not counted again for so many times as long as counting took."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between things."""

    beat: float = 10.0
    tick: float = 0.5
    """Between looks into the mailbox, which is filled once a second (``watch.LOOK``)."""
    stats: float = 2.0
    recount: float = 10.0
    """Between counts where no task moved: workers come and go without."""


PACE = Pace()


class Numbers:
    """The statistics that pages hear of, counted once for all who may see the same."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._counted: dict[tuple[str, ...] | None, tuple[float, float, Stats]] = {}
        self._lock = asyncio.Lock()

    async def of(self, caller: Caller, not_before: float) -> Stats:
        """Statistics counted at this moment of the loop's clock or later; older ones if counting takes long."""
        async with self._lock:
            counted_at, took, stats = self._counted.get(caller.task_types, (float("-inf"), 0.0, None))
            began = asyncio.get_running_loop().time()
            if stats is None or (counted_at < not_before and began - counted_at >= RESTS * took):
                stats = await statistics(self._system, caller)
                took = asyncio.get_running_loop().time() - began
                self._counted[caller.task_types] = (began, took, stats)
            return stats


class Live:
    """What all pages that are open at this service share."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._watch = Watch(system.store)
        self._numbers = Numbers(system)

    def stream(
        self,
        caller: Caller,
        closing: asyncio.Event,
        still_good: Callable[[], Awaitable[Any]],
        topics: frozenset[str],
    ) -> LiveStream:
        """A stream for one more page; ``still_good`` raises Unauthorized when it must end."""
        return LiveStream(self._system, self._watch, self._numbers, caller, closing, still_good, topics=topics)


class LiveStream:
    """One page that listens."""

    def __init__(
        self,
        system: System,
        watch: Watch,
        numbers: Numbers,
        caller: Caller,
        closing: asyncio.Event,
        still_good: Callable[[], Awaitable[Any]],
        *,
        topics: frozenset[str],
        pace: Pace = PACE,
    ) -> None:
        self._system = system
        self._watch = watch
        self._numbers = numbers
        self._caller = caller
        self._closing = closing
        self._still_good = still_good
        self._topics = topics
        self._pace = pace
        self._told: Stats | None = None
        self._moved_at = self._counted_at = float("-inf")

    async def events(self) -> AsyncIterator[bytes]:
        """The events, encoded, until the page leaves, its session ends or the service stops."""
        async with self._watch.watching() as watcher:
            yield b"retry: 2000\n\n" + self._event("hello", self._now())
            beat_at = _time()
            while not self._closing.is_set():
                if _time() - beat_at >= self._pace.beat:
                    if not await self._may_go_on():
                        return
                    beat_at = _time()
                    yield self._event("beat", self._now())
                async for event in self._news(watcher):
                    yield event
                await wait_at_most(self._closing, self._pace.tick)

    async def _news(self, watcher: Watcher) -> AsyncIterator[bytes]:
        moved, more = watcher.take()
        if moved or more:
            self._moved_at = _time()
        ids = [move.task_id for move in moved if self._sees(move.type, move.submitted_by)]
        if "tasks" in self._topics and (ids or more):
            yield self._event("tasks", {"ids": ids, "more": more})
        if "stats" in self._topics and not self._caller.own_only and self._should_count():
            try:
                stats = await self._numbers.of(self._caller, max(self._moved_at, _time() - self._pace.recount))
            except StorageUnavailable:
                return
            self._counted_at = _time()
            if stats != self._told:
                self._told = stats
                yield self._event("stats", stats.model_dump(mode="json"))

    def _sees(self, task_type: str, submitted_by: str | None) -> bool:
        mine = not self._caller.own_only or submitted_by == self._caller.id
        return mine and self._caller.may_touch(task_type)

    def _should_count(self) -> bool:
        since = _time() - self._counted_at
        return since >= self._pace.recount or (since >= self._pace.stats and self._moved_at >= self._counted_at)

    async def _may_go_on(self) -> bool:
        try:
            await self._still_good()
        except Unauthorized:
            return False
        except StorageUnavailable:
            pass
        return True

    def _now(self) -> dict[str, Any]:
        return {"now": self._system.clock.now()}

    @staticmethod
    def _event(name: str, data: Any) -> bytes:
        return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data, option=orjson.OPT_UTC_Z))


def _time() -> float:
    return asyncio.get_running_loop().time()
