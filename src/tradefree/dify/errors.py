"""What can go wrong between us and Dify, as one tree.

    DifyError               code, message, HTTP status, excerpt of the body
    ├── DifyBusy            nothing was started: no room, or nobody there. Try again later
    ├── DifyRejected        refused for good: the same request will be refused again
    │   └── DifyNotFound    the run, workflow or path does not exist (or belongs to another app or user)
    ├── DifyUnavailable     Dify failed while it looked at the request; nothing was started
    └── DifyUncertain       the request went out and nobody knows what came of it: look before repeating it

The two questions a caller has are attributes of the class: ``retryable`` (may the same request work later?) and
``may_have_started`` (may something be running at Dify because of it?). No error ever contains the app's key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import orjson

from tradefree.errors import TradefreeError

EXCERPT = 500
"""Characters of an answer's body that an error keeps."""
LONGEST_WAIT = 86400.0
"""Seconds; a longer Retry-After is taken for nonsense and shortened."""

UNREACHABLE = "unreachable"
"""Our code for a connection that could not be made."""
TOO_MANY = "Too many requests"
"""Dify 1.14.2 says "no room" as 400 ``invalid_param``; only the start of its message tells it from bad input."""
NEVER_REACHED = frozenset({429, 521, 523})
"""No room (429), or a Cloudflare edge that could not reach Dify at all (521 refused, 523 unreachable)."""
PROXY_LOST_IT = frozenset({502, 503, 504, 520, 522, 524, 525, 526, 527, 530})
"""A proxy gave up on a request that it may have passed on."""

_TAG = re.compile(r"<(script|style).*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)


class DifyError(TradefreeError):
    """Something went wrong with Dify. ``status`` is None where no HTTP answer was involved."""

    code: str
    retryable: ClassVar[bool] = False
    may_have_started: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        excerpt: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.excerpt = excerpt
        self.retry_after = retry_after
        """Seconds the answer asked to wait."""

    @property
    def unreachable(self) -> bool:
        """True if Dify was not reached at all, or a proxy before it did not reach it: it may be down."""
        return self.status in PROXY_LOST_IT or self.code == UNREACHABLE


class DifyBusy(DifyError):
    """Nothing was started, because Dify has no room or could not be reached at all."""

    retryable = True


class DifyRejected(DifyError):
    """Dify refused the request, and will refuse it again until somebody changes something."""


class DifyNotFound(DifyRejected):
    """No such run, workflow or path, or it belongs to another app or user."""


class DifyUnavailable(DifyError):
    """Dify failed at the request. Nothing was started; a few more tries may help.

    Dify 1.14.2 also answers 500 to some bad input (a list for a number, a ``user`` over 255 characters).
    """

    retryable = True


class DifyUncertain(DifyError):
    """The request was sent and its outcome is unknown; a run may be going on."""

    retryable = True
    may_have_started = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is not what was asked for. ``body`` may be JSON, HTML or anything else."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def fields(self) -> dict[str, Any]:
        """Dify's ``{"code", "message", "status"}``, or nothing."""
        try:
            parsed = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def words(self) -> str:
        """The body as a person would read it: tags and runs of white space removed."""
        return " ".join(_TAG.sub(" ", self.body.decode("utf-8", "replace")).split())[:EXCERPT]


def error_of_answer(answer: Answer, *, starts: bool, secret: str = "", now: datetime | None = None) -> DifyError:
    """The error that an HTTP answer stands for.

    ``starts`` tells whether the request could start a run: only then is a proxy's 502 uncertain. ``secret`` is
    removed from every text. ``now`` is only for Retry-After given as a date.
    """
    fields = answer.fields()
    code = str(fields.get("code") or "")
    said = _without(secret, str(fields.get("message") or ""))
    words = _without(secret, answer.words())
    if 300 <= answer.status < 400:
        said = f"a redirect to {answer.headers.get('Location')}: use that as base URL; redirects are not followed"
    kind = _kind(answer.status, code, said, starts=starts)
    return kind(
        f"Dify answered {answer.status}{f' {code}' if code else ''}: {said or words or 'without a word'}",
        code=code or f"http_{answer.status}",
        status=answer.status,
        excerpt=words,
        retry_after=parse_retry_after(answer.headers.get("Retry-After"), now or datetime.now(UTC)),
    )


def error_of_event(fields: Mapping[str, Any], secret: str = "") -> DifyError:
    """The error that a stream's ``error`` event stands for: ``{"code", "status", "message"}`` at its top level."""
    status = fields.get("status")
    status = status if isinstance(status, int) else 500
    code = str(fields.get("code") or "error")
    said = _without(secret, str(fields.get("message") or ""))
    kind = _kind(status, code, said, starts=False)
    return kind(f"Dify reported {status} {code}: {said or 'without a word'}", code=code, status=status)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait from a Retry-After header: a number of seconds or an HTTP date (RFC 9110 §10.2.3)."""
    if not value:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,12}(\.\d+)?", text):
        seconds = float(text)
    else:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _kind(status: int, code: str, said: str, *, starts: bool) -> type[DifyError]:
    if status in NEVER_REACHED or said.startswith(TOO_MANY):
        return DifyBusy
    if status == 404:
        return DifyNotFound
    if code == "completion_request_error":
        return DifyUnavailable  # Dify's word for any error of the model behind it, passing ones included
    if status in PROXY_LOST_IT or (status >= 500 and not code):
        return DifyUncertain if starts else DifyUnavailable
    if status >= 500 or status == 408:
        return DifyUnavailable
    return DifyRejected


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "[app key]") if secret else text
