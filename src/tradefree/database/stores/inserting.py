"""Insert: new tasks with their labels and first log lines, inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from tradefree.database.engine import Database
from tradefree.database.rows import label_rows, log_row, task_row
from tradefree.database.tables import task_labels, task_logs, tasks
from tradefree.tasks.submit import accepted_line
from tradefree.tasks.task import Task


async def insert_tasks(database: Database, connection: AsyncConnection, new: Sequence[Task]) -> None:
    """Three statements however many they are; none if there are none."""
    await database.insert(connection, tasks, [task_row(task) for task in new])
    labels = [row for task in new for row in label_rows(task.id, task.labels)]
    await database.insert(connection, task_labels, labels)
    await database.insert(connection, task_logs, [log_row(accepted_line(task)) for task in new])
