"""What came of an attempt, in the runner's and the worker's words. ``transitions.finish`` turns it into a move."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from tradefree.tasks.questions import Question
from tradefree.tasks.task import Json, LogLine, Usage

CODE, CURRENCY, PRICE = 64, 8, 30
"""Characters of an error's code and of a currency, digits of a price on either side of the point: the columns' room."""
_MOST = 2**63


@dataclass(frozen=True, slots=True)
class Completed:
    """It worked."""

    output: Json
    usage: Usage = Usage()
    note: str | None = None
    """Shown in the log when success needs a word (a partial success, say)."""


@dataclass(frozen=True, slots=True)
class DidNotWork:
    """The runner said no."""

    code: str
    message: str
    retryable: bool
    retry_after: float | None = None
    usage: Usage = Usage()
    unresolved: bool = False
    """The run may still be going on upstream: it keeps its place and the next attempt looks for it first."""
    unreachable: bool = False
    """The upstream could not be reached, as one that is down."""
    unknown: bool = False
    """It was looked for, and nobody can know what became of it: the type says whether a person decides."""


@dataclass(frozen=True, slots=True)
class NothingStarted:
    """The upstream had no room; seconds to wait if it said so."""

    reason: str
    retry_after: float | None = None
    unreachable: bool = False
    """The upstream could not be reached at all, as one that is down."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """A cancel that was asked for has been carried out; ``confirmed`` if the upstream was seen to have stopped."""

    confirmed: bool = True
    note: str | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Asked:
    """The run is paused until a person has answered; the next attempt finds the answer in ``Run.answer``."""

    question: Question
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class HandBack:
    """The worker is shutting down and gives the task back; nothing is counted."""


Outcome = Completed | DidNotWork | NothingStarted | LetGo | Asked | HandBack


T = TypeVar("T", bound=Outcome)


def storable(outcome: T) -> T:
    """The outcome as every database can store it: what a runner says of codes and costs must not cost the result."""
    match outcome:
        case Completed() | LetGo() | Asked():
            return replace(outcome, usage=_storable(outcome.usage))
        case DidNotWork():
            return replace(outcome, code=word(outcome.code, CODE), usage=_storable(outcome.usage))
    return outcome


def word(text: object, most: int) -> str:
    """Machine text: ASCII, so many characters at most."""
    return str(text).encode("ascii", "replace").decode()[:most]


def _storable(usage: Usage) -> Usage:
    """What cannot be a count, a price or a time is left out."""
    price = usage.price
    if price is not None and not (price.is_finite() and abs(price.adjusted()) < PRICE and _places(price) < PRICE):
        price = None
    return Usage(
        total_tokens=_count(usage.total_tokens),
        prompt_tokens=_count(usage.prompt_tokens),
        completion_tokens=_count(usage.completion_tokens),
        price=price,
        currency=word(usage.currency, CURRENCY) if usage.currency is not None else None,
        elapsed=usage.elapsed if usage.elapsed is not None and math.isfinite(usage.elapsed) else None,
    )


def _count(number: int | None) -> int | None:
    return number if number is not None and -_MOST <= number < _MOST else None


def _places(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else PRICE


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker hands in for one attempt: the outcome and the log lines not yet written."""

    task_id: str
    attempt: int
    worker_id: str
    outcome: Outcome
    lines: tuple[LogLine, ...] = field(default=())
