"""Every error the package raises on purpose, as one tree.

    TradefreeError
    ├── InvalidInput            the caller sent something that cannot be right: names the field and the reason
    │   ├── IdempotencyMismatch the key was used before with another body
    │   └── TooLarge            more than the database takes in one statement
    ├── NotFound                no such thing, or not yours to see
    ├── Conflict                the thing is in a state in which this cannot be done
    ├── Unauthorized            no key, or a key that is unknown, revoked or expired
    ├── Forbidden               a good key without the right for this
    ├── SettingsError           a setting is missing or wrong: the process must not start
    ├── Outdated                the database was brought to a protocol that this version does not speak: stop
    ├── StorageUnavailable      the database does not answer; nothing was half-stored, try again
    │   └── StorageRefused      it answers, and refuses the configured user or database
    ├── LeadershipLost          another dispatcher leads; the round wrote nothing
    └── RunnerError             what a runner says about the work it tried
        ├── Failed              it did not work; ``retryable`` says whether another attempt may help
        ├── Busy                nothing was started because the upstream has no room: not an attempt
        └── OutcomeUnknown      something was started and nobody knows how it ended: look before starting again

The message of an error is written for the person who must do something about it.
"""

from __future__ import annotations


class TradefreeError(Exception):
    """Base of all deliberate errors; ``str(error)`` is the sentence to show."""


class InvalidInput(TradefreeError):
    """A value that cannot be accepted.

    ``field`` is a JSON pointer without the leading slash (``input_data/customer_id``) or a parameter name.
    """

    def __init__(self, reason: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
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


class Unauthorized(TradefreeError):
    """No API key, or one that is unknown, revoked or expired."""


class Forbidden(TradefreeError):
    """The API key is good but has no right to do this."""


class SettingsError(TradefreeError):
    """A setting is missing or wrong; names the setting and what to do."""


class StorageUnavailable(TradefreeError):
    """The database does not answer. Nothing was half-stored; the same call may be repeated."""


class StorageRefused(StorageUnavailable):
    """The database server answers and refuses the user, the database or a right. Names TRADEFREE_DATABASE_URL.

    While the system runs it is like any other outage: somebody changed a password, and may change it back.
    """


class Outdated(TradefreeError):
    """The database was brought to a protocol that this version does not speak. The process must write nothing more."""


class LeadershipLost(TradefreeError):
    """Another dispatcher leads now; the round wrote nothing."""


class RunnerError(TradefreeError):
    """What a runner says about the work it tried."""

    code = "runner_error"


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
