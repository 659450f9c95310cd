"""A database with something in every table: hard to carry values where any are allowed, and tasks in all states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from database.servers import empty_database
from stores.acts import Acts
from tradefree.access.secrets import SecretBox, new_key
from tradefree.clock import SystemClock
from tradefree.database.columns import Flag, JsonText, Moment, Money
from tradefree.database.engine import Database
from tradefree.database.migrate import upgrade
from tradefree.database.store import SqlStore
from tradefree.database.tables import metadata
from tradefree.tasks.outcome import DidNotWork
from tradefree.testing.clock import FrozenClock

NOW = datetime(2026, 3, 29, 1, 59, 59, 7, tzinfo=UTC)
HARD = "ñ 你好 👋 \\ ' \" \\' %s :x {} \t\r\n \x01\x1f \u2028 \U0010ffff "
"""Text that somebody's quoting could break."""
OWN = {"tasks", "task_logs", "attempts", "task_totals", "leaders", "workers", "alembic_version"}
"""Tables whose rows must fit together."""
DECISION = {"outcome": "no_match", "task_id": None}


async def database_of(kind: str, folder: Path) -> sa.URL:
    """The URL of an empty database."""
    return sa.make_url(f"sqlite+aiosqlite:///{folder}/{kind}.db") if kind == "sqlite" else await empty_database(kind)


async def filled(url: sa.URL, number: int = 3) -> SqlStore:
    """A store on this database, migrated and filled."""
    clock = FrozenClock(NOW)
    store = SqlStore(url, clock, SecretBox(new_key()))
    await upgrade(store.database)
    store.database.time_is_the_clocks()
    acts = Acts(store, clock)
    for n in range(number):
        await acts.completed(output={"text": HARD * 50, "n": n, "big": 2**60, "float": 0.1 + n / 3})
        await acts.failed(message=HARD, labels={"shop": f"de {n}", "x": HARD})
        clock.advance(0.25)
    await acts.running("slow", concurrency_key=HARD[:40])
    retried = await acts.running("again")
    await acts.finish(retried, DidNotWork("x", HARD, retryable=False))
    await acts.submitted(input_data={"deep": [[[HARD]]], "empty": {}}, run_in=60)
    await acts.submitted(priority=-5)
    await store.database.write(_fill)
    return store


async def _fill(connection: AsyncConnection) -> None:
    for table in metadata.sorted_tables:
        if table.name not in OWN:
            for n in range(2):
                row = {column.name: _value(column, n) for column in table.c}
                row |= DECISION if table.name == "event_decisions" else {}
                row |= {"event_id": _value(table.c.event_id, n)} if table.name == "event_decisions" else {}
                await connection.execute(sa.insert(table).values(row))


def _value(column: sa.Column[Any], n: int) -> Any:
    """Any value; the second row has nothing where that is allowed."""
    if column.nullable and n:
        return None
    kind = column.type
    if isinstance(kind, Moment):
        return NOW + timedelta(microseconds=n)
    if isinstance(kind, JsonText):
        return {"a": HARD, "b": [1, 2.5, None, True, {}], "n": n}
    if isinstance(kind, Flag):
        return True
    if isinstance(kind, Money):
        return None
    if isinstance(kind, (sa.Integer, sa.SmallInteger)):
        return 2**62 + n if isinstance(kind, sa.BigInteger) else 30_000 + n
    if isinstance(kind, sa.Double):
        return 0.1 + n
    length = getattr(kind, "length", None) or 500
    of_machines = "ascii_bin" in str(
        kind.dialect_impl(sa.dialects.mysql.dialect()).compile(sa.dialects.mysql.dialect())
    )
    return f"a{n}" if of_machines else f"{n}{HARD}"[:length]


async def emptied(url: sa.URL) -> sa.URL:
    """The database of a server, with nothing in it again."""
    database = Database(url, SystemClock())
    await database.migrate(lambda connection: connection.run_sync(_drop_all))
    await database.close()
    return url


def _drop_all(connection: sa.Connection) -> None:
    found = sa.MetaData()
    found.reflect(connection)
    found.drop_all(connection)
