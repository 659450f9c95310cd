"""Hooks: definitions with sealed secrets, and what was counted of their messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.access.secrets import SecretBox
from tradefree.database.engine import Database
from tradefree.database.rows import may_name
from tradefree.database.source_tables import hook_totals, hooks
from tradefree.database.stores.defining import changed
from tradefree.errors import NotFound, SettingsError
from tradefree.events.hooks.hook import Hook
from tradefree.events.hooks.ports import Received, Tally
from tradefree.tasks.ports import Entry

log = structlog.get_logger(__name__)


class HookingStore:
    """See ``events.hooks.ports.HookStore``."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def hooks(self, *, strict: bool = False) -> dict[str, Hook]:
        """See ``HookStore``."""

        async def unit(connection: AsyncConnection) -> list[sa.RowMapping]:
            rows = await connection.execute(sa.select(hooks).order_by(hooks.c.name))
            return [row._mapping for row in rows]

        found = {}
        for row in await self._database.read(unit):
            try:
                found[row["name"]] = self._open_hook(row)
            except SettingsError as error:
                if strict:
                    raise
                log.error("hook left out", hook=row["name"], error=str(error))  # noqa: TRY400
        return found

    def _open_hook(self, row: sa.RowMapping) -> Hook:
        secrets = orjson.loads(self._box.open(row["sealed_secrets"]))
        return Hook.model_validate({**row["document"], "secrets": secrets})

    def _is_hook(self, row: sa.RowMapping, hook: Hook) -> bool:
        try:
            return self._open_hook(row) == hook
        except SettingsError:  # it cannot be read any more, so it is replaced
            return False

    async def put_hook(self, hook: Hook, entry: Entry | None = None) -> bool:
        """See ``HookStore``."""

        async def unit(connection: AsyncConnection) -> bool:
            before = (await connection.execute(sa.select(hooks).where(hooks.c.name == hook.name))).one_or_none()
            if before is not None and self._is_hook(before._mapping, hook):
                return False
            row = {
                "name": hook.name,
                "document": hook.model_dump(mode="json", exclude_defaults=True, exclude={"secrets"}),
                "sealed_secrets": self._box.seal(orjson.dumps(hook.secrets).decode()),
                "updated_at": await self._database.now(connection),
            }
            await self._database.upsert(connection, hooks, [row])
            await changed(connection, entry)
            return True

        return await self._database.write(unit)

    async def delete_hook(self, name: str, entry: Entry | None = None) -> None:
        """See ``HookStore``."""
        if not may_name(name):
            raise NotFound(f"no hook {name!r}")

        async def unit(connection: AsyncConnection) -> None:
            gone = await connection.execute(sa.delete(hooks).where(hooks.c.name == name))
            if not gone.rowcount:
                raise NotFound(f"no hook {name!r}")
            await connection.execute(sa.delete(hook_totals).where(hook_totals.c.hook == name))
            await changed(connection, entry)

        await self._database.write(unit)

    async def count_messages(self, tallies: Mapping[tuple[str, Received], Tally]) -> None:
        """See ``HookStore``. In the order of the key, so that two services do not wait for each other."""
        ordered = sorted(tallies.items())
        keys = [{"hook": hook, "outcome": str(received)} for (hook, received), _ in ordered]
        numbers = [
            {**key, "number": tally.number, "last_at": tally.last_at}
            for key, (_, tally) in zip(keys, ordered, strict=True)
        ]
        moments = [{**key, "last_at": tally.last_at} for key, (_, tally) in zip(keys, ordered, strict=True)]

        async def unit(connection: AsyncConnection) -> None:
            await self._database.upsert(connection, hook_totals, numbers, add="number")
            await self._database.update_rows(connection, hook_totals, moments, match=("hook", "outcome"))

        await self._database.write(unit)

    async def message_counts(self) -> dict[str, dict[Received, Tally]]:
        """See ``HookStore``."""

        async def unit(connection: AsyncConnection) -> dict[str, dict[Received, Tally]]:
            found: defaultdict[str, dict[Received, Tally]] = defaultdict(dict)
            for row in await connection.execute(sa.select(hook_totals)):
                found[row.hook][Received(row.outcome)] = Tally(row.number, row.last_at)
            return dict(found)

        return await self._database.read(unit)
