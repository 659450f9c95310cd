"""What ``doctor`` finds in the database of a system that runs, without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from stores.acts import a_task, a_worker
from tradefree.access.secrets import SecretBox, new_key
from tradefree.bootstrap import VERSION
from tradefree.clock import SystemClock
from tradefree.database.store import SqlStore
from tradefree.settings import load_settings
from tradefree.tasks.ports import Submission
from tradefree.tasks.types import TaskType

T = TypeVar("T")
LONG = 600.0
"""Seconds: no lease runs out during a test."""


def in_database(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Do something with the configured database."""

    async def main() -> T:
        store = SqlStore(load_settings().database, SystemClock(), SecretBox(new_key()))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def lead(seconds: float = LONG) -> None:
    """A task service leads, for so many seconds (below 0: it did)."""
    in_database(lambda store: store.lead("host:1:abc", seconds))


def work(name: str, *queues: str, version: str = VERSION, lease: float = LONG) -> None:
    """A worker takes work from these queues."""
    worker = a_worker(SystemClock().now(), name, queues=queues or ("default",), version=version)
    in_database(lambda store: store.enlist(worker, lease))


def wait(queue: str, type_: str, number: int = 0) -> None:
    """A task type on this queue, and as many waiting tasks of it."""

    async def main(store: SqlStore) -> None:
        await store.put_task_type(TaskType(name=type_, runner="echo", queue=queue))
        before = SystemClock().now() - timedelta(seconds=1)
        tasks = [Submission(a_task(before, type_)) for _ in range(number)]
        for start in range(0, number, 500):
            await store.submit(tasks[start : start + 500])

    in_database(main)
