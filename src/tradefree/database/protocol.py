"""The protocol: which versions may work on one database at the same time. See docs/decisions/0010-protocol.md.

The number stands on the leader's row. Every round, every beat and every enlisting reads that row anyway, so a process
that speaks another protocol finds out at once, and stops.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.tables import leaders, workers
from tradefree.errors import Outdated, SettingsError

PROTOCOL = 4
"""What this version speaks. A change that running processes of the version before could not live with raises it, in a
migration that begins with ``raise_protocol``; other migrations, such as a new column that may be empty, do not."""


def require_same(found: int) -> None:
    """Raise Outdated if the database speaks another protocol than this version."""
    if found != PROTOCOL:
        raise Outdated(
            f"the database speaks protocol {found}, this version of tradefree speaks {PROTOCOL}: "
            f"{'upgrade tradefree' if found > PROTOCOL else 'run `tradefree migrate`'} and start again"
        )


async def require_protocol(connection: AsyncConnection) -> None:
    """Raise Outdated if the database speaks another protocol than this version."""
    require_same(int(await connection.scalar(sa.select(leaders.c.protocol)) or 0))


def raise_protocol(connection: sa.Connection, to: int) -> None:
    """For migrations, in either direction: the first thing they do. SettingsError unless all processes have stopped."""
    require_stopped(connection)
    connection.execute(sa.update(leaders).values(protocol=to))


def require_stopped(connection: sa.Connection) -> None:
    """Raise SettingsError, saying who, unless nobody works on this database. A killed process counts while its lease
    runs, 15 s at most."""
    if not all(map(sa.inspect(connection).has_table, (workers.name, leaders.name))):
        return  # an earlier try broke off, and nobody can work on what it left
    now = _now(connection)
    live = connection.scalar(
        sa.select(sa.func.count()).where(workers.c.status.in_(["live", "draining"]), workers.c.lease_until > now)
    )
    leads = connection.scalar(sa.select(leaders.c.holder).where(leaders.c.lease_until > now))
    working = [f"{live} worker{'s' if live != 1 else ''}"] if live else []
    working += [f"the task service {leads}"] if leads else []
    if working:
        raise SettingsError(
            f"this migration needs the database for itself; at work on it: {', '.join(working)}; "
            "stop all services and workers, wait 15 s, and migrate again"
        )


def _now(connection: sa.Connection) -> datetime:
    """The clock that leases are measured by, as ``Database.now``."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = connection.execute(sa.text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
    return now.replace(tzinfo=UTC)
