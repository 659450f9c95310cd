"""A system with live control of its limits, in memory."""

from __future__ import annotations

from typing import Any

from domain.system import System
from tradefree.limits.caps import Caps
from tradefree.tasks.limiting import Limiting
from tradefree.tasks.outcome import Completed
from tradefree.tasks.task import Task
from tradefree.tasks.types import Connection


class Limited(System):
    """A system with live control."""

    def __init__(self) -> None:
        super().__init__()
        self.limiting = Limiting(self.store, self.store, self.catalog, self.signals, self.clock)

    async def connect(self, name: str = "bot", **values: Any) -> None:
        await self.store.put_connection(
            Connection(name=name, base_url="http://dify/v1", api_key="k", **{"adaptive": False, **values})
        )
        self.catalog.forget()

    async def limit(self, scope: str, **caps: Any) -> None:
        await self.limiting.define(scope, Caps(**caps), by="ann")

    async def many(self, number: int, type_: str = "echo", **values: Any) -> list[Task]:
        return [await self.submit(type_, **values) for _ in range(number)]

    async def admitted(self) -> list[str]:
        """The ids that rounds admit until one asks for no other."""
        admitted: list[str] = []
        more = True
        while more:
            result = await self.round()
            admitted += [id_ for ids in result.by_worker.values() for id_ in ids]
            more = result.more
        return admitted

    async def end(self, task_id: str) -> None:
        task = self.store._tables.tasks[task_id]
        (claimed,) = await self.claim(task, by=task.worker_id or "")
        await self.finish(claimed, Completed({}))

    async def why(self, task: Task) -> list[tuple[str, str]]:
        return [(hold.kind, hold.scope) for hold in (await self.limiting.why(await self.see(task))).holds]
