"""Between rows and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tradefree.database.tables import attempts, task_logs, tasks, workers
from tradefree.ids import digest
from tradefree.tasks.states import Status
from tradefree.tasks.task import Attempt, AttemptOutcome, LogLine, Pressure, Task, Usage, Worker, WorkerStatus

_INTERNAL = {"wake_at", "claim_token"}
_PAYLOADS = {"input_data", "output_data"}

TASK = [column for column in tasks.c if column.name not in _INTERNAL | _PAYLOADS]
"""A task without its payloads."""
TASK_WITH_INPUT = [*TASK, tasks.c.input_data]
TASK_WITH_PAYLOADS = [*TASK_WITH_INPUT, tasks.c.output_data]

_NAMES = [column.name for column in TASK_WITH_PAYLOADS]
_STORED = [column.name for column in tasks.c if column.name not in _INTERNAL]


def wake_at(
    status: Status,
    run_at: datetime,
    expires_at: datetime | None,
    *,
    holds: bool,
    answer_by: datetime | None = None,
) -> datetime | None:
    """When the leader must look at a task: it becomes due, it expires unstarted, or nobody has answered."""
    if status is Status.AWAITING_INPUT:
        return answer_by
    if status is Status.SCHEDULED:
        return min(run_at, expires_at) if expires_at and not holds else run_at
    return expires_at if status is Status.PENDING and not holds else None


def task_row(task: Task) -> dict[str, Any]:
    """The row of a new task."""
    row = {name: getattr(task, name) for name in _STORED}
    row["claim_token"] = None
    row["wake_at"] = wake_at(task.status, task.run_at, task.expires_at, holds=task.holds_slot, answer_by=task.answer_by)
    return row


def to_task(row: sa.Row[Any]) -> Task:
    """The task in a row of one of the column lists above; what is not in it is None."""
    values = dict(zip(_NAMES, row, strict=False))
    values["status"] = Status(values["status"])
    return Task(**values)


def log_row(line: LogLine) -> dict[str, Any]:
    return {
        "task_id": line.task_id,
        "level": line.level,
        "message": line.message,
        "created_at": line.created_at,
        "event": line.event,
        "attempt": line.attempt,
        "data": line.data,
    }


LOG = list(task_logs.c)


def to_log(row: sa.Row[Any]) -> LogLine:
    return LogLine(**row._mapping)


ATTEMPT = list(attempts.c)
_USAGE = ("total_tokens", "prompt_tokens", "completion_tokens", "price", "currency", "elapsed")


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    row = {column.name: getattr(attempt, column.name, None) for column in attempts.c}
    return row | {name: getattr(attempt.usage, name) for name in _USAGE}


def to_attempt(row: sa.Row[Any]) -> Attempt:
    values = dict(row._mapping)
    usage = Usage(**{name: values.pop(name) for name in _USAGE})
    values["outcome"] = AttemptOutcome(values["outcome"]) if values["outcome"] else None
    return Attempt(**values, usage=usage)


WORKER = list(workers.c)


def worker_row(worker: Worker) -> dict[str, Any]:
    values = {column.name: getattr(worker, column.name) for column in workers.c}
    return values | {"queues": list(worker.queues), "pressure": pressure_document(worker.pressure)}


def pressure_document(pressure: Mapping[str, Pressure]) -> dict[str, Any]:
    return {name: asdict(seen) for name, seen in pressure.items()}


def to_worker(row: Sequence[Any]) -> Worker:
    values = dict(zip((column.name for column in WORKER), row, strict=True))
    values["queues"] = tuple(values["queues"])
    values["status"] = WorkerStatus(values["status"])
    values["pressure"] = {name: Pressure(**seen) for name, seen in (values["pressure"] or {}).items()}
    return Worker(**values)


def may_name(text: str) -> bool:
    """Whether something stored may have this id or name. MariaDB and MySQL would find it without the space behind, too,
    and MySQL refuses to compare it with what is not ASCII."""
    return text.isascii() and not text.endswith(" ")


def label_digest(name: str, value: str) -> str:
    """What a label is found by."""
    return digest(f"{name}\0{value}")


def label_rows(task_id: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"digest": label_digest(name, value), "task_id": task_id, "value": value} for name, value in labels.items()]
