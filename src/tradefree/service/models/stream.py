"""What the events of a stream carry. ``log`` events carry a LogDocument, ``partial`` ones ``{"text": …}``."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from tradefree.tasks.states import Status
from tradefree.tasks.task import Task


class StatusEvent(BaseModel):
    """Where the task is now."""

    id: str
    status: Status
    attempt_count: int
    updated_at: datetime
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    error_code: str | None
    error_message: str | None

    @classmethod
    def of(cls, task: Task) -> StatusEvent:
        return cls.model_validate(task, from_attributes=True)
