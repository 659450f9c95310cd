"""Lists, details, logs, counts, in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.ports import Known, Place, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import LEVELS, Attempt, LogLine, Task, Worker
from tradefree.testing.memory.tables import Tables, clone, through_json

_PAYLOADS = ("input_data", "output_data")


class Browsing:
    """Implements ``ports.BrowseStore``."""

    _tables: Tables

    async def find(
        self, wanted: TaskFilter, *, limit: int, below: Place | None = None, payloads: bool = False
    ) -> list[Task]:
        await self._tables.read()
        found = [task for task in self._tables.tasks.values() if _fits(task, wanted)]
        found = [task for task in found if below is None or _order(wanted.place(task)) < _order(below)]
        found.sort(key=lambda task: _order(wanted.place(task)), reverse=True)
        return [clone(task, payloads=_PAYLOADS if payloads else ()) for task in found[:limit]]

    async def known(self, wanted: TaskFilter, *, newest: int) -> list[Known]:
        found = await self.find(wanted, limit=newest)
        return [Known(task.type, task.concurrency_key, task.labels) for task in found]

    async def numbers(self, wanted: TaskFilter, *, limit: int) -> dict[str, int]:
        return dict(Counter(task.type for task in await self.find(wanted, limit=limit)))

    async def task(self, task_id: str, *, payloads: bool = True) -> Task | None:
        await self._tables.read()
        task = self._tables.tasks.get(task_id)
        return None if task is None else clone(task, payloads=_PAYLOADS if payloads else ())

    async def attempts(self, task_id: str) -> list[Attempt]:
        await self._tables.read()
        mine = sorted((a for a in self._tables.attempts.values() if a.task_id == task_id), key=lambda a: a.number)
        return [replace(attempt, runner_state=through_json(attempt.runner_state)) for attempt in mine]

    async def logs(
        self,
        task_id: str,
        *,
        after: int = 0,
        limit: int,
        level: str | None = None,
        text: str | None = None,
        since: datetime | None = None,
    ) -> list[LogLine]:
        await self._tables.read()
        levels = LEVELS if level is None else LEVELS[LEVELS.index(level) :]
        lines = [
            line
            for line in self._tables.logs.get(task_id, ())
            if line.id > after
            and line.level in levels
            and (text is None or text.lower() in line.message.lower())
            and (since is None or line.created_at >= since)
        ]
        return [replace(line, data=through_json(line.data)) for line in lines[:limit]]

    async def counts(self) -> dict[str, dict[Status, int]]:
        await self._tables.read()
        numbers = Counter((task.type, task.status) for task in self._tables.tasks.values() if task.live)
        found: dict[str, dict[Status, int]] = {}
        for (type_, status), number in (*numbers.items(), *self._tables.totals.items()):
            found.setdefault(type_, dict.fromkeys(Status, 0))[status] += number
        return found

    async def all_workers(self) -> list[tuple[Worker, int]]:
        await self._tables.read()
        numbers = Counter(task.worker_id for task in self._tables.tasks.values())
        newest_first = sorted(self._tables.workers.values(), key=lambda w: w.started_at, reverse=True)
        return [(worker, numbers[worker.id]) for worker in newest_first]


def _order(place: Place) -> tuple[datetime, str]:
    return (place.finished_at or datetime.min.replace(tzinfo=UTC), place.id)


def _fits(task: Task, wanted: TaskFilter) -> bool:
    return all(
        (
            not wanted.statuses or task.status in wanted.statuses,
            not wanted.types or task.type in wanted.types,
            not wanted.without_deliveries or task.type != CALLBACK,
            wanted.only_types is None or task.type in wanted.only_types,
            wanted.concurrency_key is None or task.concurrency_key == wanted.concurrency_key,
            wanted.submitted_by is None or task.submitted_by == wanted.submitted_by,
            wanted.created_after is None or task.created_at > wanted.created_after,
            wanted.created_before is None or task.created_at < wanted.created_before,
            wanted.finished_after is None or (task.finished_at and task.finished_at > wanted.finished_after),
            wanted.finished_before is None or (task.finished_at and task.finished_at < wanted.finished_before),
            wanted.labels.items() <= task.labels.items(),
            not wanted.text or _mentions(task, wanted.text.lower()),
        )
    )


def _mentions(task: Task, text: str) -> bool:
    places = (task.concurrency_key or "", task.error_message or "", *task.labels.values())
    return task.id.startswith(text) or any(text in place.lower() for place in places)
