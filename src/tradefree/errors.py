"""Every error the package raises on purpose, as one tree.

    TradefreeError
    ├── InvalidInput            the caller sent something that cannot be right: names the field and the reason
    │   ├── IdempotencyMismatch the key was used before with another body
    │   └── TooLarge            more than the database takes in one statement
    ├── NotFound                no such thing, or not yours to see
    ├── Conflict                the thing is in a state in which this cannot be done
    │   └── Stale               somebody else changed it since the caller looked at it
    ├── BacklogFull             so many tasks wait already that another is not taken
    ├── Unauthorized            no key, or a key that is unknown, revoked or expired
    ├── Forbidden               a good key without the right for this
    ├── BadSignature            a webhook that its sender did not sign, or signed too long ago
    ├── SettingsError           a setting is missing or wrong: the process must not start
    ├── BackupDamaged           a backup is not whole, or not what was written, or not what was restored from it
    ├── Outdated                the database was brought to a protocol that this version does not speak: stop
    ├── StorageUnavailable      the database does not answer; nothing was half-stored, try again
    │   └── StorageRefused      it answers, and refuses the configured user or database
    ├── LeadershipLost          another dispatcher leads; the round wrote nothing
    ├── RateLimited             the API key, or the address, makes more requests than it may
    ├── ServiceUnavailable      (clients) the task service did not answer, or cannot work now
    │   └── Throttled           it says: too much, come again later
    ├── Refused                 (clients) the task service said no
    │   ├── InvalidRequest      a value is wrong: names the fields
    │   ├── KeyRefused          no good key, or one without the right
    │   └── Conflicting         the thing is in a state in which this cannot be done
    ├── TaskFailed              (clients) the result was asked for of a task that did not complete
    ├── NotEnded                (clients) the task had not ended when patience ran out
    └── RunnerError             what a runner says about the work it tried
        ├── Failed              it did not work; ``retryable`` says whether another attempt may help
        ├── Busy                nothing was started because the upstream has no room: not an attempt
        ├── OutcomeUnknown      something was started and nobody knows how it ended: look before starting again
        └── RunLost             it was looked for, and nobody can know: the task type says what follows

The message of an error is written for the person who must do something about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fact = str | int | float


class TradefreeError(Exception):
    """Base of all deliberate errors; ``str(error)`` is the sentence to show.

    ``code`` names that sentence for programs, which may say it in another language; ``facts`` are its names and
    numbers.
    """

    code: str | None = None

    def __init__(self, message: str = "", *, code: str | None = None, facts: Mapping[str, Fact] | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.facts = dict(facts or {})


class BadValue(ValueError):
    """What a validator of ours says of a value; ``code`` and ``facts`` as in TradefreeError. Pydantic collects it."""

    def __init__(self, reason: str, code: str, **facts: Fact) -> None:
        super().__init__(reason)
        self.code = code
        self.facts = facts


def kind_of(detail: Mapping[str, Any]) -> tuple[str | None, dict[str, Fact]]:
    """Code and facts of one error that pydantic reports."""
    context = detail.get("ctx") or {}
    ours = context.get("error")
    if isinstance(ours, BadValue):
        return ours.code, ours.facts
    if detail["type"] in ("value_error", "assertion_error"):
        return None, {}
    return detail["type"], {name: fact for name, fact in context.items() if isinstance(fact, str | int | float)}


class InvalidInput(TradefreeError):
    """A value that cannot be accepted.

    ``field`` is a JSON pointer without the leading slash (``input_data/customer_id``) or a parameter name.
    """

    def __init__(
        self, reason: str, *, field: str = "", code: str | None = None, facts: Mapping[str, Fact] | None = None
    ) -> None:
        super().__init__(f"{field}: {reason}" if field else reason, code=code, facts=facts)
        self.field = field
        self.reason = reason


class IdempotencyMismatch(InvalidInput):
    """The idempotency key was used before with another body."""


class TooLarge(InvalidInput):
    """More than the database takes in one statement. Repeating it cannot help."""


class NotFound(TradefreeError):
    """No such thing, or not visible to the caller."""


class Conflict(TradefreeError):
    """The thing is in a state in which this cannot be done."""


class Stale(Conflict):
    """Somebody else has changed the thing since the caller looked at it: look again."""


class BacklogFull(TradefreeError):
    """As many tasks wait in a scope as may; ``retry_after`` in seconds is a guess."""

    retry_after = 10

    def __init__(self, scope: str, most: int) -> None:
        super().__init__(
            f"{most} tasks wait in {scope}, and its max_pending is {most}: nothing was stored; try again later, or "
            "raise the limit",
            code="backlog_full",
            facts={"scope": scope, "most": most},
        )
        self.scope = scope


class Unauthorized(TradefreeError):
    """No API key, or one that is unknown, revoked or expired."""


class Forbidden(TradefreeError):
    """The API key is good but has no right to do this."""


class BadSignature(TradefreeError):
    """A webhook is not signed with the hook's secret, or was signed too long ago. Nothing of it is stored."""


