"""Hooks kept at hand, and their messages counted, so that a flood of wrong ones costs the database next to nothing."""

from __future__ import annotations

import asyncio
import contextlib

from tradefree.clock import Clock
from tradefree.errors import NotFound, StorageUnavailable
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import HookStore, Received, Tally

MAX_AGE = 1.0
"""Seconds for which definitions are believed without a word from the database."""
NEWS_AGE = 0.05
"""Seconds between looks for a hook that is not known: whoever guesses names makes no load."""
COUNT_EVERY = 1.0
"""Seconds between writes of what was counted. What a killed process counted since is lost."""


class HookBook:
    """A cache of definitions."""

    def __init__(self, store: HookStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._version = -1
        self._hooks: dict[str, Hook] = {}
        self._read_at = float("-inf")

    async def hook(self, name: str) -> Hook:
        """The hook of this name, if it is switched on. Raises NotFound."""
        age = self._clock.monotonic() - self._read_at
        if age >= MAX_AGE or (name not in self._hooks and age >= NEWS_AGE):
            await self._read()
        hook = self._hooks.get(name)
        if hook is None or not hook.enabled:
            raise NotFound("no such hook")
        return hook

    def forget(self) -> None:
        """Read again at the next call: something was changed here."""
        self._read_at = float("-inf")

    async def _read(self) -> None:
        """While the database is away, what was read before is believed on."""
        asked_at = self._clock.monotonic()
        try:
            version = await self._store.config_version()
            if version != self._version:
                self._hooks = await self._store.hooks()
                self._version = version
        except StorageUnavailable:
            if self._version < 0:
                raise
            return
        self._read_at = asked_at


class MessageCounter:
    """Counts messages by hook and what became of them, and writes the counts now and then."""

    def __init__(self, store: HookStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tallies: dict[tuple[str, Received], Tally] = {}
        self._writing: asyncio.Task[None] | None = None

    def count(self, hook: str, received: Received) -> None:
        """One more. Returns at once."""
        before = self._tallies.get((hook, received))
        self._tallies[hook, received] = Tally(1 + (before.number if before else 0), self._clock.now())
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_later())

    async def write(self) -> None:
        """Write what was counted since the last time."""
        tallies, self._tallies = self._tallies, {}
        if not tallies:
            return
        with contextlib.suppress(StorageUnavailable):  # they are figures for people, no more
            await self._store.count_messages(tallies)

    async def _write_later(self) -> None:
        while self._tallies:
            await asyncio.sleep(COUNT_EVERY)
            await self.write()
