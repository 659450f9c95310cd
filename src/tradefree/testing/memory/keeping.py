"""API keys, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tradefree.access.keys import ApiKey
from tradefree.tasks.ports import Entry
from tradefree.testing.memory.tables import Tables


class Keeping:
    """Implements ``access.keys.KeyStore``. Keys are frozen, so they need no copies."""

    _tables: Tables

    async def add_key(self, key: ApiKey, secret_hash: str, entry: Entry | None = None) -> None:
        async with self._tables.write():
            if any(hashed == secret_hash for hashed, _ in self._tables.api_keys.values()):
                raise ValueError("there is already a key with this secret")
            self._tables.api_keys[key.id] = (secret_hash, key)
            self._tables.note(entry)

    async def key_by_hash(self, secret_hash: str) -> ApiKey | None:
        await self._tables.read()
        return next((key for hashed, key in self._tables.api_keys.values() if hashed == secret_hash), None)

    async def keys(self) -> list[ApiKey]:
        await self._tables.read()
        return [key for _, (_, key) in sorted(self._tables.api_keys.items())]

    async def revoke_key(self, key_id: str, at: datetime, entry: Entry | None = None) -> ApiKey | None:
        async with self._tables.write():
            key = self._key(key_id)
            if key is None or key.revoked_at is not None:
                return key
            self._tables.note(entry)
            return self._put(replace(key, revoked_at=at))

    async def touch_key(self, key_id: str, at: datetime) -> None:
        async with self._tables.write():
            if (key := self._key(key_id)) is not None:
                self._put(replace(key, last_used_at=at))

    def _key(self, key_id: str) -> ApiKey | None:
        return self._tables.api_keys.get(key_id, ("", None))[1]

    def _put(self, key: ApiKey) -> ApiKey:
        self._tables.api_keys[key.id] = (self._tables.api_keys[key.id][0], key)
        return key