class SettingsError(TradefreeError):
    """A setting is missing or wrong; names the setting and what to do."""


class StorageUnavailable(TradefreeError):
    """The database does not answer. Nothing was half-stored; the same call may be repeated."""


class StorageRefused(StorageUnavailable):
    """The database server answers and refuses the user, the database or a right. Names TRADEFREE_DATABASE_URL.

    While the system runs it is like any other outage: somebody changed a password, and may change it back.
    """


class BackupDamaged(TradefreeError):
    """A backup is not whole, or not what was written; or what was restored from it is not what it holds."""


class Outdated(TradefreeError):
    """The database was brought to a protocol that this version does not speak. The process must write nothing more."""


class LeadershipLost(TradefreeError):
    """Another dispatcher leads now; the round wrote nothing."""


class RateLimited(TradefreeError):
    """An API key, or an address, makes more requests than it may; ``retry_after`` in seconds."""

    def __init__(self, what: str, retry_after: float) -> None:
        seconds = f"{retry_after:.3g}"
        super().__init__(f"{what}; wait {seconds} s, or spread them", code="rate_limited", facts={"seconds": seconds})
        self.retry_after = retry_after


class ServiceUnavailable(TradefreeError):
    """The task service did not answer, or answered that it cannot work now.

    ``sent`` is False if the request surely did not reach it; ``retry_after`` in seconds if it said so.
    """

    def __init__(self, message: str, *, sent: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.retry_after = retry_after


class Throttled(ServiceUnavailable):
    """The service takes no more for now (429): of this key, or because too many tasks wait. Nothing was stored."""


class Refused(TradefreeError):
    """The task service said no. ``status`` is the HTTP status, ``fields`` are the values that are wrong, with reasons,
    ``request_id`` is what to look for in the service's log."""

    def __init__(
        self, message: str, status: int, *, fields: dict[str, str] | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.fields = fields or {}
        self.request_id = request_id

    @property
    def field(self) -> str:
        """The first field that is wrong; empty if it was no field."""
        return next(iter(self.fields), "")


class InvalidRequest(Refused):
    """A value cannot be accepted (400, 413, 415, 422)."""


class KeyRefused(Refused):
    """There is no good API key (401), or it has no right to this (403)."""


class Conflicting(Refused):
    """The thing is in a state in which this cannot be done (409), or somebody else has changed it (412)."""


class TaskFailed(TradefreeError):
    """The result was asked for of a task that did not complete. ``code`` is the task's ``error_code``."""

    def __init__(self, task_id: str, status: str, code: str | None, message: str | None) -> None:
        why = f": {message}" if message else f" ({code})" if code else ""
        super().__init__(f"task {task_id} is {status}{why}")
        self.task_id = task_id
        self.status = status
        self.code = code


class NotEnded(TradefreeError):
    """The task had not ended when patience ran out. It goes on."""


class RunnerError(TradefreeError):
    """What a runner says about the work it tried."""

    code: str = "runner_error"
    unreachable = False
    """True if the upstream could not be reached at all, as one that is down: others need not try just now."""


class Failed(RunnerError):
    """The work did not succeed.

    ``code`` is a short machine-readable reason, ``retry_after`` the seconds the upstream asked to wait. A subclass may
    carry what the attempt has cost in ``usage``.
    """

    def __init__(
        self, message: str, *, code: str = "failed", retryable: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


class Busy(RunnerError):
    """Nothing was started because the upstream has no room; ``retry_after`` in seconds if it said so."""

    code = "upstream_busy"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(RunnerError):
    """Something was started and nobody knows how it ended; the next attempt must look before it starts anew."""

    code = "outcome_unknown"


class RunLost(RunnerError):
    """Something was or may have been started, and looking has not told what became of it.

    The task type's ``on_unknown`` decides: another run, or a person. A subclass may carry ``usage``.
    """

    code = "run_lost"
