"""Needs: what must be there before a task can be performed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tradefree.tasks.catalog import Catalog
from tradefree.tasks.outcome import DidNotWork, NothingStarted, Outcome
from tradefree.tasks.ports import Runner
from tradefree.tasks.task import Task
from tradefree.tasks.types import Connection, TaskType


@dataclass(frozen=True, slots=True)
class Needs:
    """All of it, found."""

    task_type: TaskType
    connection: Connection | None
    runner: Runner


async def needs_of(task: Task, catalog: Catalog, runners: Mapping[str, Runner], *, worker: str) -> Needs | Outcome:
    """What is needed to perform the task, or the outcome if something is not there."""
    task_type = (await catalog.types()).get(task.type) or (await catalog.anew()).get(task.type)
    if task_type is None:
        return DidNotWork("unknown_type", f"Task type {task.type!r} is not defined any more.", retryable=False)
    runner = runners.get(task_type.runner)
    if runner is None:
        return NothingStarted(f"Runner {task_type.runner!r} is not installed on worker {worker}.")
    if task_type.connection is None:
        return Needs(task_type, None, runner)
    connection = await catalog.connection(task_type.connection)
    if connection is None:
        await catalog.anew()
        connection = await catalog.connection(task_type.connection)
    if connection is None:
        words = (
            f"Connection {task_type.connection!r} is not defined, or its secret cannot be decrypted with "
            "TRADEFREE_SECRET_KEY; `tradefree doctor` tells."
        )
        return DidNotWork("unknown_connection", words, retryable=False)
    return Needs(task_type, connection, runner)
