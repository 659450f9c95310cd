"""Limits, the audit trail and how things stand, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from tradefree.errors import Conflict
from tradefree.limits.caps import Caps, Override
from tradefree.limits.scopes import Scope
from tradefree.tasks.ports import Entry, Limits, Standing
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.testing.memory.leading import MemoryRound
from tradefree.testing.memory.tables import Tables


class Limiting:
    """Implements the part of ``ports.CatalogStore`` and ``ports.BrowseStore`` that is about limits."""

    _tables: Tables

    async def limits(self) -> Limits:
        await self._tables.read()
        return Limits(dict(self._tables.limits.baselines), dict(self._tables.limits.overrides))

    async def put_baseline(self, scope: Scope, caps: Caps | None, entry: Entry | None = None) -> bool:
        async with self._tables.write():
            users = sorted(t.name for t in self._tables.task_types.values() if scope.name in t.limits)
            if caps is None and scope.kind == "limit" and users:
                raise Conflict(f"the limit {scope.name!r} is used by the task types {', '.join(users)}")
            stored = self._put_limit("baselines", scope, caps)
            if stored:
                self._tables.note(entry)
            return stored

    async def put_override(self, scope: Scope, override: Override | None, entry: Entry) -> bool:
        async with self._tables.write():
            stored = self._put_limit("overrides", scope, override)
            if stored:
                self._tables.note(entry)
            return stored

    def _put_limit(self, part: str, scope: Scope, value: Any) -> bool:
        before = dict(getattr(self._tables.limits, part))
        if before.get(scope) == value:
            return False
        after = {**before, scope: value}
        if value is None:
            del after[scope]
        self._tables.limits = replace(self._tables.limits, **{part: after})
        self._tables.config_version += 1
        return True

    async def write_down(self, entry: Entry) -> None:
        async with self._tables.write():
            self._tables.note(entry)

    async def audit(
        self,
        *,
        limit: int,
        before_id: str | None = None,
        target: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Entry]:
        await self._tables.read()
        found = (entry for _, entry in sorted(self._tables.audit.items(), reverse=True))
        wanted = (
            e
            for e in found
            if (before_id is None or e.id < before_id)
            and target in (None, e.target)
            and actor in (None, e.actor)
            and (action is None or fnmatchcase(e.action, action))
            and (after is None or e.at > after)
            and (before is None or e.at < before)
        )
        return [entry for _, entry in zip(range(limit), wanted, strict=False)]

    async def standing(self) -> Standing:
        await self._tables.read()
        round_ = MemoryRound(self._tables)
        waiting = Counter(task.type for task in self._tables.tasks.values() if task.status is Status.PENDING)
        return Standing(
            await round_.held(), waiting, await round_.workers(), await round_.windows(), await round_.ceilings()
        )

    async def keys_of(self, lanes: Sequence[str]) -> dict[str, str]:
        await self._tables.read()
        mine = (t for t in self._tables.tasks.values() if t.holds_slot and t.lane in lanes)
        return {task.lane: task.concurrency_key for task in mine if task.concurrency_key is not None}

    async def ahead_of(self, task: Task, most: int) -> int:
        await self._tables.read()
        mine = [t for t in self._tables.tasks.values() if t.status is Status.PENDING and t.lane == task.lane]
        earlier = [t for t in mine if not t.holds_slot and (t.sort_at, t.id) < (task.sort_at, task.id)]
        return min(len(earlier), most)
