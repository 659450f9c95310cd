"""Triggers, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from tradefree.errors import InvalidInput, NotFound, Stale
from tradefree.events.trigger import Kept, Trigger, Version
from tradefree.tasks.ports import Entry
from tradefree.testing.memory.tables import Tables


class Triggering:
    """Implements ``events.ports.EventStore``, as far as triggers are defined."""

    _tables: Tables

    async def triggers(self) -> tuple[int, list[Kept]]:
        await self._tables.read()
        return self._tables.config_version, [kept for _, kept in sorted(self._tables.triggers.items())]

    async def put_trigger(self, trigger: Trigger, entry: Entry, *, version: int | None = None) -> Kept | None:
        async with self._tables.write():
            before = self._tables.triggers.get(trigger.name)
            self._require_version(trigger.name, before, version)
            if before is not None and before.trigger == trigger:
                return None
            if trigger.task_type not in self._tables.task_types:
                raise InvalidInput(f"unknown task type {trigger.task_type!r}", field="task_type", code="unknown_type")
            kept = Kept(trigger.model_copy(deep=True), self._next(trigger.name), entry.at, entry.actor)
            self._tables.triggers[trigger.name] = kept
            self._write_down(trigger.name, kept.version, kept.trigger, entry)
            return kept

    async def delete_trigger(self, name: str, entry: Entry, *, version: int | None = None) -> None:
        async with self._tables.write():
            before = self._tables.triggers.get(name)
            if before is None:
                raise NotFound(f"no trigger {name!r}")
            self._require_version(name, before, version)
            del self._tables.triggers[name]
            self._write_down(name, self._next(name), None, entry)

    async def trigger_versions(self, pairs: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Version]:
        await self._tables.read()
        return {pair: self._tables.trigger_versions[pair] for pair in pairs if pair in self._tables.trigger_versions}

    async def versions_of(self, name: str, *, limit: int) -> list[Version]:
        await self._tables.read()
        own = [version for (of, _), version in self._tables.trigger_versions.items() if of == name]
        return sorted(own, key=lambda version: -version.version)[:limit]

    def _require_version(self, name: str, before: Kept | None, version: int | None) -> None:
        found = before.version if before is not None else 0
        if version is not None and version != found:
            seen = f"has version {found}" if found else "is not there"
            raise Stale(f"trigger {name!r} {seen}, not {version}: somebody else changed it; look at it again")

    def _next(self, name: str) -> int:
        return 1 + max((number for of, number in self._tables.trigger_versions if of == name), default=0)

    def _write_down(self, name: str, number: int, trigger: Trigger | None, entry: Entry) -> None:
        self._tables.trigger_versions[name, number] = Version(name, number, trigger, entry.at, entry.actor)
        self._tables.note(entry)
        self._tables.config_version += 1
