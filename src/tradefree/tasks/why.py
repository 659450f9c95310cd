"""Why is it waiting? Every scope that holds a task, from how things stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tradefree.limits.caps import Mode
from tradefree.limits.rates import micros_of, moment_of
from tradefree.limits.scopes import Scope
from tradefree.tasks.book import CEILING, WORKERS, Book
from tradefree.tasks.ports import Standing
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task, type_of_lane

HOLDERS = 5
"""Types named as those that hold the places of a scope."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason why a task does not start. Lift all of them and it does."""

    kind: str
    """``full``, ``rate``, ``paused``, ``draining``, ``ceiling``, ``down``, ``workers_full``, ``no_worker``,
    ``undefined``, ``later``, ``turn``, ``claim``, ``looked_up``."""
    scope: str
    message: str
    in_use: int | None = None
    places: int | None = None
    until: datetime | None = None
    """When the time alone will lift it."""
    held_by: Mapping[str, int] = field(default_factory=dict)
    """Who holds the places: task types and their numbers, the most first."""
    by: str | None = None
    """Who paused or drains the scope."""
    reason: str | None = None
    """What they gave as reason."""


class View:
    """How things stand, seen through the book: what is in use and what holds, scope by scope.

    ``keys`` are the concurrency keys of lanes, so that people read a key and not a digest.
    """

    def __init__(self, book: Book, standing: Standing, now: datetime, keys: Mapping[str, str] | None = None) -> None:
        self.book = book
        self.standing = standing
        self._keys = keys or {}
        self.used = book.used(standing.held)
        self._now = now

    def hold(self, scope: Scope) -> Hold | None:
        """What keeps tasks of the scope from starting; None if it has room."""
        match scope.kind:
            case "workers":
                return self._workers(scope.name)
            case "ceiling":
                return self._ceiling(scope)
        mode, name = self.book.mode(scope), self.label(scope)
        if mode is not Mode.OPEN:
            override = self.book.overrides[scope]
            by = f" by {override.by}" if override.by else ""
            why = f": {override.reason}" if override.reason else ""
            words, given = f"{name} is {mode.value}{by}{why}.", override.reason or None
            return Hold(mode.value, name, words, until=override.mode_until, by=override.by or None, reason=given)
        cap, used = self.book.cap(scope), self.used[scope]
        if cap.places is not None and used >= cap.places:
            places = int(cap.places)
            return Hold("full", name, f"{name} is full: {used} of {places} places are in use.", used, places)
        if cap.rate is not None and cap.rate.allowed(self.standing.windows.get(scope, 0), self.micros) <= 0:
            at = self.free_at(scope)
            words = f"{name} may start {cap.rate}; the next start is due in {(at - self._now).total_seconds():.1f} s."
            return Hold("rate", name, words, until=at)
        return None

    def label(self, scope: Scope) -> str:
        """The scope as people write it."""
        if scope.of_lane and scope.name in self._keys:
            return f"lane:{type_of_lane(scope.name)}/{self._keys[scope.name]}"
        override = self.book.overrides.get(scope)
        return override.label if override is not None and override.label else str(scope)

    @property
    def micros(self) -> int:
        """The clock of rates."""
        return micros_of(self._now)

    def free_at(self, scope: Scope) -> datetime:
        """When the scope's rate allows the next start; not before now."""
        rate = self.book.cap(scope).rate
        assert rate is not None
        return max(self._now, moment_of(rate.free_at(self.standing.windows.get(scope, 0))))

    def holders(self, scope: Scope) -> dict[str, int]:
        """Who holds the places of a scope: types and numbers, the most first."""
        numbers: Counter[str] = Counter()
        for held in self.standing.held:
            if scope in (self.book.to_start(held.lane) or self.book.of_lane(held.lane)):
                numbers[type_of_lane(held.lane)] += held.count
        return dict(numbers.most_common(HOLDERS))

    def ceiling(self, connection: str) -> Mapping[str, Any] | None:
        """What was learnt of a connection; None if nothing was, or nothing is to be."""
        return self.standing.ceilings.get(connection) if connection in self.book.adaptive else None

    def _ceiling(self, scope: Scope) -> Hold | None:
        learnt = self.ceiling(scope.name)
        used, name = self.used[scope], f"connection:{scope.name}"
        if learnt is None or used < learnt["level"]:
            return None
        if learnt["level"] == 0:
            until = datetime.fromtimestamp(learnt["probe_at"], UTC)
            words = f"{name} is down ({learnt['reason']}); one task will be let through to see."
            return Hold("down", name, words, used, 0, until if until > self._now else None)
        level = int(learnt["level"])
        words = f"{name} takes {level} at once as far as is known, and {used} are in use ({learnt['reason']})."
        return Hold("ceiling", name, words, used, level)

    def _workers(self, queue: str) -> Hold | None:
        serving = [worker for worker in self.standing.workers if queue in worker.queues]
        name = f"queue:{queue}"
        if not serving:
            return Hold("no_worker", name, f"No live worker serves {name}.", 0, 0)
        ids = {worker.id for worker in serving}
        mine = [held for held in self.standing.held if held.worker_id in ids]
        alone = {held.worker_id for held in mine if held.suspects}
        used = sum(held.count for held in mine)
        places = sum(worker.capacity + worker.ahead for worker in serving)
        free = sum(
            max(0, worker.capacity + worker.ahead - sum(held.count for held in mine if held.worker_id == worker.id))
            for worker in serving
            if worker.id not in alone
        )
        if free > 0:
            return None
        words = f"The workers that serve {name} are full: {used} of {places} places are in use."
        return Hold("workers_full", name, words, used, places)


def why(task: Task, view: View, now: datetime) -> list[Hold]:
    """What a task waits for; nothing if it does not wait."""
    match task.status:
        case Status.SCHEDULED:
            words = f"It is not to start before {task.run_at:%Y-%m-%d %H:%M:%S} UTC."
            return [Hold("later", "task", words, until=task.run_at)] if task.run_at > now else [TURN]
        case Status.QUEUED:
            return [Hold("claim", "task", f"It is on its way to worker {task.worker_id}.")]
        case Status.PENDING if task.holds_slot:
            words = "It goes to the next free worker, which looks first what became of its run."
            hold = view.hold(Scope(WORKERS, view.book.types[task.type].queue)) if task.type in view.book.types else None
            return [hold] if hold else [Hold("looked_up", "task", words)]
        case Status.PENDING:
            return _holds(task, view)
    return []


def _holds(task: Task, view: View) -> list[Hold]:
    scopes = view.book.to_start(task.lane)
    if scopes is None:
        return [undefined(task.type)]
    found = [(scope, hold) for scope in scopes if (hold := view.hold(scope)) is not None]
    return [_with_holders(hold, view, scope) for scope, hold in found] or [TURN]


def _with_holders(hold: Hold, view: View, scope: Scope) -> Hold:
    if not hold.in_use:
        return hold
    about = Scope("connection", scope.name) if scope.kind == CEILING else scope
    return replace(hold, held_by=view.holders(about))


def undefined(name: str) -> Hold:
    """Nobody knows how to perform tasks of this type."""
    return Hold("undefined", f"type:{name}", f"Task type {name!r} is not defined any more.")


TURN = Hold("turn", "task", "There is room: its turn comes with the next round.")
