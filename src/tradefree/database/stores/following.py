"""Follow: the log of all tasks as one, by the ids of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.rows import LOG
from tradefree.database.stores.ways import in_this_order
from tradefree.database.tables import task_logs, tasks
from tradefree.tasks.ports import LineFilter, Lines, Moved
from tradefree.tasks.task import LEVELS, LogLine

MANY, SOME = 20_000, 5_000
"""Lines read for one page at most; fewer where each one's task must be looked at."""
LATE = timedelta(minutes=1)
"""Lines are stored in the order of their times but for so much: a worker holds them back for a lease at most."""


class FollowingStore:
    """The newest of all logs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest_line(self) -> int:
        """See ``ports.FollowStore``."""

        async def unit(connection: AsyncConnection) -> int:
            return await connection.scalar(sa.select(sa.func.max(task_logs.c.id))) or 0

        return await self._database.read(unit, slow=True)

    async def moved(self, after: int, limit: int) -> list[Moved]:
        """See ``ports.FollowStore``."""
        lines = sa.select(task_logs.c.id, task_logs.c.task_id).where(task_logs.c.id > after)
        some = lines.order_by(task_logs.c.id).limit(limit).subquery()
        query = sa.select(some.c.id, some.c.task_id, sa.func.coalesce(tasks.c.type, ""), tasks.c.submitted_by)
        query = query.outerjoin(tasks, tasks.c.id == some.c.task_id).order_by(some.c.id)

        async def unit(connection: AsyncConnection) -> list[Moved]:
            return [Moved(*row) for row in await connection.execute(query)]

        return await self._database.read(unit, slow=True)

    async def lines(self, wanted: LineFilter, *, limit: int, behind: int | None = None, newest_first: bool) -> Lines:
        """See ``ports.FollowStore``."""

        async def unit(connection: AsyncConnection) -> Lines:
            stretch = await _stretch(connection, wanted, behind, newest_first=newest_first)
            if stretch is None:
                return Lines([], None, None)
            inside, edge = stretch
            rows = (await connection.execute(_page(wanted, inside, limit, newest_first=newest_first))).all()
            lines = [(LogLine(**{column.name: row._mapping[column.name] for column in LOG}), row.type) for row in rows]
            if len(lines) == limit:
                return Lines(lines, lines[-1][0].id, lines[-1][0].created_at)
            return Lines(lines, edge[0] if edge else None, edge[1] if edge else None)

        return await self._database.read(unit, slow=True)


async def _stretch(
    connection: AsyncConnection, wanted: LineFilter, behind: int | None, *, newest_first: bool
) -> tuple[list[sa.ColumnElement[bool]], tuple[int, datetime] | None] | None:
    """The part of the log to read now, and its last line if there is more behind it; None if nothing is left."""
    id_ = task_logs.c.id
    low = await line_at(connection, wanted.since - LATE) if wanted.since is not None else 0
    high = await line_at(connection, wanted.until + LATE) if wanted.until is not None else None
    bounds = [id_ > low] + ([id_ <= high] if high is not None else [])
    if behind is not None:
        bounds.append(id_ < behind if newest_first else id_ > behind)
    order = id_.desc() if newest_first else id_
    far = SOME if wanted.of_some else MANY
    last = sa.select(id_, task_logs.c.created_at).where(*bounds).order_by(order).limit(1)
    edge = (await connection.execute(by_index(last.offset(far - 1), task_logs))).first()
    if edge is None:
        return bounds, None
    return [*bounds, id_ >= edge.id if newest_first else id_ <= edge.id], (edge.id, edge.created_at)


def _page(
    wanted: LineFilter, inside: Sequence[sa.ColumnElement[bool]], limit: int, *, newest_first: bool
) -> sa.Select[Any]:
    line = task_logs.c
    query = by_index(sa.select(*LOG).where(*inside), task_logs)
    if wanted.since is not None:
        query = query.where(line.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(line.created_at < wanted.until)
    if wanted.level is not None:
        query = query.where(line.level.in_(LEVELS[LEVELS.index(wanted.level) :]))
    if wanted.text is not None:
        query = query.where(sa.func.lower(line.message).contains(wanted.text.lower(), autoescape=True))
    if wanted.of_some:
        query = in_this_order(query.join(tasks, tasks.c.id == aside(line.task_id)))
    if wanted.types is not None:
        query = query.where(aside(tasks.c.type).in_(wanted.types))
    if wanted.submitted_by is not None:
        query = query.where(aside(tasks.c.submitted_by) == wanted.submitted_by)
    some = query.order_by(line.id.desc() if newest_first else line.id).limit(limit).subquery()
    task = tasks.alias()
    whole = sa.select(some, sa.func.coalesce(task.c.type, "").label("type"))
    whole = whole.outerjoin(task, task.c.id == some.c.task_id)
    return whole.order_by(some.c.id.desc() if newest_first else some.c.id)


async def line_at(connection: AsyncConnection, moment: datetime) -> int:
    """The greatest id of a line from before this moment, nearly: found by halving, without an index on times, which
    every line would pay for."""
    low, high = 0, await connection.scalar(sa.select(sa.func.max(task_logs.c.id))) or 0
    while low < high:
        middle = (low + high) // 2
        row = (await connection.execute(_NEXT, {"id": middle})).first()
        if row is None or row.created_at >= moment:
            high = middle
        else:
            low = row.id
    return low


_NEXT: sa.Select[Any] = (
    sa.select(task_logs.c.id, task_logs.c.created_at)
    .where(task_logs.c.id > sa.bindparam("id"))
    .order_by(task_logs.c.id)
    .limit(1)
)
