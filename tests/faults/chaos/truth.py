"""The database as the judge sees it: read past the system, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine


class Truth:
    """Reads rows. While the database is away it says so by None or by an exception, as the caller wants."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self._engine = create_async_engine(
            self._url,
            isolation_level="AUTOCOMMIT",
            pool_pre_ping=True,
            pool_size=8,
            connect_args={"connect_timeout": 2, "read_timeout": 5},
        )

    async def create(self) -> None:
        """Make the empty database."""
        engine = create_async_engine(self._url.set(database=""))
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"CREATE DATABASE {self._url.database} CHARACTER SET utf8mb4")
        await engine.dispose()

    async def close(self) -> None:
        await self._engine.dispose()

    async def rows(self, sql: str, **values: Any) -> Sequence[sa.Row[Any]]:
        """What the query finds; raises while the database is away."""
        async with self._engine.connect() as connection:
            return (await connection.execute(sa.text(sql), values)).all()

    async def look(self, sql: str, **values: Any) -> Sequence[sa.Row[Any]] | None:
        """The same, or None while the database is away."""
        with suppress(DBAPIError, OSError):
            return await self.rows(sql, **values)
        return None

    # ── locks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def leader(self) -> tuple[str, int] | None:
        """Holder and process id of the leader; None if nobody leads or the database is away."""
        rows = await self.look("SELECT holder FROM leaders WHERE lease_until > UTC_TIMESTAMP(6)")
        if not rows or rows[0].holder is None:
            return None
        return rows[0].holder, int(rows[0].holder.split(":")[1])

    async def round_under_way(self) -> bool:
        """True if somebody holds the lock on the leader's row now."""
        try:
            async with self._engine.connect() as connection:
                transaction = await connection.execution_options(isolation_level="READ COMMITTED")
                await transaction.execute(sa.text("SELECT epoch FROM leaders FOR UPDATE NOWAIT"))
                await transaction.rollback()
        except DBAPIError as error:
            return bool(error.orig and error.orig.args and error.orig.args[0] == LOCKED)
        return False

    async def lock_holders(self) -> set[int]:
        """The client ports of connections whose transactions hold row locks now."""
        rows = await self.look(
            "SELECT p.host FROM information_schema.innodb_trx t JOIN information_schema.processlist p "
            "ON p.id = t.trx_mysql_thread_id WHERE t.trx_rows_locked > 0"
        )
        return {int(row.host.rpartition(":")[2]) for row in rows or ()}


LOCKED = 1205
"""MariaDB: the lock is another's (NOWAIT)."""
