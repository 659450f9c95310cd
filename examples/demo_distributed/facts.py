"""The facts at the end: the rows of the database and the ledger of the stand-in Dify, read past the services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from tradefree.database.tables import attempts, tasks
from tradefree.testing.dify_standin import Entry, runs_by_task


@dataclass(frozen=True)
class TaskRow:
    """A row of ``tasks``."""

    id: str
    type: str
    status: str
    input_data: Any
    output_data: Any
    error_message: str | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class AttemptRow:
    """A row of ``attempts``."""

    task_id: str
    number: int
    worker_id: str | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class Facts:
    """What is in the database and what Dify saw."""

    tasks: Mapping[str, TaskRow]
    """By id."""
    attempts: Mapping[str, list[AttemptRow]]
    """By task, oldest first."""
    runs: list[Entry]

    @property
    def runs_of(self) -> Mapping[str, list[Entry]]:
        """Runs at Dify by task, in the order of acceptance."""
        return runs_by_task(self.runs)

    @property
    def every_attempt(self) -> list[AttemptRow]:
        return [attempt for some in self.attempts.values() for attempt in some]

    @property
    def starts(self) -> list[datetime]:
        """When attempts started, in order."""
        return sorted(attempt.started_at for attempt in self.every_attempt if attempt.started_at)


async def read(database_url: str, runs: list[Entry]) -> Facts:
    """Read everything there is."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            found = await connection.execute(sa.select(*(tasks.c[name] for name in TaskRow.__annotations__)))
            task_rows = [TaskRow(*row) for row in found]
            columns = (attempts.c[name] for name in AttemptRow.__annotations__)
            found = await connection.execute(sa.select(*columns).order_by(attempts.c.task_id, attempts.c.number))
            attempt_rows = [AttemptRow(*row) for row in found]
    finally:
        await engine.dispose()
    by_task: dict[str, list[AttemptRow]] = defaultdict(list)
    for attempt in attempt_rows:
        by_task[attempt.task_id].append(attempt)
    return Facts({task.id: task for task in task_rows}, by_task, runs)
