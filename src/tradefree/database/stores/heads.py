"""The first waiting tasks of many lanes.

Mostly one is wanted of each. Then one statement of constant text seeks them all: a union with a part for each lane
takes eight times as long, nearly all of it for putting together and planning 200 parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.columns import Moment, dump_json
from tradefree.database.engine import Database
from tradefree.tasks.ports import Head

AT_ONCE = 200
"""Lanes that are looked at by one statement."""

_FIT = "holds_slot IS NULL AND (expires_at IS NULL OR expires_at > :now)"
"""What has expired is left for those who end it."""


async def find_heads(
    database: Database, connection: AsyncConnection, wanted: Mapping[str, int], now: datetime
) -> dict[str, list[Head]]:
    """So many tasks of each lane at the most, in the order in which they should run."""
    found: dict[str, list[Head]] = {lane: [] for lane in wanted}
    several = {lane: most for lane, most in wanted.items() if most > 1}
    for lanes in _parts([lane for lane, most in wanted.items() if most == 1]):
        first = _first_text(database.sqlite, database.hint("ix_tasks_lane"), database.hint("PRIMARY"))
        for row in await connection.execute(first, {"lanes": dump_json(lanes), "now": now}):
            if row.fit:
                found[row.lane].append(Head(row.id, row.lane, row.crashes))
            else:  # the one behind it may be
                several[row.lane] = 1
    for lanes in _parts(list(several)):
        values = {f"lane{n}": lane for n, lane in enumerate(lanes)} | {
            f"most{n}": several[lane] for n, lane in enumerate(lanes)
        }
        text = _several_text(len(lanes), database.hint("ix_tasks_lane"), database.limited)
        for row in await connection.execute(text, values | {"now": now}):
            found[row.lane].append(Head(row.id, row.lane, row.crashes))
    return found


def _parts(lanes: Sequence[str]) -> list[Sequence[str]]:
    return [lanes[start : start + AT_ONCE] for start in range(0, len(lanes), AT_ONCE)]


@cache
def _first_text(sqlite: bool, by_lane: str, by_id: str) -> sa.TextClause:
    """The first task of each lane, found in the index alone; then its row. The limit keeps the servers from merging the
    parts, for they would seek twice, and read the rows of eight tasks for one. The lane is in the order because MySQL
    would sort them else."""
    lanes = (
        "(SELECT value AS lane FROM json_each(:lanes))"
        if sqlite
        else "JSON_TABLE(:lanes, '$[*]' COLUMNS(lane CHAR(96) CHARACTER SET ascii COLLATE ascii_bin PATH '$'))"
    )
    first = (
        f"SELECT tasks_1.id FROM tasks tasks_1 {by_lane} WHERE tasks_1.status = 'pending' AND tasks_1.lane = v.lane "  # noqa: S608
        "ORDER BY tasks_1.lane, tasks_1.sort_at, tasks_1.id LIMIT 1"
    )
    text = (
        f"SELECT tasks.id, tasks.lane, tasks.crashes, {_FIT} AS fit "  # noqa: S608
        f"FROM (SELECT ({first}) AS id FROM {lanes} v LIMIT {AT_ONCE}) w JOIN tasks {by_id} ON tasks.id = w.id"
    )
    return sa.text(text).bindparams(sa.bindparam("now", type_=Moment))


@cache
def _several_text(lanes: int, by_lane: str, part: str) -> sa.TextClause:
    """The heads of so many lanes, each an index seek of its own."""
    parts = [
        f"SELECT id, lane, crashes FROM tasks {by_lane} WHERE status = 'pending' AND lane = :lane{n} AND {_FIT} "  # noqa: S608
        f"ORDER BY sort_at, id LIMIT :most{n}"
        for n in range(lanes)
    ]
    text = " UNION ALL ".join(part.format(select) for select in parts)
    return sa.text(text).bindparams(sa.bindparam("now", type_=Moment))
