"""Ways: indexes that lead to the rows wanted, and which of them is the shortest.

Left to themselves MariaDB and MySQL walk a table from its newest row until the page is full, which is the whole table
when little fits. So a search names its ways; if there are several, each is tried for a short distance and the shortest
is taken; the other conditions are looked at on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import by_index

TRIAL = 1000
"""Rows counted at most to find out which way is the shortest."""
TICK = timedelta(milliseconds=1)
"""Ids carry milliseconds."""


@dataclass(frozen=True, slots=True)
class Way:
    """An index to find rows by. Each of ``starts`` is one value in it, under which ids are in order."""

    index: str
    starts: tuple[sa.ColumnElement[bool], ...]
    table: sa.Table
    id: sa.ColumnElement[Any]


Bounds = Callable[[sa.ColumnElement[Any]], Sequence[sa.ColumnElement[bool]]]
"""What is asked of an id, whichever table it stands in."""


async def shortest(connection: AsyncConnection, ways: Sequence[Way], bounds: Bounds) -> Way:
    """The way with the fewest rows; of those that are all too long to be counted the first."""
    if len(ways) == 1:
        return ways[0]
    counts = []
    for way in ways:
        trial = sa.select(sa.literal(1)).where(sa.or_(*way.starts), *bounds(way.id)).limit(TRIAL)
        trial = by_index(trial, way.table, way.index)
        counts.append(sa.select(sa.func.count()).select_from(trial.subquery()).scalar_subquery())
    numbers = (await connection.execute(sa.select(*counts))).one()
    return min(zip(numbers, ways, strict=True), key=lambda pair: int(pair[0]))[1]


def in_this_order(query: sa.Select[Any]) -> sa.Select[Any]:
    """Read the tables in the order they are written in."""
    return query.prefix_with("STRAIGHT_JOIN", dialect="mysql").prefix_with("STRAIGHT_JOIN", dialect="mariadb")
