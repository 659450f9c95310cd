"""What came of an attempt, in the runner's and the worker's words. ``transitions.finish`` turns it into a move."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradefree.tasks.task import Json, LogLine, Usage


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


@dataclass(frozen=True, slots=True)
class NothingStarted:
    """The upstream had no room; seconds to wait if it said so."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class LetGo:
    """A cancel that was asked for has been carried out; ``confirmed`` if the upstream was seen to have stopped."""

    confirmed: bool = True
    note: str | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class HandBack:
    """The worker is shutting down and gives the task back; nothing is counted."""


Outcome = Completed | DidNotWork | NothingStarted | LetGo | HandBack


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker hands in for one attempt: the outcome and the log lines not yet written."""

    task_id: str
    attempt: int
    worker_id: str
    outcome: Outcome
    lines: tuple[LogLine, ...] = field(default=())
