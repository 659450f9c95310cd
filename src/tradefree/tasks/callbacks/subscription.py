"""Subscriptions: an address that is told about all tasks that fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradefree.tasks.callbacks.secrets import Secrets
from tradefree.tasks.states import TERMINAL, Status
from tradefree.tasks.types import Name

TOLD = TERMINAL | {Status.AWAITING_INPUT}
"""The statuses that callbacks tell of."""
URL_PATTERN = r"^https?://[^\s/?#@]+([/?][^\s#]*)?$"
MOST_FAILURES = 20
FAILING_AT_MOST = timedelta(hours=24)
"""A subscription that has had no success for so long, and so many failures in that time, is paused."""

ToldStatus = Literal["completed", "failed", "cancelled", "awaiting_input"]
TypePattern = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}\*?$")]
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$")]


class Subscription(BaseModel):
    """What an operator defines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    url: str = Field(pattern=URL_PATTERN, max_length=2000, description="Where to post to: http or https.")
    description: str = Field("", max_length=1000)
    task_types: tuple[TypePattern, ...] = Field(
        (), max_length=100, description="Only tasks of these types, `*` at the end allowed; empty: all."
    )
    statuses: tuple[ToldStatus, ...] = Field((), max_length=4, description="Only these; empty: all four.")
    labels: dict[LabelName, Annotated[str, Field(max_length=255)]] = Field(
        default_factory=dict, max_length=20, description="Only tasks that have all of these labels."
    )

    def wants(self, task_type: str, status: Status, labels: Mapping[str, str]) -> bool:
        """Whether it is to be told that such a task has got to this status."""
        return (
            (not self.statuses or status.value in self.statuses)
            and (not self.task_types or any(_fits(pattern, task_type) for pattern in self.task_types))
            and self.labels.items() <= labels.items()
        )


def _fits(pattern: str, task_type: str) -> bool:
    return task_type.startswith(pattern[:-1]) if pattern.endswith("*") else task_type == pattern


class Pause(BaseModel):
    """Why nothing is sent. What is to be told meanwhile waits."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription as it stands: with its secrets, and paused or not."""

    subscription: Subscription
    secrets: Secrets = field(repr=False)
    paused: Pause | None = None

    @property
    def name(self) -> str:
        return self.subscription.name


@dataclass(frozen=True, slots=True)
class Health:
    """How deliveries to a subscription have gone."""

    failures: int = 0
    """In a row: since the last success."""
    failing_since: datetime | None = None
    """When the first of them was."""
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None

    def too_long(self, now: datetime) -> bool:
        """True if it has failed for so long that it should be paused."""
        since = self.failing_since
        return self.failures >= MOST_FAILURES and since is not None and now - since >= FAILING_AT_MOST


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How some deliveries to one subscription went, together."""

    failures: int
    """In a row, at the end of what is told here."""
    succeeded: bool
    """True if any of them succeeded: what failed before it counts no more."""
    at: datetime
    error: str | None = None
    """What the last failure said."""
