"""What holds in every database of ours at any moment, as questions that find nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.event_tables import event_decisions, events
from tradefree.database.protocol import require_protocol
from tradefree.database.tables import (
    attempts,
    idempotency_keys,
    task_labels,
    task_logs,
    task_totals,
    tasks,
    workers,
)
from tradefree.errors import BackupDamaged, Outdated
from tradefree.tasks.states import TERMINAL, Status

_ON_WORKER = (Status.QUEUED, Status.PROCESSING)


async def require_sound(database: Database) -> int:
    """Ask everything; the number of questions. BackupDamaged says what is wrong."""
    asked = 0
    for what, question in questions():
        number = await database.migrate(partial(_count, question))  # it takes as long as it takes
        if number:
            raise BackupDamaged(f"the backup holds what cannot be: {number} {what}")
        asked += 1
    try:
        await database.read(require_protocol)
    except Outdated as error:
        raise BackupDamaged(f"the backup cannot be worked with: {error}") from None
    if database.sqlite:
        found = await database.read(lambda connection: connection.scalar(sa.text("PRAGMA integrity_check(1)")))
        if found != "ok":
            raise BackupDamaged(f"the restored file is damaged: {found}")
    return asked + 1


async def _count(question: sa.Select[int], connection: AsyncConnection) -> int:
    return int(await connection.scalar(question) or 0)


def questions() -> Iterator[tuple[str, sa.Select[int]]]:
    """What must not be, in words, and how many there are of it."""
    yield (
        "tasks in flight on a worker that is not known",
        _number(
            tasks.c.id,
            tasks.c.status.in_(_ON_WORKER),
            ~sa.exists().where(workers.c.id == tasks.c.worker_id),
        ),
    )
    for table in (task_logs, attempts, task_labels, idempotency_keys):
        yield (
            f"rows of {table.name} of tasks that are not there",
            _number(table.c.task_id, ~sa.exists().where(tasks.c.id == table.c.task_id)),
        )
    yield (
        "tasks whose attempts are not all told",
        _number(tasks.c.id, tasks.c.attempt_count != _attempts_of_task()),
    )
    yield ("running totals that are not the number of ended tasks", _wrong_totals())
    yield (
        "decisions about events that are not there",
        _number(event_decisions.c.event_id, ~sa.exists().where(events.c.id == event_decisions.c.event_id)),
    )


def _number(what: sa.Column[str], *where: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(sa.func.count(what)).where(*where)


def _attempts_of_task() -> sa.ColumnElement[int]:
    """How many attempts of a task have begun: those that have ended have a row, the one under way has none."""
    ended = sa.select(sa.func.count()).where(attempts.c.task_id == tasks.c.id).scalar_subquery()
    return ended + sa.case((tasks.c.status == Status.PROCESSING, 1), else_=0)


def _wrong_totals() -> sa.Select[int]:
    ended = sa.select(tasks.c.type, tasks.c.status, sa.literal(1).label("number")).where(
        tasks.c.status.in_(sorted(TERMINAL))
    )
    told = sa.select(task_totals.c.type, task_totals.c.status, -task_totals.c.number)
    both = sa.union_all(ended, told).subquery()
    differing = sa.select(both.c.type).group_by(both.c.type, both.c.status).having(sa.func.sum(both.c.number) != 0)
    return sa.select(sa.func.count()).select_from(differing.subquery())
