"""Looking at the far end of a connection before any task needs it: what is there, and does it suit those who use it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tradefree.errors import InvalidInput
from tradefree.tasks.types import FROM_APP, Connection, TaskType


class Finding(BaseModel):
    """One look."""

    model_config = ConfigDict(frozen=True)

    check: Annotated[str, Field(description="`address`, `key`, `app`, `published`, `form`.")]
    status: Literal["ok", "warning", "failed", "skipped"]
    detail: Annotated[str, Field(description="What was found.")]
    advice: Annotated[str, Field(description="What to do; empty if there is nothing to do.")] = ""


class FormInput(BaseModel):
    """One input that the endpoint asks for."""

    model_config = ConfigDict(frozen=True)

    variable: str
    kind: Annotated[str, Field(description="In the endpoint's words, such as `text-input` or `number`.")]
    label: str = ""
    required: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()


class Report(BaseModel):
    """What a look at a connection brought to light. It never contains the secret."""

    model_config = ConfigDict(frozen=True)

    connection: str
    ok: Annotated[bool, Field(description="No check failed.")]
    checks: tuple[Finding, ...]
    app: Annotated[str | None, Field(description="The app's name.")] = None
    mode: Annotated[str | None, Field(description="The app's kind, such as `workflow` or `chat`.")] = None
    server_version: str | None = None
    form: Annotated[tuple[FormInput, ...] | None, Field(description="The app's input form, if it could be read.")] = (
        None
    )


class Endpoints(Protocol):
    """Implemented for each kind of connection by the family of runners that uses it."""

    async def examine(self, connection: Connection, users: Sequence[TaskType]) -> Report:
        """Look, and start nothing; what is wrong is in the report. ``users``: the task types with this connection."""
        ...

    async def derive_schema(self, connection: Connection, task_type: TaskType) -> dict[str, Any]:
        """The schema of the type's ``input_data`` that the endpoint asks for. Raises InvalidInput if it cannot say."""
        ...


def endpoints_of(known: Mapping[str, Endpoints], connection: Connection) -> Endpoints:
    """Whoever can look at such a connection. Raises InvalidInput for a kind that nobody knows."""
    found = known.get(connection.kind)
    if found is None:
        raise InvalidInput(f"connections of kind {connection.kind!r} cannot be checked", field="kind")
    return found


async def with_schema(
    known: Mapping[str, Endpoints], connections: Mapping[str, Connection], task_type: TaskType
) -> TaskType:
    """The type with its app's present schema, if it wants that one. Raises InvalidInput (``input_schema``)."""
    if task_type.input_schema != FROM_APP:
        return task_type.model_copy(update={"derived_schema": None})
    connection = connections.get(task_type.connection or "")
    if connection is None:
        raise InvalidInput("from-app needs a connection: whose app should be asked?", field="input_schema")
    schema = await endpoints_of(known, connection).derive_schema(connection, task_type)
    return task_type.model_copy(update={"derived_schema": schema})
