"""How long each recovery took, from the rows alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from demo_distributed.facts import Facts
from demo_distributed.timeline import Strike
from demo_distributed.verdict import lost_by

AROUND = timedelta(seconds=15)
"""How long after a strike its traces are looked for."""
LATE = timedelta(seconds=0.5)
"""A start is late if it comes so long after the admission: it was found by a beat, not told by a ring."""


@dataclass(frozen=True)
class WorkerDeath:
    """What a dead worker left behind, and until when."""

    tasks: int
    seconds: float
    """From the kill until the last of its tasks was being performed elsewhere; 0 if it had none."""


@dataclass(frozen=True)
class LeaderDeath:
    """How starts paused."""

    pause: float
    """Seconds: the longest pause in starts after the kill."""
    usual: float
    """Seconds: the longest one before it."""


@dataclass(frozen=True)
class RedisDeath:
    """How starts went on without rings."""

    meanwhile: int
    """Starts while Redis was away."""
    slowest: float
    """Seconds: the longest way from admission to start since then."""
    usual: float
    """Seconds: the median of that way before the kill."""
    seconds: float
    """From the kill until the last late start."""


def of_worker(facts: Facts, strike: Strike) -> WorkerDeath:
    """Until the last of its tasks was performed again."""
    lost = lost_by(facts, strike)
    numbers = {attempt.task_id: attempt.number for attempt in lost}
    again = [
        attempt.started_at
        for task_id, number in numbers.items()
        for attempt in facts.attempts[task_id]
        if attempt.number == number + 1 and attempt.started_at is not None
    ]
    seconds = (max(again) - strike.at).total_seconds() if again else 0.0
    return WorkerDeath(len(lost), seconds)


def of_leader(facts: Facts, strike: Strike) -> LeaderDeath:
    """The longest pause in starts that ended after the kill, and the longest before."""
    before = [start for start in facts.starts if start <= strike.at]
    after = [start for start in facts.starts if strike.at < start <= strike.at + AROUND]
    return LeaderDeath(_longest(before[-1:] + after), _longest(before))


def of_redis(facts: Facts, strike: Strike) -> RedisDeath:
    """Late starts after the kill. Only first attempts tell when they were admitted."""
    ways = sorted(
        (task.started_at, task.started_at - task.queued_at)
        for task in facts.tasks.values()
        if task.started_at and task.queued_at and len(facts.attempts.get(task.id, ())) == 1
    )
    usual = [way.total_seconds() for start, way in ways if start <= strike.at]
    since = [(start, way) for start, way in ways if strike.at < start <= strike.at + AROUND]
    late = [(start - strike.at).total_seconds() for start, way in since if way > LATE]
    back = strike.at + timedelta(seconds=strike.back_after or 0.0)
    return RedisDeath(
        meanwhile=sum(strike.at < start <= back for start in facts.starts),
        slowest=max((way.total_seconds() for _, way in since), default=0.0),
        usual=median(usual) if usual else 0.0,
        seconds=max(late, default=0.0),
    )


def longest_wait(facts: Facts) -> float:
    """Seconds from the answer to a submit until the task was completed, at worst."""
    waits = [task.finished_at - task.created_at for task in facts.tasks.values() if task.finished_at]
    return max(waits, default=timedelta()).total_seconds()


def _longest(moments: Sequence[datetime]) -> float:
    return max(((later - earlier).total_seconds() for earlier, later in pairwise(moments)), default=0.0)
