"""Tasks over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, field_validator, model_validator

from tradefree.service.models.callbacks import DeliveryDocument
from tradefree.service.models.fields import AS_DURATION, ConcurrencyKey, Labels, Moment, Request, Seconds, Yes
from tradefree.service.models.limits import WaitingDocument
from tradefree.service.models.questions import QuestionDocument
from tradefree.tasks.states import Status
from tradefree.tasks.submit import NewTask
from tradefree.tasks.task import AttemptOutcome
from tradefree.tasks.types import NAME_PATTERN

YEAR = 366 * 86400.0
"""Seconds: how far ahead a task may be scheduled."""
PAGE = 50
MAX_PAGE = 200
WEB_URL = r"^https?://[^\s/?#@]+([/?][^\s#]*)?$"


class SubmitRequest(Request):
    """A task to run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "summarize-order",
                    "input_data": {"order_id": "SO-1042", "customer_id": "C-7"},
                    "concurrency_key": "C-7",
                    "priority": 10,
                    "labels": {"shop": "shenzhen"},
                }
            ]
        },
    )

    type: Annotated[StrictStr, Field(max_length=200, description="Name of a task type.", examples=["summarize-order"])]
    input_data: Any = Field(None, description="What the runner gets; must satisfy the type's schema. Left out: `{}`.")
    concurrency_key: ConcurrencyKey | None = None
    priority: Annotated[StrictInt, Field(ge=-100, le=100, description="Higher runs earlier.")] = 0
    delay: Annotated[Seconds, Field(ge=0, le=YEAR), AS_DURATION] | None = Field(
        None, description="Start no sooner than this from now."
    )
    run_at: Moment | None = Field(None, description="Start no sooner than this; not together with `delay`.")
    expires_in: Annotated[Seconds, Field(gt=0, le=2 * YEAR), AS_DURATION] | None = Field(
        None, description="Fail the task if it has not started by then."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=86400), AS_DURATION] | None = Field(
        None, description="Time one attempt may take; left out: the type's."
    )
    max_attempts: Annotated[StrictInt, Field(ge=1, le=100)] | None = Field(
        None, description="Attempts in all; left out: the type's."
    )
    labels: Labels = Field(default_factory=dict, description="Up to 20 names and values to find the task by.")
    callback_url: Annotated[StrictStr, Field(pattern=WEB_URL, max_length=2000)] | None = Field(
        None, description="Told of every end of the task, and when it asks a person; see `Callbacks`."
    )

    @field_validator("labels", mode="before")
    @classmethod
    def _no_labels(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("priority", mode="before")
    @classmethod
    def _no_priority(cls, value: Any) -> Any:
        return 0 if value is None else value

    def new_task(self, traceparent: str | None = None) -> NewTask:
        """What the domain calls it, submitted in a trace."""
        return NewTask(
            type=self.type,
            input_data={} if self.input_data is None else self.input_data,
            concurrency_key=self.concurrency_key,
            priority=self.priority,
            delay=self.delay,
            run_at=self.run_at,
            expires_in=self.expires_in,
            timeout=self.timeout,
            max_attempts=self.max_attempts,
            labels=dict(self.labels),
            callback_url=self.callback_url,
            traceparent=traceparent,
        )


class UsageDocument(BaseModel):
    """What a run cost; null where the upstream did not say."""

    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    price: str | None = Field(None, description="A decimal number as text.", examples=["0.00325"])
    currency: str | None = None
    elapsed: float | None = Field(None, description="Seconds, as the upstream counted them.")


class AttemptDocument(BaseModel):
    """One performance of a task by one worker."""

    number: int
    worker_id: str | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: AttemptOutcome | None = Field(description="Null while it runs.")
    error_code: str | None
    error_message: str | None
    usage: UsageDocument
    runner_state: dict[str, Any] | None = Field(
        description="What the runner keeps to find its run again (for Dify: the run's id). Needs `payloads:read`."
    )
    upstream: dict[str, Any] | None = Field(
        description="What the upstream calls it; for Dify `run_id`, `message_id`, `workflow_id` (the published "
        "version) and `dify_version`, as far as they are known."
    )


class ClippedDocument(BaseModel):
    """What is known of a result whose beginning alone is stored."""

    bytes: int = Field(description="Of the whole result as JSON.")
    sha256: str = Field(description="Of the same bytes, in hex.")


class TaskDocument(BaseModel):
    """A task as it is now."""

    id: str = Field(examples=["019bdf3c-5a6e-7c02-9d3e-0d1c2b3a4f5e"])
    type: str
    status: Status
    input_data: Any = Field(description="Null where payloads are hidden.")
    output_data: Any = Field(description="The result; null until there is one and where payloads are hidden.")
    output_clipped: ClippedDocument | None = Field(
        description="Size and hash of a result that was too large to be stored whole; null where payloads are hidden."
    )
    payloads_hidden: bool = Field(description="True if input and output were left out: not asked for, or no right to.")
    error_code: str | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    run_at: datetime = Field(description="Not before this moment.")
    queued_at: datetime | None
    started_at: datetime | None = Field(description="Of the latest attempt.")
    finished_at: datetime | None
    expires_at: datetime | None
    cancel_requested_at: datetime | None
    attempt_count: int
    failures: int = Field(description="How often the runner said no.")
    crashes: int = Field(description="How often the worker died without a sign of life from the runner.")
    deferrals: int = Field(description="How often the upstream had no room.")
    concurrency_key: str | None
    priority: int
    labels: dict[str, str]
    timeout: float | None = Field(description="Seconds; null: the type's.")
    max_attempts: int | None = Field(description="Null: the type's.")
    callback_url: str | None
    submitted_by: str | None = Field(description="Id of the API key that submitted it.")
    event_id: str | None = Field(description="Id of the event that made it.")
    traceparent: str | None = Field(description="The W3C trace context it was submitted in.")
    worker_id: str | None
    question: QuestionDocument | None = Field(description="What a person is asked; null where payloads are hidden.")
    answer_by: datetime | None = Field(description="The task fails if nobody has answered by then.")
    status_url: str
    logs_url: str
    stream_url: str = Field(description="Server-sent events; carries a token that works for five minutes.")
    cancel_url: str


class TaskDetail(TaskDocument):
    """A task with its attempts."""

    attempts: list[AttemptDocument] = Field(description="Oldest first; the running one is the last.")
    waiting: WaitingDocument | None = Field(description="Why it does not start; null once it has started.")
    deliveries: list[DeliveryDocument] = Field(
        default_factory=list, description="Who was told of it, and how that went; oldest first, the last 50."
    )


class TaskPage(BaseModel):
    """Some tasks, newest first."""

    items: list[TaskDocument]
    next_cursor: str | None = Field(description="Pass it as `cursor` to read on; null at the end.")


class SuggestionList(BaseModel):
    """What may be meant."""

    items: list[str] = Field(description="Of the newest tasks the first.", examples=[["customer 7", "customer 71"]])


class RetryRequest(Request):
    """How to try again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input_data": {"order_id": "SO-1042", "customer_id": "C-8"}}]},
    )

    input_data: Any = Field(None, description="Other input for the next attempt; left out: the same again.")


Names = list[Annotated[StrictStr, Field(pattern=NAME_PATTERN)]]


class ActionFilter(Request):
    """Which tasks; everything given must hold."""

    status: list[Status] = Field(default_factory=list, max_length=20)
    type: Names = Field(default_factory=list, max_length=100)
    concurrency_key: ConcurrencyKey | None = None
    labels: Labels = Field(default_factory=dict)
    q: Annotated[StrictStr, Field(min_length=1, max_length=200)] | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    finished_after: Moment | None = None
    finished_before: Moment | None = None

    @property
    def empty(self) -> bool:
        return not self.model_dump(exclude_defaults=True)


class TaskAction(Request):
    """Cancel or retry everything that matches."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"action": "retry", "filter": {"status": ["failed"], "type": ["summarize-order"]}}]
        },
    )

    action: Literal["cancel", "retry"] = Field(
        description="Without a `status` in the filter, `cancel` is for live tasks and `retry` for failed and "
        "cancelled ones; completed work is done again only if the filter names `completed`."
    )
    filter: ActionFilter = Field(default_factory=ActionFilter)
    all: Yes = Field(False, description="Must be true if the filter is empty.")
    dry_run: Yes = Field(False, description="Only count what matches, and estimate what doing it would cost.")
    limit: Annotated[StrictInt, Field(ge=1, le=10_000)] | None = Field(
        None, description="Act on so many at most, in the order of the list; left out: on all. `next_cursor` leads on."
    )
    cursor: Annotated[StrictStr, Field(min_length=1, max_length=200)] | None = Field(
        None, description="`next_cursor` of the answer before."
    )

    @model_validator(mode="after")
    def _meant(self) -> TaskAction:
        if self.filter.empty and not self.all:
            raise ValueError('an empty filter matches every task; say "all": true if that is meant')
        return self


class ActionEstimate(BaseModel):
    """What an action would do."""

    by_type: dict[str, int]
    more: bool = Field(description="There are more than were counted.")
    tokens: int | None = Field(
        description="Of a retry, by what tasks of these types took in the last 30 days; null if nothing is known."
    )
    cost: dict[str, float] | None = Field(description="The same in money, by currency.", examples=[{"USD": 1.25}])


class ActionOutcome(BaseModel):
    """What an action did."""

    matched: int = Field(description="Tasks that fit the filter, or fitted it.")
    changed: int
    next_cursor: str | None = Field(None, description="With `limit`: pass it as `cursor` to go on; null at the end.")
    estimate: ActionEstimate | None = Field(None, description="Of a dry run.")
