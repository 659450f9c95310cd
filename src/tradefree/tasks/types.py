"""Task types and connections: what operators define, in YAML or over the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tradefree.errors import BadValue, InvalidInput
from tradefree.limits.caps import Burst, Pending, RateText, Running
from tradefree.tasks.concurrency_key import check_key, key_expression, key_text
from tradefree.tasks.durations import YEAR, Duration
from tradefree.tasks.retry import RetryPolicy
from tradefree.tasks.schema import check_schema, schema_problem

OURS = "tradefree."
"""In front of the names of built-in task types, which nobody else may use."""
BUILT_IN = frozenset({"callback"})
"""The runners of built-in task types."""
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"

FROM_APP = "from-app"
"""In the place of an input schema: ask the app."""


def _schema(value: Any) -> Any:
    if value is None or value == FROM_APP:
        return value
    if isinstance(value, dict):
        return check_schema(value)
    raise ValueError(f"should be a JSON Schema, or {FROM_APP}")


JsonSchema = Annotated[dict[str, Any], AfterValidator(check_schema)]
Name = Annotated[
    str,
    Field(pattern=NAME_PATTERN, description="Lower-case letters, digits, `.`, `_`, `-`; at most 63 characters."),
]


class Concurrency(BaseModel):
    """How many tasks of a type may be in flight, start and wait; None is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_running: Running | None = Field(None, description="In flight over the whole type.")
    key: Annotated[str, AfterValidator(check_key)] | None = Field(
        None,
        description="CEL over the input, `input.customer_id`: the concurrency key of tasks submitted without one.",
    )
    max_running_per_key: Running | None = Field(None, description="In flight over each concurrency key.")
    rate_per_key: RateText | None = Field(None, description="Starts per period of each concurrency key.")
    burst_per_key: Burst = 1
    max_pending_per_key: Pending | None = None

    def key_of(self, input_data: Any) -> str | None:
        """The concurrency key that the expression gives. Raises InvalidInput if it gives none for this input."""
        if self.key is None:
            return None
        try:
            return key_text(key_expression(self.key).value({"input": input_data}))
        except ValueError as error:
            raise InvalidInput(
                f"the type's concurrency.key has no value for this input: {error}", field="input_data"
            ) from None


class TaskType(BaseModel):
    """A named recipe: which runner, against which connection, with which rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = Field("", max_length=1000)
    runner: str = Field(max_length=63, description="`echo`, `dify.workflow`, or the name of an installed runner.")
    connection: Name | None = None
    queue: Name = "default"
    input_schema: Annotated[Literal["from-app"] | dict[str, Any] | None, BeforeValidator(_schema)] = Field(
        None,
        description="JSON Schema (2020-12) that `input_data` must satisfy; `from-app`: the one that the connection's "
        "app asks for.",
    )
    derived_schema: JsonSchema | None = Field(
        None, description="With `from-app`: what the app asks for, filled in when the type is defined or checked."
    )
    timeout: Duration = Field(600.0, gt=0, le=86400, description="Time one attempt may take.")
    max_deferral: Duration = Field(
        86400.0, gt=0, le=YEAR, description="How long a busy upstream may keep the task waiting."
    )
    answer_within: Duration = Field(
        7 * 86400.0, gt=0, le=YEAR, description="How long people have to answer what a task asks them."
    )
    side_effects: bool = Field(False, description="A run may do what must not be done twice.")
    on_unknown: Literal["rerun", "hold"] | None = Field(
        None,
        description="Where nobody can know what became of a run: `rerun` starts another, `hold` waits for a person. "
        "Left out: `hold` with side effects, else `rerun`.",
    )
    retry: RetryPolicy = RetryPolicy()
    weight: float = Field(1.0, ge=0.01, le=100, description="Share of free places beside other types.")
    rate: RateText | None = None
    burst: Burst = 1
    max_pending: Pending | None = None
    limits: tuple[Name, ...] = Field((), max_length=10, description="Names of shared limits that hold for it, too.")
    concurrency: Concurrency = Concurrency()
    options: dict[str, Any] = Field(default_factory=dict, description="Whatever else the runner understands.")

    @model_validator(mode="after")
    def _not_ours(self) -> TaskType:
        if self.name.startswith(OURS) and self.runner not in BUILT_IN:
            raise BadValue(f"names that begin with {OURS} are the system's own", "name_of_ours", prefix=OURS)
        return self

    @property
    def holds_unknown(self) -> bool:
        """True if a person decides where nobody can know what became of a run."""
        return self.on_unknown == "hold" if self.on_unknown else self.side_effects

    def check_input(self, input_data: Any) -> None:
        """Raise InvalidInput, naming the field, if the input does not satisfy the type's schema."""
        schema = self.derived_schema if self.input_schema == FROM_APP else self.input_schema
        if not isinstance(schema, dict):
            return
        if problem := schema_problem(schema, input_data):
            pointer = "/".join(["input_data", *problem.path])
            raise InvalidInput(problem.reason, field=pointer, code=problem.code, facts=problem.facts)


class Connection(BaseModel):
    """A named endpoint with its secret. The secret never leaves the process except to the endpoint itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    kind: Annotated[str, Field(pattern="^dify$")] = "dify"
    base_url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=500)
    api_key: str = Field(min_length=1, max_length=500, repr=False)
    max_running: Running | None = Field(None, description="Tasks in flight over all types that use it.")
    rate: RateText | None = None
    burst: Burst = 1
    max_pending: Pending | None = None
    adaptive: bool = Field(
        True, description="Learn from refusals and silence how much the endpoint takes, and stay below that."
    )
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _clean_secret(self) -> Connection:
        if not self.api_key.isascii() or any(c.isspace() for c in self.api_key):
            raise BadValue("api_key must be ASCII without white space; was it copied whole?", "api_key")
        return self
