"""What the SDK takes and gives: tasks to submit, tasks as they are, lines of their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from tradefree.errors import InvalidInput, KeyRefused, TaskFailed, TradefreeError
from tradefree.tasks.states import TERMINAL


class Options(TypedDict, total=False):
    """What may be said of a task apart from its type and input. Durations are seconds or text such as ``10m``."""

    idempotency_key: str
    """The same request with the same key is stored once. Left out: a fresh key, which covers repeats of this call."""
    concurrency_key: str
    """Limits per key count by it."""
    priority: int
    """-100 to 100; higher runs earlier."""
    delay: float | str
    run_at: datetime
    """Aware. Not together with ``delay``."""
    expires_in: float | str
    timeout: float | str
    """Of one attempt."""
    max_attempts: int
    labels: Mapping[str, str]
    callback_url: str


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to submit."""

    type: str
    input_data: Any = None
    options: Options = field(default_factory=Options)

    def document(self) -> dict[str, Any]:
        """As the service takes it. Raises InvalidInput for a ``run_at`` without an offset."""
        document: dict[str, Any] = {"type": self.type, **self.options}
        if self.input_data is not None:
            document["input_data"] = self.input_data
        run_at = self.options.get("run_at")
        if isinstance(run_at, datetime):
            if run_at.tzinfo is None:
                raise InvalidInput("should have an offset, such as datetime.now(UTC)", field="run_at")
            document["run_at"] = run_at.isoformat()
        return document


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was when it was asked for. ``raw`` is the whole document, with what has no field here."""

    id: str
    type: str
    status: str
    input_data: Any
    output_data: Any
    payloads_hidden: bool
    """True if input and output were left out: the key has no ``payloads:read``, or they were not asked for."""
    error_code: str | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt_count: int
    concurrency_key: str | None
    priority: int
    labels: Mapping[str, str]
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Task:
        """From the service's document."""
        return cls(
            id=document["id"],
            type=document["type"],
            status=document["status"],
            input_data=document.get("input_data"),
            output_data=document.get("output_data"),
            payloads_hidden=bool(document.get("payloads_hidden")),
            error_code=document.get("error_code"),
            error_message=document.get("error_message"),
            created_at=datetime.fromisoformat(document["created_at"]),
            updated_at=datetime.fromisoformat(document["updated_at"]),
            run_at=datetime.fromisoformat(document["run_at"]),
            started_at=moment(document.get("started_at")),
            finished_at=moment(document.get("finished_at")),
            attempt_count=int(document.get("attempt_count", 0)),
            concurrency_key=document.get("concurrency_key"),
            priority=int(document.get("priority", 0)),
            labels=dict(document.get("labels") or {}),
            raw=document,
        )

    @property
    def ended(self) -> bool:
        """It is completed, failed or cancelled."""
        return self.status in TERMINAL

    @property
    def completed(self) -> bool:
        return self.status == "completed"

    def result(self) -> Any:
        """The output of a completed task.

        Raises TaskFailed if it is not completed, and KeyRefused if the key may not see payloads. A result that was too
        large to be stored whole is cut off: ``raw["output_clipped"]`` tells.
        """
        if not self.completed:
            raise TaskFailed(self.id, self.status, self.error_code, self.error_message)
        if self.payloads_hidden:
            raise KeyRefused(f"task {self.id} is completed, but its result is hidden: it needs payloads:read", 403)
        return self.output_data


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many: a task, or the reason why there is none."""

    index: int
    """Its place in what was submitted, from 0."""
    task: Task | None = None
    error: TradefreeError | None = None
    replayed: bool = False
    """True if an earlier request with the same idempotency key made the task."""

    def result(self) -> Any:
        """The task's output; raises the error, or TaskFailed."""
        if self.task is None:
            assert self.error is not None
            raise self.error
        return self.task.result()


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a task's log."""

    id: int
    created_at: datetime
    level: str
    event: str
    message: str
    attempt: int
    data: Mapping[str, Any] | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> LogLine:
        """From the service's document."""
        return cls(
            id=document["id"],
            created_at=datetime.fromisoformat(document["created_at"]),
            level=document["level"],
            event=document["event"],
            message=document["message"],
            attempt=document["attempt"],
            data=document.get("data"),
        )


def moment(text: Any) -> datetime | None:
    """A moment of a document that may have none."""
    return datetime.fromisoformat(text) if isinstance(text, str) else None
