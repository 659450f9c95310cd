"""Reseal: what is encrypted, under the first secret key, while everything runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.access.secrets import SecretBox
from tradefree.database.engine import Database
from tradefree.database.source_tables import hooks
from tradefree.database.stores.auditing import note_once
from tradefree.database.tables import connections, installation_secrets, subscriptions
from tradefree.errors import SettingsError
from tradefree.tasks.ports import Entry

SEALED: tuple[tuple[str, sa.Column[str]], ...] = (
    ("connection", connections.c.sealed_api_key),
    ("hook", hooks.c.sealed_secrets),
    ("subscription", subscriptions.c.sealed_secrets),
    ("installation", installation_secrets.c.sealed_secrets),
)
"""Every column with an encrypted secret. A test finds those that are missing here."""


@dataclass
class Resealed:
    """What became of the secrets."""

    renewed: int = 0
    """Under the first key now."""
    current: int = 0
    """Were so already."""
    unreadable: list[str] = field(default_factory=list)
    """Those that no key opens: ``connection support-bot``."""


class ResealingStore:
    """Secrets under a new key."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def reseal(self, entry: Entry, *, dry_run: bool = False) -> Resealed:
        """Put every secret under the first key; what no key opens stays as it is. One small transaction for each.

        What somebody changed meanwhile is left to them: a row is written only if it still has the secret that was read.
        """
        done = Resealed()
        for kind, column in SEALED:
            for name, sealed in await self._rows_of(column):
                try:
                    fresh = self._box.renewed(sealed)
                except SettingsError:
                    done.unreadable.append(f"{kind} {name}")
                    continue
                if fresh is None:
                    done.current += 1
                else:
                    done.renewed += 1
                    if not dry_run:
                        await self._put_resealed(column, name, sealed, fresh)
        if not dry_run:
            await self._rotation_noted(entry, done)
        return done

    async def _rows_of(self, column: sa.Column[str]) -> list[tuple[str, str]]:
        async def unit(connection: AsyncConnection) -> list[tuple[str, str]]:
            rows = await connection.execute(sa.select(column.table.c.name, column).order_by(column.table.c.name))
            return [(row[0], row[1]) for row in rows]

        return await self._database.read(unit)

    async def _put_resealed(self, column: sa.Column[str], name: str, sealed: str, fresh: str) -> None:
        mine = (column.table.c.name == name, column == sealed)

        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(sa.update(column.table).where(*mine).values({column.name: fresh}))

        await self._database.write(unit)

    async def _rotation_noted(self, entry: Entry, done: Resealed) -> None:
        detail = {"renewed": done.renewed, "current": done.current, "unreadable": done.unreadable}
        whole = replace(entry, detail=detail)
        await self._database.write(lambda connection: note_once(connection, whole))
