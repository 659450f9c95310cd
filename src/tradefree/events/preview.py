"""Preview: a draft rule, tried on the events of a period that are stored. Writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tradefree.clock import Clock
from tradefree.events.decide import Decision, Outcome, values_of
from tradefree.events.event import Event
from tradefree.events.judge import Judge
from tradefree.events.ports import EventFilter, EventStore
from tradefree.events.rulebook import Rule, conditions_of
from tradefree.events.trigger import Trigger
from tradefree.tasks.task import Task

MAX_EVENTS = 10_000
"""Events that are looked at, at the most."""
MAX_SECONDS = 10.0
"""A preview ends after this, with what it has seen."""
MAX_SHOWN = 100
"""Events that are told one by one, of those that changed and of the others each."""
PAGE = 500
BREATH = 20
"""Events that are tried before others have their turn."""


class Change(StrEnum):
    """What a draft does otherwise than the rule that holds."""

    ADDED = "added"
    """It makes a task, the other does not."""
    REMOVED = "removed"
    CHANGED = "changed"
    """Both make a task, and not the same."""
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Trial:
    """What one rule makes of one event."""

    decision: Decision
    task: Task | None = None


NOTHING = Trial(Decision("", 0, Outcome.NO_MATCH, "event"))
"""Of a rule that does not look at such events."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One event, with what the draft and the rule that holds make of it."""

    event: Event
    draft: Trial
    current: Trial | None
    change: Change | None = None
    """None if there is no rule to compare with."""
    differs: tuple[str, ...] = ()
    """The parts of the task that are not the same: ``input/order_id``, ``key``."""


@dataclass(slots=True)
class Condition:
    """One part of the draft's filter, and how often it was what."""

    text: str
    true: int = 0
    false: int = 0
    failed: int = 0


@dataclass(slots=True)
class Preview:
    """What a draft rule makes of a period."""

    seen: int = 0
    """Events of the period that were looked at, newest first."""
    complete: bool = True
    """False: it ended before it had looked at all of them."""
    back_to: datetime | None = None
    """When the oldest of them was received."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """Of the draft, over the events that it looks at."""
    current: Counter[Outcome] | None = None
    """Of the rule that holds; None if there is none."""
    changes: Counter[Change] = field(default_factory=Counter)
    conditions: list[Condition] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    """Events that one of the two looks at: those that change something first, each part newest first."""


class Previewer:
    """Tries draft rules."""

    def __init__(self, store: EventStore, judge: Judge, clock: Clock) -> None:
        self._store = store
        self._judge = judge
        self._clock = clock

    async def preview(
        self,
        draft: Trigger,
        current: Trigger | None,
        wanted: EventFilter,
        *,
        most: int = 1000,
        shown: int = 20,
    ) -> Preview:
        """Try a draft on the ``most`` newest events that are wanted; tell of ``shown`` one by one."""
        rule, held = Rule(draft, 0), Rule(current, 0) if current is not None else None
        found = Preview(conditions=[Condition(text) for text in conditions_of(draft)])
        found.current = Counter() if held is not None else None
        told = _Told(min(shown, MAX_SHOWN))
        ends_at = self._clock.monotonic() + MAX_SECONDS
        below: str | None = None
        while found.complete and (page := await self._page(wanted, below, most - found.seen)):
            for event in page:
                if found.seen % BREATH == 0:
                    await asyncio.sleep(0)
                if found.seen >= most or self._clock.monotonic() > ends_at:
                    found.complete = False
                    break
                found.seen, found.back_to = found.seen + 1, event.received_at
                if (tried := await self._try(rule, held, event)) is not None:
                    _count(found, tried)
                    told.add(tried)
            below = page[-1].id
        found.tried = told.all
        return found

    async def _page(self, wanted: EventFilter, below: str | None, left: int) -> list[Event]:
        """One more than is left, to see whether there are more."""
        return await self._store.events(wanted, limit=min(PAGE, left + 1), before_id=below)

    async def _try(self, rule: Rule, held: Rule | None, event: Event) -> Tried | None:
        rules = [each for each in (rule, held) if each is not None and each.trigger.looks_at(event.type)]
        if not rules:
            return None
        values = values_of(event)
        trials = [NOTHING if each not in rules else await self._trial(each, event, values) for each in (rule, held)]
        if held is None:
            return Tried(event, trials[0], None)
        change, differs = _compared(*trials)
        return Tried(event, trials[0], trials[1], change, differs)

    async def _trial(self, rule: Rule | None, event: Event, values: Any) -> Trial:
        assert rule is not None
        decision, submission = await self._judge.judge(rule, event, values)
        return Trial(replace(decision, task_id=None), submission.task if submission is not None else None)


class _Told:
    """The events worth telling: so many of those that change something, and so many of the others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed: list[Tried] = []
        self._others: list[Tried] = []

    def add(self, tried: Tried) -> None:
        some = self._others if tried.change in (None, Change.SAME) else self._changed
        if len(some) < self._most:
            some.append(tried)

    @property
    def all(self) -> list[Tried]:
        return [*self._changed, *self._others][: self._most]


def _count(found: Preview, tried: Tried) -> None:
    if tried.draft is not NOTHING:
        found.outcomes[tried.draft.decision.outcome] += 1
        for condition, held in zip(found.conditions, tried.draft.decision.conditions, strict=True):
            name = "failed" if isinstance(held, str) else "true" if held else "false"
            setattr(condition, name, getattr(condition, name) + 1)
    if found.current is not None and tried.current is not None and tried.current is not NOTHING:
        found.current[tried.current.decision.outcome] += 1
    if tried.change is not None:
        found.changes[tried.change] += 1


def _compared(draft: Trial, current: Trial) -> tuple[Change, tuple[str, ...]]:
    if draft.task is None or current.task is None:
        if draft.task is not None:
            return Change.ADDED, ()
        return (Change.REMOVED if current.task is not None else Change.SAME), ()
    differs = tuple(_differences("", said_of(draft.task), said_of(current.task)))
    return (Change.CHANGED if differs else Change.SAME), differs


def said_of(task: Task) -> dict[str, Any]:
    """What a rule says about the task it makes."""
    return {
        "task_type": task.type,
        "input": task.input_data,
        "key": task.concurrency_key,
        "priority": task.priority,
        "delay": (task.run_at - task.created_at).total_seconds(),
        "labels": task.labels,
    }


def _differences(path: str, one: Any, other: Any) -> list[str]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = [*one, *(name for name in other if name not in one)]
        return [
            found
            for name in names
            for found in _differences(f"{path}/{name}" if path else str(name), one.get(name), other.get(name))
        ]
    return [] if one == other and type(one) is type(other) else [path]
