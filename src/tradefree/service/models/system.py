"""Workers, statistics and health over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from tradefree.tasks.task import Worker, WorkerStatus


class WorkerDocument(BaseModel):
    """One incarnation of a worker process."""

    id: str
    name: str
    status: WorkerStatus
    queues: list[str]
    capacity: int = Field(description="Tasks it performs at once.")
    in_flight: int = Field(description="Tasks it has.")
    version: str
    started_at: datetime
    lease_until: datetime

    @classmethod
    def of(cls, worker: Worker, in_flight: int) -> WorkerDocument:
        return cls(
            id=worker.id,
            name=worker.name,
            status=worker.status,
            queues=list(worker.queues),
            capacity=worker.capacity,
            in_flight=in_flight,
            version=worker.version,
            started_at=worker.started_at,
            lease_until=worker.lease_until,
        )


class WorkerList(BaseModel):
    """Workers, those that left or died lately included."""

    items: list[WorkerDocument]


class WorkerStats(BaseModel):
    """The live workers, added up."""

    live: int
    capacity: int
    in_flight: int


class Stats(BaseModel):
    """How many tasks there are."""

    by_status: dict[str, int] = Field(description="Every status, also those without a task.")
    by_type: dict[str, dict[str, int]]
    total: int
    workers: WorkerStats
    leads: bool = Field(description="True if the service that answered is the dispatcher now.")


class Alive(BaseModel):
    """The process lives."""

    status: str = "ok"
    version: str


class Ready(BaseModel):
    """The service works."""

    status: Literal["ready", "degraded"] = Field(
        description="`degraded`: the broker does not answer. Tasks are accepted, and start by the workers' beats."
    )
    version: str
    leads: bool
    parts: dict[str, str] = Field(
        description="`ok`, or what is wrong, in a sentence.", examples=[{"database": "ok", "broker": "ok"}]
    )


class Landing(BaseModel):
    """Where things are."""

    name: str
    version: str
    links: dict[str, str]
