"""Find: the one index that leads to the tasks wanted, so that a page of a million tasks is read from a few rows.

Left to themselves MariaDB and MySQL walk the table from its newest row until the page is full, which is the whole
table when little fits. So a filter names its *ways*: indexes that give the ids of what it asks for, newest first. If
there are several, each is tried for a short distance and the shortest is taken; the other conditions are looked at on
the way. A text to search for has no way of its own: every task that the other conditions leave is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, aside, by_index
from tradefree.database.rows import label_digest, may_name
from tradefree.database.tables import task_labels, tasks
from tradefree.ids import first_id_at
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.states import Status
from tradefree.tasks.task import lane_of

TRIAL = 1000
"""Rows counted at most to find out which way is the shortest."""
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Way:
    """An index to find tasks by. Each of ``starts`` is one value in it, under which ids are in order."""

    index: str
    starts: tuple[sa.ColumnElement[bool], ...]
    table: sa.Table = tasks
    id: sa.ColumnElement[Any] = tasks.c.id


class Finding:
    """One page of one search."""

    def __init__(self, database: Database, wanted: TaskFilter, before_id: str | None, limit: int) -> None:
        self._database = database
        self._wanted = wanted
        self._before_id = before_id
        self._limit = limit
        self._types = _wanted_types(wanted)

    async def page(self, connection: AsyncConnection, columns: Sequence[sa.Column[Any]]) -> sa.Select[Any] | None:
        """The query for these columns of the page's tasks; None if nothing can be wanted."""
        ways = await self._ways(connection)
        if not all(way.starts for way in ways):
            return None
        way = ways[0] if len(ways) == 1 else await self._shortest(connection, ways)
        parts = [sa.select(self._part(way, start).subquery()) for start in way.starts]
        ids = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
        page = sa.select(*columns).select_from(ids).join(tasks, tasks.c.id == ids.c[0])
        return in_this_order(page).order_by(tasks.c.id.desc()).limit(self._limit)

    async def _ways(self, connection: AsyncConnection) -> list[Way]:
        wanted = self._wanted
        found = [_label(name, value) for name, value in wanted.labels.items()]
        if wanted.concurrency_key is not None:
            found.append(await self._lanes(connection, wanted.concurrency_key))
        if wanted.submitted_by is not None:
            found.append(Way("ix_tasks_submitter", (tasks.c.submitted_by == wanted.submitted_by,)))
        if wanted.statuses:
            found.append(Way("ix_tasks_status", tuple(tasks.c.status == status for status in set(wanted.statuses))))
        if self._types is not None:
            found.append(Way("ix_tasks_type", tuple(tasks.c.type == name for name in self._types)))
        return found or [Way("PRIMARY", (sa.true(),))]

    async def _lanes(self, connection: AsyncConnection, key: str) -> Way:
        """The key's lanes, one for each type. Their ids are not in order, but one key has few tasks."""
        types = self._types
        if types is None:
            query = by_index(sa.select(tasks.c.type).distinct(), tasks, "ix_tasks_type")
            types = list((await connection.execute(query)).scalars())
        lanes = tasks.c.lane.in_([lane_of(name, key) for name in types])
        starts = (tasks.c.status.in_(self._wanted.statuses or list(Status)) & lanes,)
        return Way("ix_tasks_lane", starts, id=aside(tasks.c.id))

    async def _shortest(self, connection: AsyncConnection, ways: Sequence[Way]) -> Way:
        counts = []
        for way in ways:
            trial = sa.select(sa.literal(1)).where(sa.or_(*way.starts), *self._bounds(way.id)).limit(TRIAL)
            trial = by_index(trial, way.table, way.index)
            counts.append(sa.select(sa.func.count()).select_from(trial.subquery()).scalar_subquery())
        numbers = (await connection.execute(sa.select(*counts))).one()
        return min(zip(numbers, ways, strict=True), key=lambda pair: int(pair[0]))[1]

    def _part(self, way: Way, start: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """The newest ids behind one start that meet all conditions."""
        ids = sa.select(way.id).select_from(way.table)
        if way.table is not tasks:
            ids = ids.join(tasks, tasks.c.id == way.id)
        ids = ids.where(start, *self._bounds(way.id), *_conditions(self._wanted, self._types))
        return in_this_order(by_index(ids, way.table, way.index)).order_by(way.id.desc()).limit(self._limit)

    def _bounds(self, id_: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
        """Ids carry the time of creation, so times are bounds of ids."""
        bounds = [] if self._before_id is None else [id_ < self._before_id]
        if self._wanted.created_after is not None:
            bounds.append(id_ >= first_id_at(self._wanted.created_after))
        if self._wanted.created_before is not None:
            bounds.append(id_ < first_id_at(self._wanted.created_before + _TICK))
        return bounds


def in_this_order(query: sa.Select[Any]) -> sa.Select[Any]:
    """Read the tables in the order they are written in."""
    return query.prefix_with("STRAIGHT_JOIN", dialect="mysql").prefix_with("STRAIGHT_JOIN", dialect="mariadb")


def _wanted_types(wanted: TaskFilter) -> list[str] | None:
    """The types that are wanted and may be seen; None: any."""
    if not wanted.types and wanted.only_types is None:
        return None
    names = dict.fromkeys(wanted.types or wanted.only_types or ())
    return [name for name in names if may_name(name) and (wanted.only_types is None or name in wanted.only_types)]


def _label(name: str, value: str) -> Way:
    return Way("PRIMARY", (task_labels.c.digest == label_digest(name, value),), task_labels, task_labels.c.task_id)


def _conditions(wanted: TaskFilter, types: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """Everything a task must be to be found."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(tasks.c.status.in_(wanted.statuses))
    if types is not None:
        found.append(tasks.c.type.in_(types))
    if wanted.without_deliveries:
        found.append(tasks.c.type != CALLBACK)
    if wanted.concurrency_key is not None:
        # by the lane's digest: a collation that pads would find 'key ' too
        found.append(tasks.c.lane.endswith(lane_of("", wanted.concurrency_key)))
    if wanted.submitted_by is not None:
        found.append(tasks.c.submitted_by == wanted.submitted_by)
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
