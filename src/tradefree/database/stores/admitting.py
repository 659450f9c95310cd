"""Admit: people at a browser, by the hash of their session's token."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.access.sessions import LONGEST, Session
from tradefree.database.console_tables import console_sessions
from tradefree.database.engine import Database
from tradefree.database.stores.auditing import note
from tradefree.database.stores.keeping import KEY, to_key
from tradefree.database.tables import api_keys
from tradefree.tasks.ports import Entry


class AdmittingStore:
    """Sessions of the console."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_session(self, session: Session, entry: Entry) -> None:
        """See ``access.sessions.SessionStore``. A repeat finds the row that is there."""
        old = console_sessions.c.started_at < session.started_at - LONGEST
        row = {
            "token_hash": session.token_hash,
            "key_id": session.key.id,
            "started_at": session.started_at,
            "seen_at": session.seen_at,
        }

        async def unit(connection: AsyncConnection) -> None:
            known = sa.select(console_sessions.c.key_id).where(console_sessions.c.token_hash == session.token_hash)
            if await connection.scalar(known) is None:
                await connection.execute(sa.delete(console_sessions).where(old))
                await connection.execute(sa.insert(console_sessions), row)
                await note(connection, entry)

        await self._database.write(unit)

    async def session(self, token_hash: str) -> Session | None:
        """See ``access.sessions.SessionStore``."""
        mine = console_sessions.c
        query = (
            sa.select(mine.started_at, mine.seen_at, *KEY)
            .join(api_keys, api_keys.c.id == mine.key_id)
            .where(mine.token_hash == token_hash)
        )

        async def unit(connection: AsyncConnection) -> Session | None:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            key = to_key({column.name: row._mapping[column] for column in KEY})
            return Session(token_hash, key, row.started_at, row.seen_at)

        return await self._database.read(unit)

    async def touch_session(self, token_hash: str, at: datetime) -> None:
        """See ``access.sessions.SessionStore``."""
        mine = console_sessions.c.token_hash == token_hash
        await self._execute(sa.update(console_sessions).where(mine).values(seen_at=at))

    async def end_session(self, token_hash: str) -> None:
        """See ``access.sessions.SessionStore``."""
        await self._execute(sa.delete(console_sessions).where(console_sessions.c.token_hash == token_hash))

    async def end_sessions(self, key_id: str, entry: Entry) -> None:
        """See ``access.sessions.SessionStore``."""
        await self._execute(sa.delete(console_sessions).where(console_sessions.c.key_id == key_id), entry)

    async def _execute(self, statement: sa.Update | sa.Delete, entry: Entry | None = None) -> None:
        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(statement)
            await note(connection, entry)

        await self._database.write(unit)
