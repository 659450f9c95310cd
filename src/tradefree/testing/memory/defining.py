"""Task types and connections, in memory."""

from __future__ import annotations

from tradefree.errors import Conflict, NotFound
from tradefree.tasks.ports import Entry
from tradefree.tasks.types import Connection, TaskType
from tradefree.testing.memory.tables import Tables


class Defining:
    """Implements ``ports.CatalogStore``."""

    _tables: Tables

    async def config_version(self) -> int:
        await self._tables.read()
        return self._tables.config_version

    async def task_types(self) -> tuple[int, dict[str, TaskType]]:
        await self._tables.read()
        types = {name: type_.model_copy(deep=True) for name, type_ in sorted(self._tables.task_types.items())}
        return self._tables.config_version, types

    async def put_task_type(self, task_type: TaskType, entry: Entry | None = None) -> bool:
        async with self._tables.write():
            if self._tables.task_types.get(task_type.name) == task_type:
                return False
            self._tables.task_types[task_type.name] = task_type.model_copy(deep=True)
            self._tables.config_version += 1
            self._tables.note(entry)
            return True

    async def delete_task_type(self, name: str, entry: Entry | None = None) -> None:
        async with self._tables.write():
            if any(task.live and task.type == name for task in self._tables.tasks.values()):
                raise Conflict(f"task type {name!r} has live tasks; cancel them or let them end first")
            users = sorted(n for n, kept in self._tables.triggers.items() if kept.trigger.task_type == name)
            if users:
                raise Conflict(f"task type {name!r} is used by the triggers {', '.join(users)}")
            if self._tables.task_types.pop(name, None) is None:
                raise NotFound(f"no task type {name!r}")
            self._tables.config_version += 1
            self._tables.note(entry)

    async def connections(self, *, strict: bool = False) -> dict[str, Connection]:  # noqa: ARG002
        await self._tables.read()
        return {name: c.model_copy(deep=True) for name, c in sorted(self._tables.connections.items())}

    async def put_connection(self, connection: Connection, entry: Entry | None = None) -> bool:
        async with self._tables.write():
            if self._tables.connections.get(connection.name) == connection:
                return False
            self._tables.connections[connection.name] = connection.model_copy(deep=True)
            self._tables.config_version += 1
            self._tables.note(entry)
            return True

    async def delete_connection(self, name: str, entry: Entry | None = None) -> None:
        async with self._tables.write():
            users = sorted(t.name for t in self._tables.task_types.values() if t.connection == name)
            if users:
                raise Conflict(f"connection {name!r} is used by the task types {', '.join(users)}")
            if self._tables.connections.pop(name, None) is None:
                raise NotFound(f"no connection {name!r}")
            self._tables.config_version += 1
            self._tables.note(entry)
