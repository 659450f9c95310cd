"""Who counts what happens. Like signals, never the truth: nothing here blocks, and nothing raises."""

from __future__ import annotations

from typing import Protocol

from tradefree.tasks.outcome import Outcome
from tradefree.tasks.task import Task


class LeadObserver(Protocol):
    """Watches a dispatcher."""

    def leads(self, leading: bool) -> None:
        """It leads from now on, or does not."""
        ...

    def round(self, seconds: float, admitted: int) -> None:
        """A round took so long and admitted so many tasks."""
        ...

    def round_failed(self, why: str) -> None:
        """A round came to nothing: ``lost`` (another leads), ``database``, ``outdated`` or ``fault``."""
        ...


class WorkObserver(Protocol):
    """Watches a worker."""

    def began(self, task: Task) -> None:
        """The worker has claimed the task and begins an attempt. ``ended`` follows."""
        ...

    def ended(self, task: Task, connection: str | None, outcome: Outcome | None, seconds: float) -> None:
        """The attempt took so long; no outcome: it was dropped, as the lease was lost."""
        ...

    def beat(self, late: float, *, good: bool) -> None:
        """A beat began so many seconds after it was due; ``good``: it was written."""
        ...

    def lease_lost(self) -> None:
        """The worker was fenced and begins anew."""
        ...


class Unseen:
    """Nobody watches."""

    def leads(self, leading: bool) -> None: ...
    def round(self, seconds: float, admitted: int) -> None: ...
    def round_failed(self, why: str) -> None: ...
    def began(self, task: Task) -> None: ...
    def ended(self, task: Task, connection: str | None, outcome: Outcome | None, seconds: float) -> None: ...
    def beat(self, late: float, *, good: bool) -> None: ...
    def lease_lost(self) -> None: ...


UNSEEN = Unseen()
