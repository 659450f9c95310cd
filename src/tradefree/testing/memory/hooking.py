"""Hooks, in memory."""

from __future__ import annotations

from collections.abc import Mapping

from tradefree.errors import NotFound
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import Received, Tally
from tradefree.tasks.ports import Entry
from tradefree.testing.memory.tables import Tables


class Hooking:
    """Implements ``events.hooks.ports.HookStore``."""

    _tables: Tables

    async def hooks(self, *, strict: bool = False) -> dict[str, Hook]:  # noqa: ARG002
        await self._tables.read()
        return {name: hook.model_copy(deep=True) for name, hook in sorted(self._tables.hooks.items())}

    async def put_hook(self, hook: Hook, entry: Entry | None = None) -> bool:
        async with self._tables.write():
            if self._tables.hooks.get(hook.name) == hook:
                return False
            self._tables.hooks[hook.name] = hook.model_copy(deep=True)
            self._tables.config_version += 1
            self._tables.note(entry)
            return True

    async def delete_hook(self, name: str, entry: Entry | None = None) -> None:
        async with self._tables.write():
            if self._tables.hooks.pop(name, None) is None:
                raise NotFound(f"no hook {name!r}")
            self._tables.hook_totals.pop(name, None)
            self._tables.config_version += 1
            self._tables.note(entry)

    async def count_messages(self, tallies: Mapping[tuple[str, Received], Tally]) -> None:
        async with self._tables.write():
            for (hook, received), tally in tallies.items():
                counted = self._tables.hook_totals.setdefault(hook, {})
                before = counted[received].number if received in counted else 0
                counted[received] = Tally(before + tally.number, tally.last_at)

    async def message_counts(self) -> dict[str, dict[Received, Tally]]:
        await self._tables.read()
        return {hook: dict(counted) for hook, counted in self._tables.hook_totals.items()}
