"""Task types and connections over the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from tradefree.limits.caps import Burst, Pending, RateText, Running
from tradefree.service.models.fields import Request
from tradefree.tasks.types import Connection, TaskType


class TaskTypeList(BaseModel):
    """Every task type, by name."""

    items: list[TaskType]


class ConnectionRequest(Request):
    """A connection to store."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "dify", "base_url": "https://dify.example/v1", "api_key": "app-…"}],
        },
    )

    name: Annotated[StrictStr, Field(description="If given, the name in the path.")] | None = None
    kind: StrictStr = "dify"
    base_url: StrictStr = Field(description="Where the endpoint is. A changed one demands `api_key` again.")
    api_key: Annotated[StrictStr, Field(description="Left out: the stored one is kept.")] | None = None
    max_running: Running | None = None
    rate: RateText | None = None
    burst: Burst = 1
    max_pending: Pending | None = None
    adaptive: StrictBool = Field(
        True, description="Learn from refusals and silence how much the endpoint takes, and stay below that."
    )
    options: dict[str, Any] = Field(default_factory=dict)


class ConnectionDocument(BaseModel):
    """A connection without its secret."""

    name: str
    kind: str
    base_url: str
    api_key_set: bool = True
    max_running: int | None
    rate: str | None
    burst: int
    max_pending: int | None
    adaptive: bool
    options: dict[str, Any]

    @classmethod
    def of(cls, connection: Connection) -> ConnectionDocument:
        return cls.model_validate(connection.model_dump(exclude={"api_key"}))


class ConnectionList(BaseModel):
    """Every connection, by name."""

    items: list[ConnectionDocument]
