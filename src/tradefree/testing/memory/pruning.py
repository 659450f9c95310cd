"""Retention, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tradefree.events.retention import Pruned
from tradefree.ids import first_id_at
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.retention import Old
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.testing.memory.tables import Tables


class Pruning:
    """Implements ``events.retention.RetentionStore``."""

    _tables: Tables

    async def prune_events(self, before: datetime, limit: int) -> int:
        async with self._tables.write():
            old = sorted(id_ for id_ in self._tables.events if id_ < first_id_at(before))[:limit]
            for id_ in old:
                del self._tables.event_ids[self._tables.events.pop(id_).digest]
                self._tables.decisions.pop(id_, None)
            return len(old)

    async def prune_fires(self, before: datetime, limit: int) -> int:
        async with self._tables.write():
            found = sorted(self._tables.schedule_fires.items(), key=lambda item: item[1].decided_at)
            old = [key for key, fire in found if fire.decided_at < before][:limit]
            for key in old:
                del self._tables.schedule_fires[key]
            return len(old)

    async def prune_tasks(self, task_type: str, before: datetime, limit: int, *, after_id: str = "") -> Pruned:
        async with self._tables.write():
            tasks = sorted((t for t in self._tables.tasks.values() if t.type == task_type), key=lambda t: t.id)
            found = [task for task in tasks if after_id < task.id < first_id_at(before)][:limit]
            number = self._delete({task.id for task in found if task.terminal})
            return Pruned(number, found[-1].id if len(found) == limit else None)

    async def old_tasks(self, status: Status, before: datetime, limit: int, *, after_id: str = "") -> Old:
        all_ = sorted((task for task in self._tables.tasks.values() if task.status is status), key=lambda task: task.id)
        found = [task for task in all_ if after_id < task.id < first_id_at(before)][:limit]
        old = [task for task in found if task.type != CALLBACK and task.finished_at and task.finished_at < before]
        return Old([task.id for task in old], found[-1].id if len(found) == limit else None)

    async def whole_tasks(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        def whole(task: Task) -> dict[str, Any]:
            tries = [asdict(a) for key, a in sorted(self._tables.attempts.items()) if key[0] == task.id]
            return {**asdict(task), "attempts": tries, "logs": [asdict(line) for line in self._tables.logs[task.id]]}

        return [whole(task) for id_ in sorted(ids) if (task := self._tables.tasks.get(id_)) is not None]

    async def delete_tasks(self, ids: Sequence[str], before: datetime) -> int:
        async with self._tables.write():
            there = [task for id_ in ids if (task := self._tables.tasks.get(id_)) is not None and task.terminal]
            return self._delete({task.id for task in there if task.finished_at and task.finished_at < before})

    async def prune_audit(self, before: datetime, limit: int) -> int:
        async with self._tables.write():
            old = sorted(id_ for id_ in self._tables.audit if id_ < first_id_at(before))[:limit]
            for id_ in old:
                del self._tables.audit[id_]
            return len(old)

    def _delete(self, ids: set[str]) -> int:
        """Delete tasks with all that belongs to them; how many."""
        tables = self._tables
        for id_ in ids:
            task = tables.tasks.pop(id_)
            tables.totals[task.type, task.status] -= 1
            tables.logs.pop(id_, None)
        tables.attempts = {key: attempt for key, attempt in tables.attempts.items() if key[0] not in ids}
        tables.keys = {key: known for key, known in tables.keys.items() if known[1] not in ids}
        return len(ids)
