"""Measure: what monitoring wants to know of all tasks. What waits is read from one index in its order, what has ended
from the running totals, how long things take from a sample of the newest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.backup_tables import backups
from tradefree.database.columns import Moment
from tradefree.database.engine import Database, by_index
from tradefree.database.rows import WORKER, to_worker
from tradefree.database.stores.leading import NAME
from tradefree.database.stores.standing import find_standing
from tradefree.database.tables import attempts, leaders, subscriptions, task_totals, tasks, workers
from tradefree.tasks.ports import Measures
from tradefree.tasks.states import LIVE, Status

SAMPLE = 200
"""Attempts that ended lately, and running ones, from which it is told how long attempts take."""
HEADS = 200
"""Task types whose first waiting task is looked at, those that wait longest."""


@dataclass(slots=True)
class _Counts:
    """Tasks by type and status, and the head of each type's line: when it is ordered, and its lane."""

    numbers: dict[str, dict[Status, int]] = field(default_factory=dict)
    heads: list[tuple[datetime, str, str]] = field(default_factory=list)

    def add(self, name: str, status: str, number: int) -> None:
        self.numbers.setdefault(name, dict.fromkeys(Status, 0))[Status(status)] += number

    @property
    def pending(self) -> dict[str, int]:
        return {name: counts[Status.PENDING] for name, counts in self.numbers.items() if counts[Status.PENDING]}


class MeasuringStore:
    """For monitoring. It reads over the connections of those who wait, so nobody else waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def measures(self) -> Measures:
        """See ``ports.MeasureStore``."""

        async def unit(connection: AsyncConnection) -> Measures:
            now = await self._database.now(connection)
            counts = await _count(connection)
            leader = sa.select(leaders.c.lease_until).where(leaders.c.name == NAME)
            until = (await connection.execute(leader)).scalar_one_or_none()
            backed_up_at, proved_at = await _backups(connection)
            return Measures(
                at=now,
                counts=counts.numbers,
                standing=await find_standing(connection, now, counts.pending),
                first_due=await _first_due(self._database, connection, counts.heads),
                seconds=await _seconds(connection, now),
                workers=[to_worker(row) for row in await connection.execute(sa.select(*WORKER).order_by(workers.c.id))],
                subscriptions=await _subscriptions(connection),
                backed_up_at=backed_up_at,
                proved_at=proved_at,
                led=until is not None and until > now,
            )

        return await self._database.read(unit, slow=True)

    async def pending_in(self, lanes: Sequence[str]) -> dict[str, int]:
        """See ``ports.MeasureStore``."""
        if not lanes:
            return {}
        query = sa.select(tasks.c.lane, sa.func.count()).where(
            tasks.c.status == Status.PENDING, tasks.c.lane.in_(lanes)
        )
        query = by_index(query.group_by(tasks.c.lane), tasks, "ix_tasks_lane")

        async def unit(connection: AsyncConnection) -> dict[str, int]:
            return {row[0]: row[1] for row in await connection.execute(query)}

        return await self._database.read(unit, slow=True)


async def _count(connection: AsyncConnection) -> _Counts:
    first = sa.func.min(tasks.c.sort_at).label("first")
    waiting = sa.select(tasks.c.status, tasks.c.lane, sa.func.count().label("number"), first)
    waiting = waiting.where(tasks.c.status.in_(sorted(LIVE))).group_by(tasks.c.status, tasks.c.lane)
    lanes = by_index(waiting, tasks, "ix_tasks_lane").subquery()
    type_ = sa.func.substr(lanes.c.lane, 1, sa.func.instr(lanes.c.lane, "/") - 1)
    same = (type_, lanes.c.status)
    ranked = sa.select(
        type_.label("type"),
        lanes.c.status,
        lanes.c.lane,
        lanes.c.first,
        sa.func.sum(lanes.c.number).over(partition_by=same).label("number"),
        sa.func.row_number().over(partition_by=same, order_by=(lanes.c.first, lanes.c.lane)).label("place"),
    ).subquery()
    counts = _Counts()
    for row in await connection.execute(sa.select(ranked).where(ranked.c.place == 1)):
        counts.add(row.type, row.status, int(row.number))
        if row.status == Status.PENDING:
            counts.heads.append((row.first, row.type, row.lane))
    ended = sa.select(task_totals.c.type, task_totals.c.status, sa.func.sum(task_totals.c.number))
    for name, status, number in await connection.execute(ended.group_by(task_totals.c.type, task_totals.c.status)):
        counts.add(name, status, int(number))
    return counts


async def _first_due(
    database: Database, connection: AsyncConnection, heads: Iterable[tuple[datetime, str, str]]
) -> dict[str, datetime]:
    names = {lane: name for _, name, lane in sorted(heads)[:HEADS]}
    if not names:
        return {}
    select = (
        f"SELECT lane, run_at FROM tasks {database.hint('ix_tasks_lane')} "  # noqa: S608
        "WHERE status = 'pending' AND lane = :lane{n} ORDER BY sort_at LIMIT 1"
    )
    text = " UNION ALL ".join(database.limited.format(select.format(n=n)) for n in range(len(names)))
    query = sa.text(text).columns(sa.column("lane", sa.String), sa.column("run_at", Moment))
    rows = await connection.execute(query, {f"lane{n}": lane for n, lane in enumerate(names)})
    return {names[lane]: moment for lane, moment in rows}


async def _seconds(connection: AsyncConnection, now: datetime) -> dict[str, float]:
    """The mean of what ended lately or, where that is more, of what runs now: slow ones end last."""
    newest = sa.select(attempts.c.task_id, attempts.c.started_at, attempts.c.finished_at)
    newest = newest.order_by(attempts.c.task_id.desc(), attempts.c.number.desc()).limit(SAMPLE)
    sample = newest.subquery()
    ended = sa.select(tasks.c.type, sample.c.started_at, sample.c.finished_at)
    ended = ended.select_from(sample.join(tasks, tasks.c.id == sample.c.task_id))
    running = sa.select(tasks.c.type, tasks.c.started_at, sa.null()).where(tasks.c.status == Status.PROCESSING)
    running = by_index(running.order_by(tasks.c.id.desc()).limit(SAMPLE), tasks, "ix_tasks_status")
    means = [_means(await connection.execute(query), now) for query in (ended, running)]
    return {name: max(mean.get(name, 0.0) for mean in means) for name in {name for mean in means for name in mean}}


def _means(rows: Iterable[Any], now: datetime) -> Mapping[str, float]:
    took: dict[str, list[float]] = defaultdict(list)
    for name, began, ended in rows:
        if began is not None:
            took[name].append(max(0.0, ((ended or now) - began).total_seconds()))
    return {name: sum(seconds) / len(seconds) for name, seconds in took.items()}


async def _subscriptions(connection: AsyncConnection) -> dict[str, int]:
    state = sa.case(
        (subscriptions.c.paused.is_not(None), "paused"), (subscriptions.c.failures > 0, "failing"), else_="well"
    ).label("state")
    rows = await connection.execute(sa.select(state, sa.func.count()).group_by(state))
    return {"well": 0, "failing": 0, "paused": 0} | {row[0]: row[1] for row in rows}


async def _backups(connection: AsyncConnection) -> tuple[datetime | None, datetime | None]:
    made = sa.select(sa.func.max(backups.c.made_at)).where(backups.c.error.is_(None))
    proved = sa.select(sa.func.max(backups.c.proved_at)).where(backups.c.proof_error.is_(None))
    return await connection.scalar(made), await connection.scalar(proved)
