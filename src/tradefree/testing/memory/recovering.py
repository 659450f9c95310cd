"""Dead workers and orphaned tasks, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tradefree.tasks.states import ON_WORKER, Status
from tradefree.tasks.task import GONE, Task, Worker, WorkerStatus
from tradefree.testing.memory.tables import Tables


class Recovering:
    """Implements ``ports.RecoverStore``."""

    _tables: Tables

    async def lapsed(self, *, everyone: bool = False) -> list[Worker]:
        await self._tables.read()
        return [worker for worker in self._not_dead() if everyone or worker.lease_until <= self._tables.now]

    async def live_count(self) -> int:
        await self._tables.read()
        return len(self._not_dead())

    async def bury(self, worker_id: str, *, at_once: bool = False) -> bool:
        async with self._tables.write():
            for worker in self._not_dead():
                if worker.id == worker_id and (at_once or worker.lease_until <= self._tables.now):
                    self._tables.workers[worker_id] = replace(worker, status=WorkerStatus.DEAD)
                    return True
            return False

    async def orphans(self, limit: int, claim_within: float) -> list[str]:
        await self._tables.read()
        overdue = self._tables.now - timedelta(seconds=claim_within)
        dead = {worker.id for worker in self._tables.workers.values() if worker.status in GONE}

        def orphaned(task: Task) -> bool:
            unclaimed = task.status is Status.QUEUED and task.queued_at is not None and task.queued_at < overdue
            return unclaimed or (task.status in ON_WORKER and task.worker_id in dead)

        return [task.id for task in self._tables.tasks.values() if orphaned(task)][:limit]

    async def gone_workers(self) -> dict[str, datetime | None]:
        await self._tables.read()
        gone = [worker for worker in self._tables.workers.values() if worker.status in GONE]
        return {worker.id: worker.lease_until if worker.status is WorkerStatus.DEAD else None for worker in gone}

    async def forget_workers(self, before: datetime) -> int:
        async with self._tables.write():
            busy = {task.worker_id for task in self._tables.tasks.values()}
            gone = [
                worker.id
                for worker in self._tables.workers.values()
                if worker.status in GONE and worker.lease_until < before and worker.id not in busy
            ]
            for worker_id in gone:
                del self._tables.workers[worker_id]
            return len(gone)

    def _not_dead(self) -> list[Worker]:
        return [worker for worker in self._tables.workers.values() if worker.status not in GONE]
