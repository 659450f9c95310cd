"""Prune: what is old, in small transactions, by the primary key or an index that begins with what is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.event_tables import event_decisions, events
from tradefree.database.source_tables import schedule_fires
from tradefree.database.tables import attempts, audit, idempotency_keys, task_labels, task_logs, task_totals, tasks
from tradefree.events.retention import Pruned
from tradefree.ids import first_id_at
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.retention import Old
from tradefree.tasks.states import TERMINAL, Status


class PruningStore:
    """See ``events.retention.RetentionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune_events(self, before: datetime, limit: int) -> int:
        """See ``RetentionStore``. Ids carry the moment of receipt."""
        old = sa.select(events.c.id).where(events.c.id < first_id_at(before)).order_by(events.c.id).limit(limit)

        async def unit(connection: AsyncConnection) -> int:
            ids = list((await connection.execute(by_index(old, events))).scalars())
            if ids:
                await connection.execute(sa.delete(event_decisions).where(event_decisions.c.event_id.in_(ids)))
                await connection.execute(sa.delete(events).where(events.c.id.in_(ids)))
            return len(ids)

        return await self._database.write(unit)

    async def prune_fires(self, before: datetime, limit: int) -> int:
        """See ``RetentionStore``."""
        key = (schedule_fires.c.schedule, schedule_fires.c.fire_at)
        old = sa.select(*key).where(schedule_fires.c.decided_at < before).order_by(schedule_fires.c.decided_at)
        old = by_index(old.limit(limit), schedule_fires, "ix_schedule_fires_decided")

        async def unit(connection: AsyncConnection) -> int:
            found = [tuple(row) for row in await connection.execute(old)]
            if found:
                await connection.execute(sa.delete(schedule_fires).where(sa.tuple_(*key).in_(found)))
            return len(found)

        return await self._database.write(unit)

    async def prune_tasks(self, task_type: str, before: datetime, limit: int, *, after_id: str = "") -> Pruned:
        """See ``RetentionStore``. Those that have not ended are passed over, and not looked at again in one sweep."""
        old = sa.select(tasks.c.id, tasks.c.status).where(
            tasks.c.type == task_type, tasks.c.id > after_id, tasks.c.id < first_id_at(before)
        )
        old = by_index(old.order_by(tasks.c.id).limit(limit), tasks, "ix_tasks_type")

        async def unit(connection: AsyncConnection) -> Pruned:
            rows = (await connection.execute(old)).all()
            ended = [row.id for row in rows if row.status in TERMINAL]
            number = await self._delete_tasks(connection, ended)
            return Pruned(number, rows[-1].id if len(rows) == limit else None)

        return await self._database.write(unit)

    async def old_tasks(self, status: Status, before: datetime, limit: int, *, after_id: str = "") -> Old:
        """See ``tasks.retention.TaskRetentionStore``. Ids carry the moment of the submit, which is before the end."""
        old = sa.select(tasks.c.id, tasks.c.type, tasks.c.finished_at).where(
            tasks.c.status == status, tasks.c.id > after_id, tasks.c.id < first_id_at(before)
        )
        old = by_index(old.order_by(tasks.c.id).limit(limit), tasks, "ix_tasks_status")
        rows = await self._database.read(lambda connection: _all(connection, old))
        ids = [row.id for row in rows if row.type != CALLBACK and row.finished_at < before]
        return Old(ids, rows[-1].id if len(rows) == limit else None)

    async def whole_tasks(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """See ``tasks.retention.TaskRetentionStore``."""
        whole = by_index(sa.select(tasks).where(tasks.c.id.in_(ids)).order_by(tasks.c.id), tasks)
        tries = sa.select(attempts).where(attempts.c.task_id.in_(ids)).order_by(attempts.c.task_id, attempts.c.number)
        lines = sa.select(task_logs).where(task_logs.c.task_id.in_(ids)).order_by(task_logs.c.id)

        async def unit(connection: AsyncConnection) -> list[dict[str, Any]]:
            documents = {row.id: dict(row._mapping) for row in await _all(connection, whole)}
            for document in documents.values():
                document |= {"attempts": [], "logs": []}
            for name, query in (("attempts", tries), ("logs", lines)):
                for row in await _all(connection, query):
                    if row.task_id in documents:
                        documents[row.task_id][name].append(_document(row))
            return [{str(name): _plain(value) for name, value in whole.items()} for whole in documents.values()]

        return await self._database.read(unit, slow=True)

    async def delete_tasks(self, ids: Sequence[str], before: datetime) -> int:
        """See ``tasks.retention.TaskRetentionStore``."""
        return await self._database.write(lambda connection: self._delete_tasks(connection, ids, before))

    async def prune_audit(self, before: datetime, limit: int) -> int:
        """See ``tasks.retention.TaskRetentionStore``. Ids carry the moment."""
        old = sa.select(audit.c.id).where(audit.c.id < first_id_at(before)).order_by(audit.c.id).limit(limit)

        async def unit(connection: AsyncConnection) -> int:
            ids = list((await connection.execute(by_index(old, audit))).scalars())
            if ids:
                await connection.execute(sa.delete(audit).where(audit.c.id.in_(ids)))
            return len(ids)

        return await self._database.write(unit)

    async def _delete_tasks(
        self, connection: AsyncConnection, ids: Sequence[str], before: datetime | None = None
    ) -> int:
        """Delete what has ended of these (``before`` a moment), with all that belongs to it; how many. The running
        totals stay the number of ended tasks."""
        if not ids:
            return 0
        this: list[sa.ColumnElement[bool]] = [tasks.c.id.in_(ids), aside(tasks.c.status).in_(sorted(TERMINAL))]
        this += [tasks.c.finished_at < before] if before is not None else []
        query = sa.select(tasks.c.id, tasks.c.type, tasks.c.status, tasks.c.created_at).where(*this)
        rows = (await connection.execute(self._database.locked(by_index(query.order_by(tasks.c.id), tasks)))).all()
        ended = [row.id for row in rows]  # locked, so nobody can run one again meanwhile
        for table in (task_logs, attempts, task_labels):
            await connection.execute(sa.delete(table).where(table.c.task_id.in_(ended)))
        # a key was stored in the moment of its task, and there is an index on that
        moments = {row.created_at for row in rows}
        keys = sa.select(idempotency_keys.c.digest).where(
            idempotency_keys.c.created_at.in_(moments), idempotency_keys.c.task_id.in_(ended)
        )
        keys = by_index(keys, idempotency_keys, "ix_idempotency_keys_created")
        digests = (await connection.execute(keys)).scalars().all()
        if digests:
            await connection.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.digest.in_(digests)))
        await connection.execute(sa.delete(tasks).where(tasks.c.id.in_(ended)))
        numbers = Counter((row.type, row.status) for row in rows)
        fewer = [{"type": t, "status": s, "shard": 0, "number": -n} for (t, s), n in sorted(numbers.items())]
        await self._database.upsert(connection, task_totals, fewer, add="number")
        return len(ended)


async def _all(connection: AsyncConnection, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    rows: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
    return rows


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row._mapping.items() if name != "task_id"}


def _plain(value: Any) -> Any:
    """What JSON has no word for, as text."""
    return format(value, "f") if isinstance(value, Decimal) else value
