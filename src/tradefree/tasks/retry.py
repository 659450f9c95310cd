"""When to try again."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tradefree.tasks.durations import YEAR, Duration


class RetryPolicy(BaseModel):
    """How often and how soon a failed task is tried again. Whether an error is worth it is the runner's word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_attempts: int = Field(4, ge=1, le=100, description="Attempts in all, the first included.")
    backoff: Literal["exponential", "fixed"] = "exponential"
    initial: Duration = Field(2.0, gt=0, le=YEAR, description="Wait after the first failure.")
    maximum: Duration = Field(
        300.0, gt=0, le=YEAR, description="No growing wait is longer, unless the upstream asked for it."
    )
    factor: float = Field(2.0, ge=1, le=10, description="Growth of the wait from failure to failure.")

    def delay(self, failures: int, *, luck: float, retry_after: float | None = None) -> float:
        """Seconds to wait after the ``failures``-th failure (from 1).

        ``luck`` in [0, 1) spreads the wait over the upper half of its span ("equal jitter"), so that tasks which
        failed together do not come back together. A wait the upstream asked for is honoured as a minimum.
        """
        span = self.initial
        if self.backoff == "exponential":
            span = min(self.maximum, self.initial * self.factor ** min(failures - 1, 64))
        wait = span / 2 + luck * span / 2
        return max(wait, min(retry_after or 0.0, YEAR))
