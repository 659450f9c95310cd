"""What comes back from Dify. Readers are tolerant: unknown fields, events and statuses are no error, and a field of
the wrong type counts as missing. Times are Unix seconds, durations seconds, prices Decimal (never float)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

SUCCEEDED = "succeeded"
PARTIAL = "partial-succeeded"
"""Success in which a node failed and its error strategy took over, or a node needed a retry."""
FAILED = "failed"
STOPPED = "stopped"
PAUSED = "paused"
RUNNING = "running"
ENDED = frozenset({SUCCEEDED, PARTIAL, FAILED, STOPPED})
"""Statuses that never change again. ``running`` is no proof of life: a dead run keeps it for ever."""

WORKFLOW_ENDS = frozenset({"workflow_finished", "workflow_paused", "error"})
"""Events after which a workflow's stream says nothing more, although the connection stays open (up to 300 s)."""

PING = "ping"
SILENCE = "tradefree.silence"
"""Not from Dify: the client's note that nothing arrived for ``fields["seconds"]`` seconds."""


def text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def whole_of(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds_of(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def mapping_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def decimal_of(value: Any) -> Decimal | None:
    """A price as Dify writes it: a decimal string, also ``0E-7``. Floats and nonsense are None."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return number if number.is_finite() else None
    return None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream; ``fields`` is its whole JSON (empty for a ping)."""

    event: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> Mapping[str, Any]:
        """The payload of a workflow event."""
        return mapping_of(self.fields.get("data"))

    @property
    def run_id(self) -> str | None:
        return text_of(self.fields.get("workflow_run_id"))

    @property
    def message_id(self) -> str | None:
        return text_of(self.fields.get("message_id"))

    @property
    def conversation_id(self) -> str | None:
        return text_of(self.fields.get("conversation_id"))

    @property
    def task_id(self) -> str | None:
        """What ``stop`` wants. None where the event carries the run's id instead.

        Dify 1.14.2: events replayed from a snapshot, and the one event of a finished run, have ``task_id`` = run id.
        """
        task_id = text_of(self.fields.get("task_id"))
        return task_id if task_id != self.run_id else None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A workflow run as Dify reports it, in the stream's last event or when asked."""

    run_id: str
    status: str
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    workflow_id: str | None = None
    task_id: str | None = None
    elapsed_time: float | None = None
    total_tokens: int | None = None
    total_steps: int | None = None
    exceptions: int | None = None
    """Failed tries of nodes that were caught (error strategy, retry)."""
    created_at: int | None = None
    finished_at: int | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def settled(self) -> bool:
        """Nothing more happens by itself: ended, or waiting for a person."""
        return self.ended or self.status == PAUSED

    @classmethod
    def of_event(cls, event: StreamEvent) -> RunResult:
        """From ``workflow_finished`` or ``workflow_paused``."""
        status = PAUSED if event.event == "workflow_paused" else text_of(event.data.get("status")) or ""
        run_id = event.run_id or text_of(event.data.get("id")) or ""
        return cls(run_id, status, task_id=event.task_id, **_common(event.data))

    @classmethod
    def of_detail(cls, fields: Mapping[str, Any]) -> RunResult:
        """From ``GET /workflows/run/{id}``."""
        return cls(text_of(fields.get("id")) or "", text_of(fields.get("status")) or "", **_common(fields))


def _common(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "outputs": dict(mapping_of(fields.get("outputs"))),
        "error": text_of(fields.get("error")),
        "workflow_id": text_of(fields.get("workflow_id")),
        "elapsed_time": seconds_of(fields.get("elapsed_time")),
        "total_tokens": whole_of(fields.get("total_tokens")),
        "total_steps": whole_of(fields.get("total_steps")),
        "exceptions": whole_of(fields.get("exceptions_count")),
        "created_at": whole_of(fields.get("created_at")),
        "finished_at": whole_of(fields.get("finished_at")),
    }


@dataclass(frozen=True, slots=True)
class RunDetail:
    """``GET /workflows/run/{id}``: the run, and the inputs it was started with (``sys.…`` keys included)."""

    result: RunResult
    inputs: dict[str, Any]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> RunDetail:
        """Dify 1.14.2 sends ``inputs`` as a JSON string and ``outputs`` as an object; both are accepted as either."""
        outputs = _unwrapped(fields.get("outputs"))
        return cls(RunResult.of_detail({**fields, "outputs": outputs}), _unwrapped(fields.get("inputs")))


def _unwrapped(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return dict(mapping_of(value))


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One run in the app's log; running ones are included, queued ones are not."""

    run_id: str
    status: str
    user: str | None
    error: str | None
    created_at: int | None
    finished_at: int | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> LogEntry:
        run, by = mapping_of(fields.get("workflow_run")), mapping_of(fields.get("created_by_end_user"))
        return cls(
            run_id=text_of(run.get("id")) or "",
            status=text_of(run.get("status")) or "",
            user=text_of(by.get("session_id")),
            error=text_of(run.get("error")),
            created_at=whole_of(run.get("created_at")),
            finished_at=whole_of(run.get("finished_at")),
        )


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the app's log, newest first."""

    entries: tuple[LogEntry, ...]
    total: int
    has_more: bool

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> LogPage:
        rows = fields.get("data")
        entries = [LogEntry.of(mapping_of(row)) for row in rows] if isinstance(rows, list) else []
        kept = tuple(entry for entry in entries if entry.run_id)
        return cls(kept, whole_of(fields.get("total")) or len(kept), fields.get("has_more") is True)


@dataclass(frozen=True, slots=True)
class AppInfo:
    """``GET /info``: the app behind a key. ``mode``: workflow, advanced-chat, chat, agent-chat or completion."""

    name: str
    mode: str
    description: str = ""
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> AppInfo:
        tags = fields.get("tags")
        return cls(
            name=text_of(fields.get("name")) or "",
            mode=text_of(fields.get("mode")) or "",
            description=text_of(fields.get("description")) or "",
            tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        )


@dataclass(frozen=True, slots=True)
class InputField:
    """A variable that the app's form declares. ``kind``: text-input, paragraph, select, number, checkbox, file …"""

    variable: str
    kind: str
    label: str = ""
    required: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """``GET /parameters``: the published app's form, and everything else as it came."""

    form: tuple[InputField, ...]
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Parameters:
        rows = fields.get("user_input_form")
        form = [
            _input_field(str(kind), mapping_of(spec))
            for row in (rows if isinstance(rows, list) else [])
            for kind, spec in mapping_of(row).items()
        ]
        return cls(tuple(item for item in form if item.variable), fields)


def _input_field(kind: str, spec: Mapping[str, Any]) -> InputField:
    options = spec.get("options")
    return InputField(
        variable=text_of(spec.get("variable")) or "",
        kind=text_of(spec.get("type")) or kind,
        label=text_of(spec.get("label")) or "",
        required=spec.get("required") is True,
        max_length=whole_of(spec.get("max_length")) or None,
        options=tuple(str(option) for option in options) if isinstance(options, list) else (),
    )
