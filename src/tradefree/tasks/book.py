"""The book of limits: which scopes a lane is in, and what holds in each of them now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from tradefree.limits.caps import Caps, Mode, Override
from tradefree.limits.room import NO_CAP, Cap
from tradefree.limits.scopes import EVERYTHING, Scope
from tradefree.tasks.ports import Backlog, Held
from tradefree.tasks.task import has_key, type_of_lane
from tradefree.tasks.types import Connection, TaskType

WORKERS = "workers"
"""Kind of a scope that nobody defines: the free places on the workers that serve a queue."""
CEILING = "ceiling"
"""Another: what was learnt of a connection."""
NO_CAPS = Caps()
PAUSED = Cap(places=0)


@dataclass(frozen=True)
class Book:
    """Definitions and overrides at one moment. What is written in files is the baseline; overrides go before it."""

    types: Mapping[str, TaskType] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    baselines: Mapping[Scope, Caps] = field(default_factory=dict)
    """Of everything, queues and shared limits; types and connections have their own."""
    overrides: Mapping[Scope, Override] = field(default_factory=dict)
    """Those that hold."""

    @classmethod
    def at(
        cls,
        now: datetime,
        types: Mapping[str, TaskType],
        connections: Mapping[str, Connection],
        baselines: Mapping[Scope, Caps],
        overrides: Mapping[Scope, Override],
    ) -> Book:
        """The book without the overrides whose time is over."""
        held = {scope: part for scope, override in overrides.items() if (part := override.held_at(now)) is not None}
        return cls(types, connections, baselines, held)

    @cached_property
    def changes_at(self) -> datetime | None:
        """When the next override ends by itself."""
        ends = (end for o in self.overrides.values() for end in (o.until, o.mode_until) if end is not None)
        return min(ends, default=None)

    @cached_property
    def _of_type(self) -> dict[str, tuple[Scope, ...]]:
        return {name: self._scopes_of(task_type) for name, task_type in self.types.items()}

    @cached_property
    def _caps(self) -> dict[Scope, Cap]:
        return {}

    @cached_property
    def _backlogs(self) -> dict[str, tuple[Backlog, ...]]:
        return {}

    def of_type(self, name: str) -> tuple[Scope, ...]:
        """The scopes of all tasks of a type, the widest first, its lanes left out."""
        return self._of_type.get(name) or (EVERYTHING, Scope("type", name))

    def of_lane(self, lane: str) -> tuple[Scope, ...]:
        """Every scope of a lane's tasks, the widest first."""
        return (*self.of_type(type_of_lane(lane)), Scope("lane", lane))

    def to_start(self, lane: str) -> tuple[Scope, ...] | None:
        """All that must have room before a task of the lane may start, the widest first; None for an unknown type."""
        task_type = self.types.get(type_of_lane(lane))
        if task_type is None:
            return None
        more = [Scope(WORKERS, task_type.queue)]
        if task_type.connection is not None and task_type.connection in self.adaptive:
            more.append(Scope(CEILING, task_type.connection))
        return (*self.of_type(task_type.name), *more, Scope("lane", lane))

    def backlogs(self, lane: str) -> tuple[Backlog, ...]:
        """The scopes of a lane in which only so many tasks may wait."""
        own = Scope("lane", lane)
        most = self.caps(own).max_pending if own in self.overrides else self._most_pending(lane)
        of_type = self._backlogs_of_type(type_of_lane(lane))
        return of_type if most is None else (*of_type, Backlog(own, most, lane=lane))

    def _most_pending(self, lane: str) -> int | None:
        task_type = self.types.get(type_of_lane(lane)) if has_key(lane) else None
        return task_type.concurrency.max_pending_per_key if task_type is not None else None

    def _backlogs_of_type(self, name: str) -> tuple[Backlog, ...]:
        if (backlogs := self._backlogs.get(name)) is None:
            found = ((scope, self.caps(scope).max_pending) for scope in self.of_type(name))
            backlogs = tuple(
                Backlog(scope, most, types=self.types_in(scope)) for scope, most in found if most is not None
            )
            self._backlogs[name] = backlogs
        return backlogs

    def types_in(self, scope: Scope) -> tuple[str, ...] | None:
        """The types whose tasks are in a scope; None for all."""
        if scope == EVERYTHING:
            return None
        return tuple(name for name, scopes in self._of_type.items() if scope in scopes)

    def used(self, held: Iterable[Held]) -> Counter[Scope]:
        """The places in use in every scope."""
        used: Counter[Scope] = Counter()
        types: Counter[str] = Counter()
        for places in held:
            used[Scope("lane", places.lane)] += places.count
            types[type_of_lane(places.lane)] += places.count
        for name, count in types.items():
            for scope in self.of_type(name):
                used[scope] += count
            connection = self.types[name].connection if name in self.types else None
            if connection is not None:
                used[Scope(CEILING, connection)] += count
        return used

    def caps(self, scope: Scope) -> Caps:
        """What the caps of a scope are now."""
        baseline = self.baseline(scope)
        override = self.overrides.get(scope)
        return baseline.changed_by(override.values) if override is not None and override.values else baseline

    def mode(self, scope: Scope) -> Mode:
        """Whether the scope is paused."""
        override = self.overrides.get(scope)
        return override.mode if override is not None else Mode.OPEN

    def cap(self, scope: Scope) -> Cap:
        """What holds in a scope now, for the arithmetic."""
        if scope.of_lane and scope not in self.overrides:  # all lanes of a type that have a key are alike
            scope = Scope("lane", f"{type_of_lane(scope.name)}/{'*' if has_key(scope.name) else ''}")
        if (cap := self._caps.get(scope)) is None:
            cap = self._caps[scope] = self._cap(scope)
        return cap

    def most(self, scope: Scope) -> float | None:
        """How many may stay in flight: what is more and has not begun goes back in line. None: all of them."""
        mode = self.mode(scope)
        if mode is Mode.DRAINING:
            return None
        return 0 if mode is Mode.PAUSED else self.cap(scope).places

    @cached_property
    def has_rates(self) -> bool:
        """True if any scope has a rate."""
        scopes = [Scope("type", name) for name in self.types] + [Scope("connection", name) for name in self.connections]
        scopes += [*self.baselines, *self.overrides, *(Scope("lane", f"{name}/*") for name in self.types)]
        return any(self.cap(scope).rate is not None for scope in scopes)

    def baseline(self, scope: Scope) -> Caps:
        """The caps of a scope as they are defined."""
        match scope.kind:
            case "type":
                return _of_type(self.types.get(scope.name))
            case "connection":
                return _of_connection(self.connections.get(scope.name))
            case "lane":
                return _of_key(self.types.get(type_of_lane(scope.name)), scope.name)
        return self.baselines.get(scope, NO_CAPS)

    def weight(self, lane: str) -> float:
        """The weight of a lane's type beside others."""
        task_type = self.types.get(type_of_lane(lane))
        return task_type.weight if task_type is not None else 1.0

    @cached_property
    def adaptive(self) -> frozenset[str]:
        """The connections whose ceiling is learnt."""
        return frozenset(name for name, connection in self.connections.items() if connection.adaptive)

    def _cap(self, scope: Scope) -> Cap:
        if self.mode(scope) is not Mode.OPEN:
            return PAUSED
        caps = self.caps(scope)
        if caps.max_running is None and caps.rate is None:
            return NO_CAP
        return Cap(caps.max_running, caps.parsed_rate)

    def _scopes_of(self, task_type: TaskType) -> tuple[Scope, ...]:
        scopes = [EVERYTHING, Scope("queue", task_type.queue)]
        if task_type.connection is not None:
            scopes.append(Scope("connection", task_type.connection))
        scopes += [Scope("limit", name) for name in task_type.limits]
        return (*scopes, Scope("type", task_type.name))


def _of_type(task_type: TaskType | None) -> Caps:
    if task_type is None:
        return NO_CAPS
    running = task_type.concurrency.max_running
    return Caps(max_running=running, rate=task_type.rate, burst=task_type.burst, max_pending=task_type.max_pending)


def _of_connection(connection: Connection | None) -> Caps:
    if connection is None:
        return NO_CAPS
    names = ("max_running", "rate", "burst", "max_pending")
    return Caps.model_validate({name: getattr(connection, name) for name in names})


def _of_key(task_type: TaskType | None, lane: str) -> Caps:
    if task_type is None or not has_key(lane):
        return NO_CAPS
    key = task_type.concurrency
    return Caps(
        max_running=key.max_running_per_key,
        rate=key.rate_per_key,
        burst=key.burst_per_key,
        max_pending=key.max_pending_per_key,
    )
