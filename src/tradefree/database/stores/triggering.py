"""Trigger: the rules from event to task, their versions, and those that fail again and again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database, by_index
from tradefree.database.event_rows import to_kept, to_version, trigger_row, version_row
from tradefree.database.event_tables import trigger_versions, triggers
from tradefree.database.rows import may_name
from tradefree.database.stores.auditing import entry_row
from tradefree.database.stores.defining import changed, version_now
from tradefree.database.tables import audit, task_types
from tradefree.errors import InvalidInput, NotFound, Stale
from tradefree.events.decide import Decision, Outcome
from tradefree.events.disable import counted
from tradefree.events.trigger import Kept, Trigger, Version
from tradefree.tasks.ports import Entry


class TriggeringStore:
    """The triggers that operators define."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def triggers(self) -> tuple[int, list[Kept]]:
        """See ``events.ports.EventStore``. The version is read first, so the triggers are never older than it."""

        async def unit(connection: AsyncConnection) -> tuple[int, list[Kept]]:
            version = await version_now(connection)
            rows = await connection.execute(sa.select(triggers).order_by(triggers.c.name))
            return version, [to_kept(row) for row in rows]

        return await self._database.read(unit)

    async def put_trigger(self, trigger: Trigger, entry: Entry, *, version: int | None = None) -> Kept | None:
        """See ``events.ports.EventStore``."""

        async def unit(connection: AsyncConnection) -> Kept | None:
            before = await self._locked(connection, trigger.name)
            require_version(trigger.name, before, version)
            if before is not None and before.trigger == trigger:
                return None
            await _require_task_type(connection, trigger.task_type)
            number = await _last_version(connection, trigger.name) + 1
            kept = Kept(trigger, number, entry.at, entry.actor)
            await self._database.upsert(connection, triggers, [trigger_row(kept)])
            await self._write_down(connection, Version(trigger.name, number, trigger, entry.at, entry.actor), entry)
            return kept

        return await self._database.write(unit)

    async def delete_trigger(self, name: str, entry: Entry, *, version: int | None = None) -> None:
        """See ``events.ports.EventStore``."""
        if not may_name(name):
            raise NotFound(f"no trigger {name!r}")

        async def unit(connection: AsyncConnection) -> None:
            before = await self._locked(connection, name)
            if before is None:
                raise NotFound(f"no trigger {name!r}")
            require_version(name, before, version)
            await connection.execute(sa.delete(triggers).where(triggers.c.name == name))
            number = await _last_version(connection, name) + 1
            await self._write_down(connection, Version(name, number, None, entry.at, entry.actor), entry)

        await self._database.write(unit)

    async def trigger_versions(self, pairs: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Version]:
        """See ``events.ports.EventStore``."""
        if not pairs:
            return {}
        key = sa.tuple_(trigger_versions.c.name, trigger_versions.c.version)
        found = await self._versions(sa.select(trigger_versions).where(key.in_(sorted(set(pairs)))))
        return {(version.name, version.version): version for version in found}

    async def versions_of(self, name: str, *, limit: int) -> list[Version]:
        """See ``events.ports.EventStore``."""
        if not may_name(name):
            return []
        query = sa.select(trigger_versions).where(trigger_versions.c.name == name)
        return await self._versions(query.order_by(trigger_versions.c.version.desc()).limit(limit))

    async def _versions(self, query: sa.Select[Any]) -> list[Version]:
        async def unit(connection: AsyncConnection) -> list[Version]:
            return [to_version(row) for row in await connection.execute(query)]

        return await self._database.read(unit)

    async def _locked(self, connection: AsyncConnection, name: str) -> Kept | None:
        query = self._database.locked(sa.select(triggers).where(triggers.c.name == name))
        row = (await connection.execute(query)).one_or_none()
        return to_kept(row) if row is not None else None

    async def _write_down(self, connection: AsyncConnection, version: Version, entry: Entry) -> None:
        await write_down(self._database, connection, [(version, entry)])


def require_version(name: str, before: Kept | None, version: int | None) -> None:
    """Raise Conflict unless the trigger has the version that the caller has seen; 0: it must not be there."""
    found = before.version if before is not None else 0
    if version is not None and version != found:
        seen = f"has version {found}" if found else "is not there"
        raise Stale(
            f"trigger {name!r} {seen}, not {version}: somebody else changed it; look at it again",
            code="changed_meanwhile",
        )


async def count_failures(database: Database, connection: AsyncConnection, decisions: Sequence[Decision]) -> None:
    """Count failures in a row of the triggers that decided, and disable those that fail for ever.

    As long as nothing fails this reads one small row set and locks nothing."""
    by_trigger: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        by_trigger[decision.trigger].append(decision)
    failing = {decision.trigger for decision in decisions if decision.outcome is Outcome.FAILED}
    if by_trigger:
        rows = await connection.execute(sa.select(triggers.c.name).where(triggers.c.failures > 0))
        failing |= set(rows.scalars()) & set(by_trigger)
    if not failing:
        return
    query = by_index(sa.select(triggers), triggers).where(triggers.c.name.in_(failing)).order_by(triggers.c.name)
    before = [to_kept(row) for row in await connection.execute(database.locked(query))]
    now = await database.now(connection)
    after = [counted(kept, by_trigger[kept.trigger.name], now) for kept in before]
    await database.upsert(
        connection, triggers, [trigger_row(new) for old, (new, _) in zip(before, after, strict=True) if new != old]
    )
    await write_down(database, connection, [notice for _, notice in after if notice is not None])


async def write_down(database: Database, connection: AsyncConnection, changes: Iterable[tuple[Version, Entry]]) -> None:
    """Keep versions of triggers, and who made them; the configuration has changed."""
    made = list(changes)
    if made:
        await database.insert(connection, trigger_versions, [version_row(version) for version, _ in made])
        await database.insert(connection, audit, [entry_row(entry) for _, entry in made])
        await changed(connection)


async def _last_version(connection: AsyncConnection, name: str) -> int:
    last = sa.select(sa.func.max(trigger_versions.c.version)).where(trigger_versions.c.name == name)
    return int(await connection.scalar(last) or 0)


async def _require_task_type(connection: AsyncConnection, name: str) -> None:
    if not await connection.scalar(sa.select(task_types.c.name).where(task_types.c.name == name)):
        raise InvalidInput(f"unknown task type {name!r}", field="task_type", code="unknown_type")
