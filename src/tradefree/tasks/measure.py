"""Measure: what all tasks and queues look like at one moment, for monitoring and for whoever adds workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tradefree.clock import Clock
from tradefree.limits.scopes import Scope
from tradefree.tasks.book import CEILING, WORKERS, Book
from tradefree.tasks.catalog import Catalog
from tradefree.tasks.ports import Measures, MeasureStore
from tradefree.tasks.task import type_of_lane
from tradefree.tasks.why import TURN, Hold, View, undefined

KEYS = 500
"""Lanes without room of which the waiting tasks are counted, those with most in flight."""
UNKNOWN_SECONDS = 1.0
"""How long an attempt is taken to last of which nothing is known yet."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue, its tasks and the workers that serve it."""

    waiting: int = 0
    """Pending tasks."""
    startable: int = 0
    """Those of them that a free worker could begin: no limit holds them."""
    in_flight: int = 0
    workers: int = 0
    """Live workers that serve it; a worker that serves several queues counts in each."""
    places: int = 0
    """Tasks that these workers perform at once."""
    oldest: float = 0.0
    """Seconds that the task first in line has waited."""
    predicted: float = 0.0
    """Seconds until a task that came now would begin, for want of workers alone. Without any worker: as with one
    place."""


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it."""

    measures: Measures
    view: View
    queues: Mapping[str, QueueState]
    waits: Mapping[tuple[str, str], int]
    """Pending tasks by queue and the kind of what holds them (``why.Hold``), ``key`` for a lane without room."""
    held: Sequence[Held] = ()
    """The same by type, in words."""


class _Once(View):
    """Looks at each scope once: many types share a queue, and free places are counted over all that is in flight."""

    @cached_property
    def _seen(self) -> dict[Scope, Hold | None]:
        return {}

    def hold(self, scope: Scope) -> Hold | None:
        """See ``View``."""
        if scope not in self._seen:
            self._seen[scope] = super().hold(scope)
        return self._seen[scope]


class Measuring:
    """Reads the numbers and puts them together."""

    def __init__(self, store: MeasureStore, catalog: Catalog, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock

    async def picture(self) -> Picture:
        """How it looks now. Raises StorageUnavailable."""
        book, measures = await self._catalog.book(), await self._store.measures()
        view = _Once(book, measures.standing, self._clock.now())
        lanes = await asyncio.to_thread(full_lanes, view)  # much arithmetic where much is in flight
        by_key = Counter[str]()
        for lane, number in (await self._store.pending_in(lanes)).items():
            by_key[type_of_lane(lane)] += number
        return await asyncio.to_thread(_picture, view, measures, by_key)


def _picture(view: View, measures: Measures, by_key: Mapping[str, int]) -> Picture:
    held = reasons(view, by_key)
    waits: Counter[tuple[str, str]] = Counter()
    for one in held:
        waits[queue_of(view.book, one.type), one.hold.kind] += one.tasks
    return Picture(measures, view, queues(view, measures, by_key), waits, held)


def queue_of(book: Book, name: str) -> str:
    """The queue of a task type; none for one that is not defined any more."""
    return book.types[name].queue if name in book.types else ""


def full_lanes(view: View) -> list[str]:
    """Lanes with a key that have no room: no other scope can be as many."""
    lanes = {Scope("lane", held.lane) for held in view.standing.held}
    full = [scope for scope in lanes if view.book.cap(scope).places is not None and view.hold(scope) is not None]
    return [scope.name for scope in sorted(full, key=lambda scope: (-view.used[scope], scope.name))[:KEYS]]


@dataclass(frozen=True, slots=True)
class Held:
    """Pending tasks of one type, and the first thing that holds them, from the widest scope on."""

    type: str
    hold: Hold
    tasks: int


def reasons(view: View, by_key: Mapping[str, int]) -> list[Held]:
    """What waits and why."""
    found: list[Held] = []
    for name, number in view.standing.waiting.items():
        hold = _hold(view, name)
        if hold is not None:
            found.append(Held(name, hold, number))
            continue
        behind_key = min(number, by_key.get(name, 0))
        found.append(Held(name, Hold("key", f"type:{name}", "As many tasks of the same key run as may."), behind_key))
        found.append(Held(name, TURN, number - behind_key))
    return [held for held in found if held.tasks]


def _hold(view: View, name: str) -> Hold | None:
    if name not in view.book.types:
        return undefined(name)
    holds = (view.hold(scope) for scope in _scopes(view.book, name))
    return next((hold for hold in holds if hold is not None), None)


def _scopes(book: Book, name: str) -> tuple[Scope, ...]:
    """What must have room for a task of the type, its lane left out."""
    return tuple(scope for scope in book.to_start(f"{name}/") or () if not scope.of_lane)


def queues(view: View, measures: Measures, by_key: Mapping[str, int]) -> dict[str, QueueState]:
    """Every queue that a task type or a live worker names."""
    book, standing = view.book, view.standing
    names = {task_type.queue for task_type in book.types.values()}
    names |= {queue for worker in standing.workers for queue in worker.queues}
    return {name: _queue(name, view, measures, by_key) for name in sorted(names)}


def _queue(queue: str, view: View, measures: Measures, by_key: Mapping[str, int]) -> QueueState:
    types = [name for name, task_type in view.book.types.items() if task_type.queue == queue]
    serving = [worker for worker in view.standing.workers if queue in worker.queues]
    ids = {worker.id for worker in serving}
    places = sum(worker.capacity for worker in serving)
    taken = sum(held.count for held in view.standing.held if held.worker_id in ids)
    startable = {name: _startable(view, name, by_key) for name in types}
    moments = [measures.first_due[name] for name in types if name in measures.first_due]
    return QueueState(
        waiting=sum(view.standing.waiting.get(name, 0) for name in types),
        startable=sum(startable.values()),
        in_flight=view.used[Scope("queue", queue)],
        workers=len(serving),
        places=places,
        oldest=max((max(0.0, (measures.at - moment).total_seconds()) for moment in moments), default=0.0),
        predicted=predicted_wait(startable, measures.seconds, places, taken),
    )


def _startable(view: View, name: str, by_key: Mapping[str, int]) -> int:
    """Pending tasks of a type that would begin if there were workers enough."""
    number = max(0, view.standing.waiting.get(name, 0) - by_key.get(name, 0))
    for scope in _scopes(view.book, name):
        if scope.kind == WORKERS:
            continue
        if view.hold(scope) is not None:
            return 0
        places = _places(view, scope)
        if places is not None:
            number = min(number, max(0, int(places) - view.used[scope]))
    return number


def _places(view: View, scope: Scope) -> float | None:
    if scope.kind == CEILING:
        learnt = view.ceiling(scope.name)
        return None if learnt is None else float(learnt["level"])
    return view.book.cap(scope).places


def predicted_wait(startable: Mapping[str, int], seconds: Mapping[str, float], places: int, taken: int) -> float:
    """Seconds until all that is before a new task has begun: the work that waits, beyond what finds a place at once,
    done by all places side by side."""
    known = [took for name, took in seconds.items() if name in startable]
    usual = sum(known) / len(known) if known else UNKNOWN_SECONDS
    waiting, free = sum(startable.values()), places - taken
    at_hand = max(0, -free) * usual  # workers want some more than they perform, to have the next at hand
    if waiting <= max(0, free):
        return at_hand / max(1, places)
    work = sum(number * seconds.get(name, usual) for name, number in startable.items())
    return (work * (waiting - max(0, free)) / waiting + at_hand) / max(1, places)
