"""Sessions of the console, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tradefree.access.sessions import LONGEST, Session
from tradefree.tasks.ports import Entry
from tradefree.testing.memory.tables import Tables


class Admitting:
    """Implements ``access.sessions.SessionStore``."""

    _tables: Tables

    async def add_session(self, session: Session, entry: Entry) -> None:
        async with self._tables.write():
            if session.token_hash not in self._tables.sessions:
                oldest = session.started_at - LONGEST
                self._keep([kept for kept in self._tables.sessions.values() if kept.started_at >= oldest])
                self._tables.sessions[session.token_hash] = session
                self._tables.note(entry)

    async def session(self, token_hash: str) -> Session | None:
        await self._tables.read()
        session = self._tables.sessions.get(token_hash)
        if session is None or session.key.id not in self._tables.api_keys:
            return None
        return replace(session, key=self._tables.api_keys[session.key.id][1])

    async def touch_session(self, token_hash: str, at: datetime) -> None:
        async with self._tables.write():
            if (session := self._tables.sessions.get(token_hash)) is not None:
                self._tables.sessions[token_hash] = replace(session, seen_at=at)

    async def end_session(self, token_hash: str) -> None:
        async with self._tables.write():
            self._tables.sessions.pop(token_hash, None)

    async def end_sessions(self, key_id: str, entry: Entry) -> None:
        async with self._tables.write():
            self._keep([kept for kept in self._tables.sessions.values() if kept.key.id != key_id])
            self._tables.note(entry)

    def _keep(self, sessions: list[Session]) -> None:
        self._tables.sessions = {session.token_hash: session for session in sessions}
