"""What a callback says of a task: its document at the moment of the move, small enough to be posted."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from tradefree.tasks.change import Change
from tradefree.tasks.clipping import clip, clipped
from tradefree.tasks.questions import shown
from tradefree.tasks.states import Status

OUTPUT_BYTES = 64_000
"""Bytes of a result's JSON that a callback carries; a larger one is clipped, and the link leads to the whole."""
ERROR_CHARACTERS = 4_000
"""Of an error message."""

_PLAIN = (
    "id",
    "type",
    "error_code",
    "error_message",
    "created_at",
    "started_at",
    "finished_at",
    "updated_at",
    "attempt_count",
    "concurrency_key",
    "priority",
    "labels",
    "submitted_by",
    "event_id",
    "answer_by",
)


def told(change: Change) -> dict[str, Any]:
    """The task as it is after the move, as JSON values. The input is left out: whoever submitted it has it."""
    values = {name: _plain(change.values.get(name, getattr(change.before, name))) for name in _PLAIN}
    values["error_message"] = values["error_message"] and values["error_message"][:ERROR_CHARACTERS]
    values["status"] = change.status.value
    output = change.values.get("output_data") if change.status is Status.COMPLETED else None
    output = _clipped(output)
    what = clipped(output)
    values["output_data"] = output
    values["output_clipped"] = asdict(what) if what else None
    asked = change.values.get("question") if change.status is Status.AWAITING_INPUT else None
    values["question"] = shown(asked)
    return values


def _clipped(output: Any) -> Any:
    raw = orjson.dumps(output)
    return output if len(raw) <= OUTPUT_BYTES else clip(raw, OUTPUT_BYTES)[0]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return dict(value) if isinstance(value, dict) else value


def moment(value: datetime) -> str:
    """RFC 3339, in UTC."""
    return value.isoformat().replace("+00:00", "Z")
