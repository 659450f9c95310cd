"""Task types and connections: what operators define, in YAML or over the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from tradefree.errors import InvalidInput
from tradefree.tasks.durations import YEAR, Duration
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.schema import check_schema, schema_problem

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"

Name = Annotated[
    str,
    Field(pattern=NAME_PATTERN, description="Lower-case letters, digits, `.`, `_`, `-`; at most 63 characters."),
]


class Concurrency(BaseModel):
    """How many tasks of a type may be in flight at once; None is no cap."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_running: int | None = Field(None, ge=1, description="Over the whole type.")
    max_running_per_key: int | None = Field(None, ge=1, description="Over each concurrency key.")


class TaskType(BaseModel):
    """A named recipe: which runner, against which connection, with which rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = Field("", max_length=1000)
    runner: str = Field(max_length=63, description="`echo`, `dify.workflow`, or the name of an installed runner.")
    connection: Name | None = None
    queue: Name = "default"
    input_schema: Annotated[dict[str, Any], AfterValidator(check_schema)] | None = Field(
        None, description="JSON Schema (2020-12) that `input_data` must satisfy."
    )
    timeout: Duration = Field(600.0, gt=0, le=86400, description="Time one attempt may take.")
    max_deferral: Duration = Field(
        86400.0, gt=0, le=YEAR, description="How long a busy upstream may keep the task waiting."
    )
    retry: RetryPolicy = RetryPolicy()
    concurrency: Concurrency = Concurrency()
    options: dict[str, Any] = Field(default_factory=dict, description="Whatever else the runner understands.")

    def check_input(self, input_data: Any) -> None:
        """Raise InvalidInput, naming the field, if the input does not satisfy the type's schema."""
        if self.input_schema is None:
            return
        if problem := schema_problem(self.input_schema, input_data):
            pointer, reason = problem
            raise InvalidInput(reason, field="/".join(["input_data", *pointer]))


class Connection(BaseModel):
    """A named endpoint with its secret. The secret never leaves the process except to the endpoint itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    kind: Annotated[str, Field(pattern="^dify$")] = "dify"
    base_url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=500)
    api_key: str = Field(min_length=1, max_length=500, repr=False)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _clean_secret(self) -> Connection:
        if not self.api_key.isascii() or any(c.isspace() for c in self.api_key):
            raise ValueError("api_key must be ASCII without white space; was it copied whole?")
        return self
