"""Work: what a worker incarnation does with the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.columns import Moment
from tradefree.database.engine import Database
from tradefree.database.protocol import require_protocol, require_same
from tradefree.database.rows import TASK_WITH_INPUT, log_row, to_task, worker_row
from tradefree.database.tables import leaders, task_logs, tasks, workers
from tradefree.tasks.attempt import started_line
from tradefree.tasks.ports import Beat
from tradefree.tasks.states import Status
from tradefree.tasks.task import GONE, LogLine, Task, Worker, WorkerStatus

_MINE = (
    tasks.c.id.in_(sa.bindparam("ids", expanding=True)),
    tasks.c.worker_id == sa.bindparam("me"),
)
_I_LIVE = sa.exists().where(workers.c.id == sa.bindparam("me"), workers.c.status.not_in(sorted(GONE)))
_CLAIM = (
    sa.update(tasks)
    .where(*_MINE, tasks.c.status == Status.QUEUED, _I_LIVE)
    .values(
        status=Status.PROCESSING,
        attempt_count=tasks.c.attempt_count + 1,
        claim_token=sa.bindparam("token"),
        started_at=sa.bindparam("now", type_=Moment),
        updated_at=sa.bindparam("now", type_=Moment),
    )
)
_CLAIMED = sa.select(*TASK_WITH_INPUT).where(
    *_MINE, tasks.c.status == Status.PROCESSING, tasks.c.claim_token == sa.bindparam("token")
)


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

    async def beat(self, worker_id: str, lease: float, *, ahead: int = 0, draining: bool = False) -> Beat:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> Beat:
            until = await self._database.now(connection) + timedelta(seconds=lease)
            values: dict[str, Any] = {"lease_until": until, "ahead": ahead}
            if draining:
                values["status"] = WorkerStatus.DRAINING
            beaten = await connection.execute(
                sa.update(workers)
                .where(workers.c.id == worker_id, workers.c.status.not_in(sorted(GONE)))
                .values(values)
            )
            if not beaten.rowcount:
                return Beat(alive=False, status="dead")
            return await _news(connection, worker_id)

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
            now = await self._database.now(connection)
            mine = {"ids": list(ids), "me": worker_id, "token": token}
            moved = await connection.execute(_CLAIM, {**mine, "now": now})
            found = [to_task(row) for row in await connection.execute(_CLAIMED, mine)]
            if moved.rowcount:
                await self._database.insert(connection, task_logs, [log_row(started_line(task)) for task in found])
            return found

        return await self._database.write(unit) if ids else []

    async def save_state(self, task_id: str, attempt: int, worker_id: str, state: dict[str, Any]) -> bool:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> bool:
            saved = await connection.execute(
                sa.update(tasks)
                .where(
                    tasks.c.id == task_id,
                    tasks.c.attempt_count == attempt,
                    tasks.c.worker_id == worker_id,
                    tasks.c.status == Status.PROCESSING,
                )
                .values(runner_state=state)
            )
            return saved.rowcount == 1

        return await self._database.write(unit)

    async def append_logs(self, lines: Sequence[LogLine]) -> None:
        """See ``ports.WorkStore``."""

        async def unit(connection: AsyncConnection) -> None:
            await self._database.insert(connection, task_logs, [log_row(line) for line in lines])

        if lines:
            await self._database.write(unit)


async def _news(connection: AsyncConnection, worker_id: str) -> Beat:
    status = await connection.scalar(sa.select(workers.c.status).where(workers.c.id == worker_id))
    leader = (await connection.execute(sa.select(leaders.c.config_version, leaders.c.protocol))).one()
    require_same(leader.protocol)
    mine = sa.select(tasks.c.id).where(tasks.c.worker_id == worker_id)
    queued = await connection.execute(mine.where(tasks.c.status == Status.QUEUED).order_by(tasks.c.sort_at))
    cancels = await connection.execute(
        mine.where(tasks.c.status == Status.PROCESSING, tasks.c.cancel_requested_at.is_not(None))
    )
    return Beat(True, str(status), tuple(queued.scalars()), tuple(cancels.scalars()), int(leader.config_version))
