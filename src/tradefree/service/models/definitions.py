"""Task types and connections over the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr

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
    options: dict[str, Any] = Field(default_factory=dict)


class ConnectionDocument(BaseModel):
    """A connection without its secret."""

    name: str
    kind: str
    base_url: str
    api_key_set: bool = True
    options: dict[str, Any]

    @classmethod
    def of(cls, connection: Connection) -> ConnectionDocument:
        return cls(name=connection.name, kind=connection.kind, base_url=connection.base_url, options=connection.options)


class ConnectionList(BaseModel):
    """Every connection, by name."""

    items: list[ConnectionDocument]
