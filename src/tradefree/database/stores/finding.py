"""Find: the one index that leads to the tasks wanted, so that a page of a million tasks is read from a few rows.

A filter names its ways (see ``ways``); the shortest is taken. A text to search for has no way of its own: every task
that the other conditions leave is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.rows import label_digest, may_name
from tradefree.database.stores.ways import TICK, Way, in_this_order, shortest
from tradefree.database.tables import task_labels, tasks
from tradefree.ids import first_id_at
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.ports import Place, TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import lane_of


class Finding:
    """One page of one search."""

    def __init__(self, database: Database, wanted: TaskFilter, below: Place | None, limit: int) -> None:
        self._database = database
        self._wanted = wanted
        self._below = below
        self._limit = limit
        self._types = _wanted_types(wanted)

    async def page(self, connection: AsyncConnection, columns: Sequence[sa.Column[Any]]) -> sa.Select[Any] | None:
        """The query for these columns of the page's tasks; None if nothing can be wanted."""
        way = await self._way(connection)
        return None if way is None else self._rows(columns, [self._part(way, start) for start in way.starts])

    async def newest(self, connection: AsyncConnection, columns: Sequence[sa.Column[Any]]) -> sa.Select[Any] | None:
        """The query for these columns of those of the newest tasks that match: no more are read than wanted, however
        few match. None if nothing can be wanted."""
        way = await self._way(connection)
        if way is None:
            return None
        share = max(1, self._limit // len(way.starts))
        ids = sa.select(way.id).select_from(way.table).order_by(way.id.desc()).limit(share)
        parts = [by_index(ids.where(start, *self._bounds(way.id)), way.table, way.index) for start in way.starts]
        return self._rows(columns, parts).where(*_conditions(self._wanted, self._types))

    async def _way(self, connection: AsyncConnection) -> Way | None:
        ways = await self._ways(connection)
        return await shortest(connection, ways, self._bounds) if all(way.starts for way in ways) else None

    def _rows(self, columns: Sequence[sa.Column[Any]], parts: Sequence[sa.Select[Any]]) -> sa.Select[Any]:
        """These columns of the first tasks whose ids the parts give."""
        parts = [sa.select(part.subquery()) for part in parts]
        ids = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
        rows = sa.select(*columns).select_from(ids).join(tasks, tasks.c.id == ids.c[0])
        return in_this_order(rows).order_by(*self._order(tasks.c.id)).limit(self._limit)

    def _order(self, id_: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
        return [tasks.c.finished_at.desc(), id_.desc()] if self._wanted.by_end else [id_.desc()]

    async def _ways(self, connection: AsyncConnection) -> list[Way]:
        wanted = self._wanted
        found = [_way("finished", sa.and_(*self._ended(tasks.c.finished_at)))] if wanted.by_end else []
        found += [_label(name, value) for name, value in wanted.labels.items()]
        if wanted.concurrency_key is not None:
            found.append(await self._lanes(connection, wanted.concurrency_key))
        if wanted.submitted_by is not None:
            found.append(_way("submitter", tasks.c.submitted_by == wanted.submitted_by))
        if wanted.statuses:
            found.append(_way("status", *(tasks.c.status == status for status in set(wanted.statuses))))
        if self._types is not None:
            found.append(_way("type", *(tasks.c.type == name for name in self._types)))
        return found or [Way("PRIMARY", (sa.true(),), tasks, tasks.c.id)]

    async def _lanes(self, connection: AsyncConnection, key: str) -> Way:
        """The key's lanes, one for each type. Their ids are not in order, but one key has few tasks."""
        types = self._types
        if types is None:
            query = by_index(sa.select(tasks.c.type).distinct(), tasks, "ix_tasks_type")
            types = list((await connection.execute(query)).scalars())
        lanes = tasks.c.lane.in_([lane_of(name, key) for name in types])
        starts = (tasks.c.status.in_(self._wanted.statuses or list(Status)) & lanes,)
        return Way("ix_tasks_lane", starts, tasks, aside(tasks.c.id))

    def _part(self, way: Way, start: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """The first ids behind one start that meet all conditions."""
        ids = sa.select(way.id).select_from(way.table)
        if way.table is not tasks:
            ids = ids.join(tasks, tasks.c.id == way.id)
        ids = ids.where(start, *self._bounds(way.id), *_conditions(self._wanted, self._types))
        if self._wanted.by_end:
            ids = ids.where(*self._ended(aside(tasks.c.finished_at)))
        return in_this_order(by_index(ids, way.table, way.index)).order_by(*self._order(way.id)).limit(self._limit)

    def _ended(self, at: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """The ends that are wanted, below the place that the page before led to."""
        wanted, below = self._wanted, self._below
        found = [] if wanted.finished_after is None else [at > wanted.finished_after]
        if wanted.finished_before is not None:
            found.append(at < wanted.finished_before)
        if below is not None:
            found += [at <= below.finished_at, sa.or_(at < below.finished_at, aside(tasks.c.id) < below.id)]
        return found

    def _bounds(self, id_: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """Ids carry the time of creation, so times are bounds of ids. Nothing ends before it is created."""
        wanted, below = self._wanted, self._below
        bounds = [] if below is None or wanted.by_end else [id_ < below.id]
        if wanted.created_after is not None:
            bounds.append(id_ >= first_id_at(wanted.created_after))
        before = [moment for moment in (wanted.created_before, wanted.finished_before) if moment is not None]
        if before:
            bounds.append(id_ < first_id_at(min(before) + TICK))
        return bounds


def _wanted_types(wanted: TaskFilter) -> list[str] | None:
    """The types that are wanted and may be seen; None: any."""
    if not wanted.types and wanted.only_types is None:
        return None
    names = dict.fromkeys(wanted.types or wanted.only_types or ())
    return [name for name in names if may_name(name) and (wanted.only_types is None or name in wanted.only_types)]


def _way(index: str, *starts: sa.ColumnElement[bool]) -> Way:
    return Way(f"ix_tasks_{index}", starts, tasks, tasks.c.id)


def _label(name: str, value: str) -> Way:
    return Way("PRIMARY", (task_labels.c.digest == label_digest(name, value),), task_labels, task_labels.c.task_id)


def _conditions(wanted: TaskFilter, types: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """Everything a task must be to be found. What has an index is looked at aside from it: another way was chosen."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(aside(tasks.c.status).in_(wanted.statuses))
    if types is not None:
        found.append(aside(tasks.c.type).in_(types))
    if wanted.without_deliveries:
        found.append(tasks.c.type != CALLBACK)
    if wanted.concurrency_key is not None:
        # by the lane's digest: a collation that pads would find 'key ' too
        found.append(tasks.c.lane.endswith(lane_of("", wanted.concurrency_key)))
    if wanted.submitted_by is not None:
        found.append(aside(tasks.c.submitted_by) == wanted.submitted_by)
    if wanted.created_after is not None:
        found.append(tasks.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        found.append(tasks.c.created_at < wanted.created_before)
    for name, value in wanted.labels.items():
        found.append(_labelled(label_digest(name, value)))
    if wanted.text:
        found.append(_mentions(wanted.text))
    return found


def _labelled(digest: str) -> sa.ColumnElement[bool]:
    """Whether the task has the label. Not EXISTS: MariaDB would first collect all tasks that have it."""
    label = task_labels.alias()
    mine = sa.select(sa.literal(1)).where(label.c.task_id == tasks.c.id, label.c.digest == digest)
    return mine.correlate(tasks).limit(1).scalar_subquery() == 1


def _mentions(text: str) -> sa.ColumnElement[bool]:
    """Whatever the case; accents, widths and spaces count."""
    text = text.lower()
    label = task_labels.alias()
    return sa.or_(
        tasks.c.id.startswith(text, autoescape=True) if text.isascii() else sa.false(),
        sa.func.lower(tasks.c.concurrency_key).contains(text, autoescape=True),
        sa.func.lower(tasks.c.error_message).contains(text, autoescape=True),
        sa.exists().where(label.c.task_id == tasks.c.id, sa.func.lower(label.c.value).contains(text, autoescape=True)),
    )
