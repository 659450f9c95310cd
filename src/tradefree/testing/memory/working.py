"""What a worker incarnation does with the store, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from tradefree.tasks.attempt import started_line
from tradefree.tasks.ports import Beat, Entry, RunState
from tradefree.tasks.states import Status
from tradefree.tasks.task import GONE, LogLine, Pressure, Task, Worker, WorkerStatus
from tradefree.testing.memory.tables import Tables, check, clone, through_json


class Working:
    """Implements ``ports.WorkStore``."""

    _tables: Tables

    async def enlist(self, worker: Worker, lease: float) -> None:
        async with self._tables.write():
            until = self._tables.now + timedelta(seconds=lease)
            self._tables.workers[worker.id] = replace(worker, lease_until=until)

    async def beat(
        self,
        worker_id: str,
        lease: float,
        *,
        ahead: int = 0,
        draining: bool = False,
        pressure: Mapping[str, Pressure] | None = None,
    ) -> Beat:
        async with self._tables.write():
            worker = self._live(worker_id)
            if worker is None:
                return Beat(alive=False, status=WorkerStatus.DEAD)
            status = WorkerStatus.DRAINING if draining else worker.status
            until = self._tables.now + timedelta(seconds=lease)
            self._tables.workers[worker_id] = replace(
                worker,
                lease_until=until,
                ahead=ahead,
                status=status,
                pressure=dict(pressure) if pressure is not None else worker.pressure,
            )
            mine = [task for task in self._tables.tasks.values() if task.worker_id == worker_id]
            queued = sorted((t for t in mine if t.status is Status.QUEUED), key=lambda t: (t.sort_at, t.id))
            cancels = (t for t in mine if t.status is Status.PROCESSING and t.cancel_requested_at)
            return Beat(
                alive=True,
                status=status,
                queued=tuple(task.id for task in queued),
                cancels=tuple(task.id for task in cancels),
                config_version=self._tables.config_version,
            )

    async def drain_worker(self, worker_id: str, entry: Entry) -> Worker | None:
        async with self._tables.write():
            worker = self._tables.workers.get(worker_id)
            if worker is None or worker.status is not WorkerStatus.LIVE:
                return worker
            self._tables.note(entry)
            self._tables.workers[worker_id] = replace(worker, status=WorkerStatus.DRAINING)
            return self._tables.workers[worker_id]

    async def leave(self, worker_id: str) -> None:
        async with self._tables.write():
            worker = self._tables.workers.get(worker_id)
            if worker is not None:
                self._tables.workers[worker_id] = replace(worker, status=WorkerStatus.LEFT)

    async def claim(self, worker_id: str, ids: Sequence[str], token: str) -> list[Task]:
        async with self._tables.write():
            tasks = [task for id_ in dict.fromkeys(ids) if (task := self._tables.tasks.get(id_)) is not None]
            claimed: list[Task] = []
            for task in tasks:
                if task.worker_id != worker_id:
                    continue
                if task.status is Status.QUEUED and self._live(worker_id) is not None:
                    claimed.append(self._begin(task, token))
                elif task.status is Status.PROCESSING and self._tables.claim_tokens.get(task.id) == token:
                    claimed.append(task)
            return [clone(task, payloads=("input_data",)) for task in claimed]

    def _begin(self, task: Task, token: str) -> Task:
        now = self._tables.now
        begun = replace(
            task, status=Status.PROCESSING, attempt_count=task.attempt_count + 1, started_at=now, updated_at=now
        )
        self._tables.tasks[task.id] = check(begun)
        self._tables.claim_tokens[task.id] = token
        self._tables.append([started_line(begun)])
        return begun

    async def save_states(self, worker_id: str, states: Sequence[RunState]) -> list[bool]:
        async with self._tables.write():
            return [self._save(worker_id, state) for state in states]

    def _save(self, worker_id: str, state: RunState) -> bool:
        task = self._tables.tasks.get(state.task_id)
        wanted = (Status.PROCESSING, state.attempt, worker_id)
        if task is None or (task.status, task.attempt_count, task.worker_id) != wanted:
            return False
        self._tables.tasks[task.id] = replace(task, runner_state=through_json(state.state))
        return True

    async def append_logs(self, lines: Sequence[LogLine], *, again: bool = False) -> None:
        async with self._tables.write():
            there = {old.identity for line in lines for old in self._tables.logs[line.task_id]} if again else set()
            self._tables.append([line for line in lines if line.identity not in there])

    def _live(self, worker_id: str) -> Worker | None:
        worker = self._tables.workers.get(worker_id)
        return worker if worker is not None and worker.status not in GONE else None
