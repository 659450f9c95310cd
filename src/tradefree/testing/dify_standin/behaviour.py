"""What a run does instead of simply succeeding: faults and odd turns of a real Dify 1.14.2, unless said otherwise."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Effect(BaseModel):
    """One fault. In YAML `true` takes all defaults, `false` or `null` switches it off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times: int | None = None
    """Only the first N runs of the same task (see `Tally`); None: always."""


class Fail(Effect):
    """A node fails and the run ends `failed`. Dify answers HTTP 200 even in blocking mode."""

    node: str | None = None
    """Node id; None: the last one before the end."""
    error: str = "[Errno 111] Connection refused"


class NodeRetry(Effect):
    """A node fails and Dify retries it inside the run: `node_retry` events, then `partial-succeeded`."""

    node: str | None = None
    retries: int = 2
    error: str = "Reached maximum retries for URL http://127.0.0.1/flaky"
    seconds: float = 0.5
    """Length of each failed try."""


class PartialSuccess(Effect):
    """A node with a default value fails: status `exception`, and the run is `partial-succeeded` with error null."""

    node: str | None = None
    error: str = "Reached maximum retries for URL http://127.0.0.1/status/500"
    error_type: str = "HttpRequestNodeError"


class TooManyRequests(Effect):
    """HTTP 400 `invalid_param` "Too many requests. ...": the run was not started."""

    above: int | None = None
    """Refuse only while this many runs of the app are open (queued or running)."""


class HttpError(Effect):
    """An HTTP error instead of an answer, as a proxy in front of Dify or Dify itself would give it."""

    status: int = 502
    body: Literal["html", "json"] = "html"
    code: str = "internal_server_error"
    message: str = "The server encountered an internal error."
    retry_after: int | None = None
    """Seconds in a `Retry-After` header."""
    run_starts: bool = False
    """The answer is lost but the run goes on, as behind a proxy that gave up. Only for workflows."""


class CutStream(Effect):
    """The connection of the first stream drops. The run goes on. A blocking call loses its answer."""

    after_events: int = 2
    """Events sent before the cut; pings do not count."""
    mid_frame: bool = False
    """Half of the next event is sent too."""


class MissingFinalEvent(Effect):
    """Everything arrives but `workflow_finished`, then a clean end of the stream (Dify's pub/sub may lose events)."""


class SilentHang(Effect):
    """HTTP 200, one ping, then silence until the server closes the stream."""

    after_events: int = 0
    """0: the run never starts. More: the worker dies after so many events and the run stays `running` for ever."""


class ErrorEvent(Effect):
    """`event: error` with `workflow_run_id` null; the stream stays open. Blocking: HTTP error of that status."""

    code: str = "invalid_param"
    status: int = 400
    message: str = "Model is not configured"


class Behaviour(BaseModel):
    """All effects of a run. A name alone is short for `{name: true}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slow: float | str | None = None
    """Length in seconds of the first node that works, or a template over the inputs such as `"{seconds}"`."""
    fail: Fail | None = None
    node_retry: NodeRetry | None = None
    partial_success: PartialSuccess | None = None
    too_many_requests: TooManyRequests | None = None
    http_error: HttpError | None = None
    cut_stream: CutStream | None = None
    missing_final_event: MissingFinalEvent | None = None
    silent_hang: SilentHang | None = None
    error_event: ErrorEvent | None = None
    huge_output: int | None = Field(default=None, ge=0)
    """An extra output `filler` of this many bytes."""
    ignored_stop: bool = False
    """Stop answers success and does nothing (not seen on a real server)."""
    stop_outcome: Literal["auto", "stopped", "aborted"] = "auto"
    """Which of the two real outcomes a stop has; `auto`: as Dify, by when the node under way ends."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {value: True} if isinstance(value, str) else value

    @field_validator(
        "fail",
        "node_retry",
        "partial_success",
        "too_many_requests",
        "http_error",
        "cut_stream",
        "missing_final_event",
        "silent_hang",
        "error_event",
        mode="before",
    )
    @classmethod
    def _true_takes_defaults(cls, value: Any) -> Any:
        if value is True:
            return {}
        return None if value is False else value

    def overridden_by(self, other: Behaviour) -> Behaviour:
        """This behaviour with everything that `other` sets explicitly."""
        return self.model_copy(update={name: getattr(other, name) for name in other.model_fields_set})


class Rule(BaseModel):
    """Behaviour for the runs whose inputs match. All conditions must hold; `sys.user_id` is the caller's user."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: dict[str, Any]
    """Field → value, or field → `{contains: text}`, `{above: number}`, `{below: number}`, `{any_of: [values]}`."""
    then: Behaviour

    def matches(self, inputs: dict[str, Any], user: str) -> bool:
        values = {**inputs, "sys.user_id": user}
        return all(_holds(condition, values.get(field)) for field, condition in self.when.items())


def _holds(condition: Any, value: Any) -> bool:
    if not isinstance(condition, dict):
        return bool(value == condition)
    if "contains" in condition:
        return str(condition["contains"]) in str(value)
    if "any_of" in condition:
        return value in condition["any_of"]
    if not isinstance(value, int | float):
        return False
    above, below = float(condition.get("above", "-inf")), float(condition.get("below", "inf"))
    return above < value < below


class Tally:
    """Counts how often an effect struck a task, so that a fault with `times: 2` lets the third attempt pass."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def strikes(self, effect: Effect | None, name: str, app: str, task: str) -> bool:
        """Whether the effect strikes now; counts it if so."""
        if effect is None:
            return False
        if effect.times is None:
            return True
        key = (app, name, task)
        if self._counts[key] >= effect.times:
            return False
        self._counts[key] += 1
        return True

    def clear(self) -> None:
        self._counts.clear()
