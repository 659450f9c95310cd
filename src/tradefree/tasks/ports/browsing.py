"""Reading for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tradefree.limits.scopes import Scope
from tradefree.tasks.ports.leading import Held
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, LogLine, Task, Worker


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a task in a list. The next page begins below it."""

    id: str
    finished_at: datetime | None = None
    """In a list by the end: when it ended, then."""


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks; everything given must hold."""

    statuses: tuple[Status, ...] = ()
    types: tuple[str, ...] = ()
    concurrency_key: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    """In the id's beginning, the key, a label's value or the error message."""
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    submitted_by: str | None = None
    only_types: tuple[str, ...] | None = None
    """The types the caller may see; None: all."""

    @property
    def without_deliveries(self) -> bool:
        """Deliveries of callbacks are tasks, too; they are found where their type is asked for by name."""
        return not self.types

    @property
    def by_end(self) -> bool:
        """The list is in the order of the ends; else in that of creation."""
        return self.finished_after is not None or self.finished_before is not None

    def place(self, task: Task) -> Place:
        """Of a task in the list."""
        return Place(task.id, task.finished_at if self.by_end else None)


@dataclass(frozen=True, slots=True)
class Known:
    """What people know a task by."""

    type: str
    concurrency_key: str | None
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at one moment: what is in flight, who works, what limits have learnt."""

    held: Sequence[Held]
    waiting: Mapping[str, int]
    """Pending tasks by type."""
    workers: Sequence[Worker]
    windows: Mapping[Scope, int]
    ceilings: Mapping[str, Mapping[str, Any]]


class BrowseStore(Protocol):
    async def find(
        self, wanted: TaskFilter, *, limit: int, below: Place | None = None, payloads: bool = False
    ) -> list[Task]:
        """The last created first, or the last ended where the filter is about ends; those below a place."""
        ...

    async def known(self, wanted: TaskFilter, *, newest: int) -> list[Known]:
        """What the tasks that match are known by, newest first. However few match, only so many tasks are looked at:
        the newest that the best index leads to."""
        ...

    async def numbers(self, wanted: TaskFilter, *, limit: int) -> dict[str, int]:
        """How many tasks match, by type; of the newest ``limit`` if there are more."""
        ...

    async def task(self, task_id: str, *, payloads: bool = True) -> Task | None: ...

    async def attempts(self, task_id: str) -> list[Attempt]:
        """Finished attempts, oldest first."""
        ...

    async def logs(
        self,
        task_id: str,
        *,
        after: int = 0,
        limit: int,
        level: str | None = None,
        text: str | None = None,
        since: datetime | None = None,
    ) -> list[LogLine]:
        """Lines with ids above ``after``, in the order of their ids; ``level`` is the least severe one wanted, ``text``
        stands in the message, whatever the case, and ``since`` is when the first was written at the earliest."""
        ...

    async def counts(self) -> dict[str, dict[Status, int]]:
        """Number of tasks by type and status: live ones counted, ended ones from the running totals."""
        ...

    async def standing(self) -> Standing:
        """How things stand, in one look."""
        ...

    async def keys_of(self, lanes: Sequence[str]) -> dict[str, str]:
        """The concurrency keys of these lanes, of those that have a task in flight."""
        ...

    async def ahead_of(self, task: Task, most: int) -> int:
        """How many waiting tasks of its lane come before a waiting task; ``most`` if there are as many or more."""
        ...

    async def all_workers(self) -> list[tuple[Worker, int]]:
        """Workers and how many tasks each has."""
        ...
