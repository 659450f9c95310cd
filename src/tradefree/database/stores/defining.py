"""Define: task types and connections. Each change raises the configuration's version on the leader's row."""

from __future__ import annotations

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.access.secrets import SecretBox
from tradefree.database.engine import Database
from tradefree.database.event_tables import triggers
from tradefree.database.rows import may_name
from tradefree.database.stores.auditing import note
from tradefree.database.stores.leading import NAME
from tradefree.database.tables import connections, leaders, task_types, tasks
from tradefree.errors import Conflict, NotFound, SettingsError
from tradefree.tasks.ports import Entry
from tradefree.tasks.states import LIVE
from tradefree.tasks.types import Connection, TaskType

_LIMITS = {"max_running", "rate", "burst", "max_pending", "adaptive"}
"""What a connection says of limits; it has a column of its own."""

log = structlog.get_logger(__name__)


class DefiningStore:
    """What operators define."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def config_version(self) -> int:
        """See ``ports.CatalogStore``."""
        return await self._database.read(version_now)

    async def task_types(self) -> tuple[int, dict[str, TaskType]]:
        """See ``ports.CatalogStore``. The version is read first, so the definitions are never older than it."""

        async def unit(connection: AsyncConnection) -> tuple[int, dict[str, TaskType]]:
            version = await version_now(connection)
            rows = await connection.execute(sa.select(task_types.c.document).order_by(task_types.c.name))
            found = [TaskType.model_validate(document) for document in rows.scalars()]
            return version, {task_type.name: task_type for task_type in found}

        return await self._database.read(unit)

    async def put_task_type(self, task_type: TaskType, entry: Entry | None = None) -> bool:
        """See ``ports.CatalogStore``."""

        async def unit(connection: AsyncConnection) -> bool:
            row = {"name": task_type.name, "document": task_type.model_dump(mode="json", exclude_defaults=True)}
            before = await connection.scalar(
                sa.select(task_types.c.document).where(task_types.c.name == task_type.name)
            )
            if before == row["document"]:
                return False
            now = await self._database.now(connection)
            await self._database.upsert(connection, task_types, [row | {"updated_at": now}])
            await changed(connection, entry)
            return True

        return await self._database.write(unit)

    async def delete_task_type(self, name: str, entry: Entry | None = None) -> None:
        """See ``ports.CatalogStore``."""
        if not may_name(name):
            raise NotFound(f"no task type {name!r}")

        async def unit(connection: AsyncConnection) -> None:
            live = sa.select(tasks.c.id).where(
                tasks.c.status.in_(sorted(LIVE)), tasks.c.lane >= f"{name}/", tasks.c.lane < f"{name}0"
            )
            if await connection.scalar(live.limit(1)):
                raise Conflict(
                    f"task type {name!r} has live tasks; cancel them or let them end first", code="live_tasks"
                )
            documents = (await connection.execute(sa.select(triggers.c.document).order_by(triggers.c.name))).scalars()
            if users := [document["name"] for document in documents if document["task_type"] == name]:
                raise Conflict(
                    f"task type {name!r} is used by the triggers {', '.join(users)}",
                    code="used_by_rules",
                    facts={"names": ", ".join(users)},
                )
            gone = await connection.execute(sa.delete(task_types).where(task_types.c.name == name))
            if not gone.rowcount:
                raise NotFound(f"no task type {name!r}")
            await changed(connection, entry)

        await self._database.write(unit)

    async def connections(self, *, strict: bool = False) -> dict[str, Connection]:
        """See ``ports.CatalogStore``."""

        async def unit(connection: AsyncConnection) -> list[sa.RowMapping]:
            rows = await connection.execute(sa.select(connections).order_by(connections.c.name))
            return [row._mapping for row in rows]

        found = {}
        for row in await self._database.read(unit):
            try:
                found[row["name"]] = self._open(row)
            except SettingsError as error:
                if strict:
                    raise
                log.error("connection left out", connection=row["name"], error=str(error))  # noqa: TRY400
        return found

    def _open(self, row: sa.RowMapping) -> Connection:
        return Connection(
            name=row["name"],
            kind=row["kind"],
            base_url=row["base_url"],
            api_key=self._box.open(row["sealed_api_key"]),
            options=row["options"],
            **(row["limits"] or {}),
        )

    def _is(self, row: sa.RowMapping, connection: Connection) -> bool:
        try:
            return self._open(row) == connection
        except SettingsError:  # it cannot be read any more, so it is replaced
            return False

    async def put_connection(self, connection: Connection, entry: Entry | None = None) -> bool:
        """See ``ports.CatalogStore``."""

        async def unit(database: AsyncConnection) -> bool:
            query = sa.select(connections).where(connections.c.name == connection.name)
            before = (await database.execute(query)).one_or_none()
            if before is not None and self._is(before._mapping, connection):
                return False
            row = connection.model_dump(include={"name", "kind", "base_url", "options"}) | {
                "limits": connection.model_dump(mode="json", include=_LIMITS, exclude_defaults=True),
                "sealed_api_key": self._box.seal(connection.api_key),
                "updated_at": await self._database.now(database),
            }
            await self._database.upsert(database, connections, [row])
            await changed(database, entry)
            return True

        return await self._database.write(unit)

    async def delete_connection(self, name: str, entry: Entry | None = None) -> None:
        """See ``ports.CatalogStore``."""
        if not may_name(name):
            raise NotFound(f"no connection {name!r}")

        async def unit(connection: AsyncConnection) -> None:
            documents = (await connection.execute(sa.select(task_types.c.document))).scalars()
            users = [document["name"] for document in documents if document.get("connection") == name]
            if users:
                raise Conflict(
                    f"connection {name!r} is used by the task types {', '.join(users)}",
                    code="used_by_types",
                    facts={"names": ", ".join(users)},
                )
            gone = await connection.execute(sa.delete(connections).where(connections.c.name == name))
            if not gone.rowcount:
                raise NotFound(f"no connection {name!r}")
            await changed(connection, entry)

        await self._database.write(unit)


async def version_now(connection: AsyncConnection) -> int:
    """The configuration's version."""
    return int(await connection.scalar(sa.select(leaders.c.config_version).where(leaders.c.name == NAME)) or 0)


async def changed(connection: AsyncConnection, entry: Entry | None = None) -> None:
    """Raise the configuration's version, and write down who did it."""
    await note(connection, entry)
    await connection.execute(
        sa.update(leaders).where(leaders.c.name == NAME).values(config_version=leaders.c.config_version + 1)
    )
