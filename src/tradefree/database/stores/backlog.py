"""How many more tasks may wait: counted under a lock, so that no two submits take the last place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.tables import backlog_locks, tasks
from tradefree.limits.scopes import Scope
from tradefree.tasks.ports import Backlog, Submission
from tradefree.tasks.states import Status

WAITING = (Status.PENDING, Status.SCHEDULED)


async def find_room(
    database: Database, connection: AsyncConnection, submissions: Sequence[Submission]
) -> dict[Scope, int]:
    """How many more may wait, by scope. The scopes stay locked until the transaction ends."""
    backlogs = {backlog.scope: backlog for submission in submissions for backlog in submission.backlogs}
    if not backlogs:
        return {}
    names = sorted(map(str, backlogs))
    await database.upsert(connection, backlog_locks, [{"scope": name} for name in names])
    locks = sa.select(backlog_locks.c.scope).where(backlog_locks.c.scope.in_(names)).order_by(backlog_locks.c.scope)
    await connection.execute(database.locked(locks))
    return {scope: backlog.most - await _waiting(connection, backlog) for scope, backlog in backlogs.items()}


def take_room(submission: Submission, room: dict[Scope, int]) -> Backlog | None:
    """Take a place in each of its scopes, or none and name the scope that is full."""
    for backlog in submission.backlogs:
        if room[backlog.scope] <= 0:
            return backlog
    for backlog in submission.backlogs:
        room[backlog.scope] -= 1
    return None


async def _waiting(connection: AsyncConnection, backlog: Backlog) -> int:
    """How many tasks wait; no more than matter are counted."""
    query = sa.select(tasks.c.id).where(tasks.c.status.in_(WAITING), *_in_scope(backlog))
    some = by_index(query, tasks, "ix_tasks_lane").limit(backlog.most).subquery()
    return int(await connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


def _in_scope(backlog: Backlog) -> list[sa.ColumnElement[Any]]:
    if backlog.lane is not None:
        return [tasks.c.lane == backlog.lane]
    if backlog.types is None:
        return []
    return [sa.or_(sa.false(), *((tasks.c.lane >= f"{name}/") & (tasks.c.lane < f"{name}0") for name in backlog.types))]
