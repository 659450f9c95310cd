"""Batches over the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tradefree.service.models.fields import IdempotencyKey
from tradefree.service.models.problem import Problem
from tradefree.service.models.tasks import SubmitRequest, TaskDocument


class BatchItem(SubmitRequest):
    """A task to run, with an idempotency key of its own if wanted."""

    idempotency_key: IdempotencyKey | None = None


class BatchOutcome(BaseModel):
    """What became of one item."""

    index: int = Field(description="Position in the request, from 0.")
    status: Literal["accepted", "replayed", "rejected"] = Field(
        description="`replayed`: an earlier request with the same idempotency key made this task."
    )
    task: TaskDocument | None = None
    error: Problem | None = None


class BatchResult(BaseModel):
    """What became of a batch."""

    accepted: int = Field(description="Stored now or earlier (replayed).")
    rejected: int
    items: list[BatchOutcome] = Field(description="One for each item, in order.")
