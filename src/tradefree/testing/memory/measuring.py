"""What monitoring reads, in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from tradefree.tasks.callbacks.subscription import Health
from tradefree.tasks.ports import Measures
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.testing.memory.browsing import Browsing
from tradefree.testing.memory.limiting import Limiting
from tradefree.testing.memory.tables import Tables


class Measuring(Browsing, Limiting):
    """Implements ``ports.MeasureStore``."""

    _tables: Tables

    async def measures(self) -> Measures:
        now = self._tables.now
        until = self._tables.leader.lease_until
        heads: dict[str, Task] = {}
        for task in self._tables.tasks.values():
            if task.status is Status.PENDING:
                heads[task.type] = min(heads.get(task.type, task), task, key=lambda t: (t.sort_at, t.lane, t.run_at))
        return Measures(
            at=now,
            counts=await self.counts(),
            standing=await self.standing(),
            first_due={name: task.run_at for name, task in heads.items()},
            seconds=self._seconds(now),
            workers=sorted(self._tables.workers.values(), key=lambda worker: worker.id),
            subscriptions={"well": 0, "failing": 0, "paused": 0} | self._states(),
            led=until is not None and until > now,
        )

    async def pending_in(self, lanes: Sequence[str]) -> dict[str, int]:
        await self._tables.read()
        pending = (task for task in self._tables.tasks.values() if task.status is Status.PENDING)
        return dict(Counter(task.lane for task in pending if task.lane in lanes))

    def _seconds(self, now: datetime) -> dict[str, float]:
        took: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for attempt in self._tables.attempts.values():
            task = self._tables.tasks.get(attempt.task_id)
            if task is not None and attempt.started_at is not None and attempt.finished_at is not None:
                took[task.type]["ended"].append((attempt.finished_at - attempt.started_at).total_seconds())
        for task in self._tables.tasks.values():
            if task.status is Status.PROCESSING and task.started_at is not None:
                took[task.type]["running"].append((now - task.started_at).total_seconds())
        return {
            name: max(max(0.0, sum(seconds) / len(seconds)) for seconds in kinds.values())
            for name, kinds in took.items()
        }

    def _states(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for name, subscriber in self._tables.subscribers.items():
            failing = self._tables.healths.get(name, Health()).failures > 0
            found["paused" if subscriber.paused is not None else "failing" if failing else "well"] += 1
        return dict(found)
