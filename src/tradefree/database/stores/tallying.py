"""Tally: what happened, summed up by stretches of time; and where in the log that stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.console_tables import series_marks, task_series
from tradefree.database.engine import Database
from tradefree.database.stores.following import line_at
from tradefree.database.stores.ways import in_this_order
from tradefree.database.tables import attempts, task_logs, tasks
from tradefree.tasks.callbacks.delivery import CALLBACK
from tradefree.tasks.series import EVENTS, Cell, Happening, Place, Scale

MARK = "tally"
_SUMS = ("accepted", "completed", "failed", "cancelled", "tokens")


class TallyingStore:
    """Sums for charts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def line_at(self, moment: datetime) -> int:
        """See ``ports.TallyStore``."""
        return await self._database.read(lambda connection: line_at(connection, moment), slow=True)

    async def tallied(self) -> int | None:
        """See ``ports.TallyStore``."""
        return await self._database.read(_mark, slow=True)

    async def happened(self, after: int, up_to: int) -> list[Happening]:
        """See ``ports.TallyStore``."""
        line, ended = task_logs.c, attempts.c
        some = sa.select(line.id, line.task_id, line.event, line.attempt, line.created_at)
        some = some.where(line.id > after, line.id <= up_to, line.event.in_(EVENTS)).order_by(line.id)
        lines = some.limit(up_to - after).subquery()  # the limit keeps the server from reading the tables otherwise
        query = sa.select(
            lines.c.created_at,
            lines.c.event,
            tasks.c.type,
            tasks.c.run_at,
            tasks.c.started_at.label("latest"),
            ended.started_at,
            ended.finished_at,
            ended.total_tokens,
            ended.price,
            ended.currency,
        )
        mine = (ended.task_id == lines.c.task_id, ended.number == lines.c.attempt)
        query = query.select_from(
            lines.join(tasks, tasks.c.id == lines.c.task_id).outerjoin(
                attempts, sa.and_(*mine, ended.finished_at == lines.c.created_at)
            )
        ).where(tasks.c.type != CALLBACK)

        async def unit(connection: AsyncConnection) -> list[Happening]:
            return [_happening(row) for row in await connection.execute(in_this_order(query))]

        return await self._database.read(unit, slow=True)

    async def tally(self, after: int | None, up_to: int, cells: Mapping[Place, Cell]) -> bool:
        """See ``ports.TallyStore``. A repeat finds the mark moved already."""

        async def unit(connection: AsyncConnection) -> bool:
            if not await _move_mark(connection, after, up_to):
                return False
            if cells:
                known = await _these(connection, list(cells))
                for place, cell in cells.items():
                    known.setdefault(place, Cell()).add(cell)
                rows = [_row(place, known[place]) for place in sorted(cells, key=_key)]
                await self._database.upsert(connection, task_series, rows)
            return True

        return await self._database.write(unit)

    async def series(self, scale: Scale, types: Sequence[str] | None) -> dict[Place, Cell]:
        """See ``ports.TallyStore``."""
        mine = task_series.c
        query = sa.select(task_series).where(mine.span == scale.span, mine.at >= scale.begin, mine.at < scale.end)
        if types is not None:
            query = query.where(mine.type.in_(types))

        async def unit(connection: AsyncConnection) -> dict[Place, Cell]:
            return dict(map(_cell, await connection.execute(query)))

        return await self._database.read(unit, slow=True)

    async def forget_cells(self, span: int, before: datetime) -> int:
        """See ``ports.TallyStore``."""
        old = sa.delete(task_series).where(task_series.c.span == span, task_series.c.at < before)

        async def unit(connection: AsyncConnection) -> int:
            return (await connection.execute(old)).rowcount

        return await self._database.write(unit)


async def _mark(connection: AsyncConnection) -> int | None:
    mark: int | None = await connection.scalar(sa.select(series_marks.c.log_id).where(series_marks.c.name == MARK))
    return mark


async def _move_mark(connection: AsyncConnection, after: int | None, up_to: int) -> bool:
    """Compare and set: the row is locked from here to the end of the transaction."""
    if after is not None:
        moved = sa.update(series_marks).where(series_marks.c.name == MARK, series_marks.c.log_id == after)
        return (await connection.execute(moved.values(log_id=up_to))).rowcount == 1
    if await _mark(connection) is not None:
        return False
    await connection.execute(sa.insert(series_marks), {"name": MARK, "log_id": up_to})
    return True


async def _these(connection: AsyncConnection, places: Sequence[Place]) -> dict[Place, Cell]:
    """The cells that are there already."""
    mine = task_series.c
    named = sa.tuple_(mine.span, mine.at, mine.type).in_([(place.span, place.at, place.type) for place in places])
    return dict(map(_cell, await connection.execute(sa.select(task_series).where(named))))


def _happening(row: sa.Row[Any]) -> Happening:
    ended = row.finished_at is not None and row.started_at is not None
    latest = ended and row.started_at == row.latest
    return Happening(
        row.created_at,
        row.event,
        row.type,
        (row.started_at - row.run_at).total_seconds() if latest else None,
        (row.finished_at - row.started_at).total_seconds() if ended else None,
        row.total_tokens or 0,
        row.price,
        row.currency,
    )


def _row(place: Place, cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {"span": place.span, "at": place.at, "type": place.type}
    row |= {name: getattr(cell, name) for name in _SUMS}
    row["cost"] = {currency: format(price, "f") for currency, price in cell.cost.items()}
    row["waits"], row["runs"] = _stored(cell.waits), _stored(cell.runs)
    return row


def _stored(classes: Mapping[int, int]) -> dict[str, int]:
    return {str(number): count for number, count in sorted(classes.items())}


def _cell(row: sa.Row[Any]) -> tuple[Place, Cell]:
    cell = Cell(
        **{name: getattr(row, name) for name in _SUMS},
        cost={currency: Decimal(price) for currency, price in row.cost.items()},
        waits=Counter({int(number): count for number, count in row.waits.items()}),
        runs=Counter({int(number): count for number, count in row.runs.items()}),
    )
    return Place(row.span, row.at, row.type), cell


def _key(place: Place) -> tuple[int, datetime, str]:
    """The order of the primary key, in which rows are locked."""
    return place.span, place.at, place.type
