"""Workers, statistics and health over the wire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from tradefree.tasks.recover import LEASE
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
    beat_at: datetime = Field(description="When it was last heard of.")
    lease_until: datetime = Field(description="It is given up if it is not heard of until then.")

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
            beat_at=worker.lease_until - timedelta(seconds=LEASE),
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


class QueueStats(BaseModel):
    """One queue: what waits in it, and who serves it."""

    name: str
    waiting: int = Field(description="Pending tasks.")
    workers: int = Field(description="Live workers that serve it. None, and something waits: nobody will run it.")
    capacity: int


class Stats(BaseModel):
    """How many tasks there are."""

    by_status: dict[str, int] = Field(description="Every status, also those without a task.")
    by_type: dict[str, dict[str, int]]
    total: int
    queues: list[QueueStats]
    workers: WorkerStats
    leads: bool = Field(description="True if the service that answered is the dispatcher now.")


class BackupDocument(BaseModel):
    """One backup, made or tried."""

    made_at: datetime
    file: str
    host: str
    size: int | None = Field(description="Bytes.")
    encrypted: bool
    error: str | None = Field(description="Why it failed.")
    proved_at: datetime | None = Field(description="When it was last restored for a test.")
    proved_on: str | None
    proof_error: str | None = Field(description="Why that failed.")


class SystemDocument(BaseModel):
    """What runs here, for whoever runs it."""

    version: str = Field(description="Of the service that answers.")
    protocol: int = Field(description="Versions that speak the same one may work together.")
    schema_version: str | None
    database: str = Field(examples=["MariaDB 10.11.6"])
    broker: str = Field(description="The scheme of its URL.", examples=["redis"])
    leads: bool = Field(description="True if the service that answers is the dispatcher now.")
    leader: str | None = Field(description="Host and process of the service that leads, or led last.")
    settings: dict[str, str | int | float | bool | None] = Field(
        description="Of the service that answers, by their names in the environment; secrets are `***` if they are set."
    )
    last_backup: BackupDocument | None = Field(description="The latest that was made or tried.")
    last_proved_backup: BackupDocument | None = Field(description="The one that was last restored for a test.")


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
