"""Work: what a worker incarnation does with the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.protocol import require_protocol, require_same
from tradefree.database.rows import (
    TASK_WITH_INPUT,
    WORKER,
    log_row,
    pressure_document,
    to_log,
    to_task,
    to_worker,
    worker_row,
)
from tradefree.database.stores.auditing import note
from tradefree.database.tables import leaders, task_logs, tasks, workers
from tradefree.tasks.attempt import STARTED, started_line
from tradefree.tasks.ports import Beat, Entry, RunState
from tradefree.tasks.states import Status
from tradefree.tasks.task import GONE, LogLine, Pressure, Task, Worker, WorkerStatus

_STATUS = aside(tasks.c.status)
_MINE = (
    tasks.c.id.in_(sa.bindparam("ids", expanding=True)),
    aside(tasks.c.worker_id) == sa.bindparam("me"),
)
_I_LIVE = sa.exists().where(workers.c.id == sa.bindparam("me"), workers.c.status.not_in(sorted(GONE)))
_CLAIM = (
    by_index(sa.update(tasks), tasks)
    .where(*_MINE, _STATUS == Status.QUEUED, _I_LIVE)
    .values(
        status=Status.PROCESSING,
        attempt_count=tasks.c.attempt_count + 1,
        claim_token=sa.bindparam("token"),
    )
)
_CLAIMED = by_index(sa.select(*TASK_WITH_INPUT), tasks).where(
    *_MINE, _STATUS == Status.PROCESSING, tasks.c.claim_token == sa.bindparam("token")
)

_HELD = by_index(sa.select(tasks.c.id, tasks.c.attempt_count), tasks).where(*_MINE, _STATUS == Status.PROCESSING)
_ON_ME = by_index(sa.select(tasks.c.id), tasks, "ix_tasks_worker").where(tasks.c.worker_id == sa.bindparam("me"))
_QUEUED = _ON_ME.where(tasks.c.status == Status.QUEUED).order_by(tasks.c.sort_at)
_CANCELS = _ON_ME.where(tasks.c.status == Status.PROCESSING, tasks.c.cancel_requested_at.is_not(None))


class WorkingStore:
    """Leases, claims, saved states, logs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enlist(self, worker: Worker, lease: float) -> None:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> None:
            await require_protocol(connection)
            until = await self._database.now(connection) + timedelta(seconds=lease)
            await self._database.upsert(connection, workers, [worker_row(worker) | {"lease_until": until}])

        await self._database.write(unit)

    async def beat(
        self,
        worker_id: str,
        lease: float,
        *,
        ahead: int = 0,
        draining: bool = False,
        pressure: Mapping[str, Pressure] | None = None,
    ) -> Beat:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> Beat:
            until = await self._database.now(connection) + timedelta(seconds=lease)
            values: dict[str, Any] = {"lease_until": until, "ahead": ahead}
            if draining:
                values["status"] = WorkerStatus.DRAINING
            if pressure is not None:
                values["pressure"] = pressure_document(pressure)
            beaten = await connection.execute(
                sa.update(workers)
                .where(workers.c.id == worker_id, workers.c.status.not_in(sorted(GONE)))
                .values(values)
            )
            if not beaten.rowcount:
                return Beat(alive=False, status="dead")
            return await _news(connection, worker_id)

        return await self._database.write(unit)

    async def drain_worker(self, worker_id: str, entry: Entry) -> Worker | None:
        """See ``ports.WorkStore``."""
        live = (workers.c.id == worker_id, workers.c.status == WorkerStatus.LIVE)

        async def unit(connection: AsyncConnection) -> Worker | None:
            drained = await connection.execute(sa.update(workers).where(*live).values(status=WorkerStatus.DRAINING))
            if drained.rowcount:
                await note(connection, entry)
            row = (await connection.execute(sa.select(*WORKER).where(workers.c.id == worker_id))).one_or_none()
            return to_worker(row) if row is not None else None

        return await self._database.write(unit)

    async def leave(self, worker_id: str) -> None:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(
                sa.update(workers).where(workers.c.id == worker_id).values(status=WorkerStatus.LEFT)
            )

        await self._database.write(unit)

    async def claim(self, worker_id: str, ids: Sequence[str], token: str) -> list[Task]:
        """See ``ports.WorkStore``. A worker that was declared dead claims nothing."""

        async def unit(connection: AsyncConnection) -> list[Task]:
            now = self._database.present()
            mine = {"ids": list(ids), "me": worker_id, "token": token}
            moved = await connection.execute(_CLAIM.values(started_at=now, updated_at=now), mine)
            found = [to_task(row) for row in await connection.execute(_CLAIMED, mine)]
            if moved.rowcount:
                begun = found if moved.rowcount == len(found) else await _untold(connection, found)
                await self._database.insert(connection, task_logs, [log_row(started_line(task)) for task in begun])
            return found

        return await self._database.write(unit) if ids else []

    async def save_states(self, worker_id: str, states: Sequence[RunState]) -> list[bool]:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> list[bool]:
            rows = [
                {
                    "id": state.task_id,
                    "was_status": Status.PROCESSING,
                    "was_attempt_count": state.attempt,
                    "was_worker_id": worker_id,
                    "runner_state": state.state,
                }
                for state in sorted(states, key=lambda state: state.task_id)
            ]
            match = ("id", "was_status", "was_attempt_count", "was_worker_id")
            if await self._database.update_rows(connection, tasks, rows, match=match) == len(rows):
                return [True] * len(rows)
            held = await connection.execute(_HELD, {"ids": [state.task_id for state in states], "me": worker_id})
            attempts = {row.id: row.attempt_count for row in held}
            return [attempts.get(state.task_id) == state.attempt for state in states]

        return await self._database.write(unit) if states else []

    async def append_logs(self, lines: Sequence[LogLine], *, again: bool = False) -> None:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> None:
            there = await _there(connection, lines) if again else frozenset()
            rows = [log_row(line) for line in lines if line.identity not in there]
            await self._database.insert(connection, task_logs, rows)

        if lines:
            await self._database.write(unit)


async def _untold(connection: AsyncConnection, claimed: Sequence[Task]) -> list[Task]:
    """Of tasks some of which an earlier try has claimed, those whose start is not in the log."""
    query = sa.select(task_logs.c.task_id, task_logs.c.attempt).where(
        task_logs.c.task_id.in_([task.id for task in claimed]), task_logs.c.event == STARTED
    )
    told = {tuple(row) for row in await connection.execute(query)}
    return [task for task in claimed if (task.id, task.attempt_count) not in told]


async def _there(connection: AsyncConnection, lines: Sequence[LogLine]) -> frozenset[Any]:
    """Which of these lines are stored, by their identity."""
    query = sa.select(task_logs).where(
        task_logs.c.task_id.in_({line.task_id for line in lines}),
        task_logs.c.created_at >= min(line.created_at for line in lines),
    )
    return frozenset(to_log(row).identity for row in await connection.execute(query))


async def _news(connection: AsyncConnection, worker_id: str) -> Beat:
    status = await connection.scalar(sa.select(workers.c.status).where(workers.c.id == worker_id))
    leader = (await connection.execute(sa.select(leaders.c.config_version, leaders.c.protocol))).one()
    require_same(leader.protocol)
    queued = await connection.execute(_QUEUED, {"me": worker_id})
    cancels = await connection.execute(_CANCELS, {"me": worker_id})
    return Beat(True, str(status), tuple(queued.scalars()), tuple(cancels.scalars()), int(leader.config_version))
