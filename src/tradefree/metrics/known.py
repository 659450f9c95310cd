"""What the database knows, as metrics: they are made at the scrape, from one picture of the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradefree.limits.caps import Mode
from tradefree.metrics.bounds import MOST_NAMES, summed
from tradefree.tasks.limiting import known_scopes, waiting_in
from tradefree.tasks.measure import Picture, QueueState
from tradefree.tasks.states import Status
from tradefree.tasks.task import WorkerStatus
from tradefree.tasks.why import View

LAPSED = "lapsed"
"""A worker that is not declared dead yet, but whose lease has run out."""

_QUEUES: tuple[tuple[str, str, Callable[[QueueState], float]], ...] = (
    ("waiting_tasks", "Pending tasks of the queue.", lambda queue: queue.waiting),
    ("startable_tasks", "Pending tasks that no limit holds: only a free worker is missing.", lambda q: q.startable),
    ("in_flight_tasks", "Tasks of the queue that hold a place.", lambda queue: queue.in_flight),
    ("workers", "Live workers that serve the queue.", lambda queue: queue.workers),
    ("places", "Tasks that these workers perform at once.", lambda queue: queue.places),
    ("oldest_waiting_seconds", "How long the task first in line has waited.", lambda queue: queue.oldest),
    (
        "predicted_wait_seconds",
        "Seconds until a task that came now would begin, for want of workers: what to scale workers by.",
        lambda queue: queue.predicted,
    ),
)


class Known(Collector):
    """Gauges from the latest picture, if there is one that is fresh enough."""

    def __init__(self, picture: Callable[[], Picture | None]) -> None:
        self._picture = picture

    def collect(self) -> Iterator[Metric]:
        """See ``prometheus_client``."""
        picture = self._picture()
        up = GaugeMetricFamily("tradefree_database_up", "1 while the database answers what is asked for metrics.")
        up.add_metric((), picture is not None)
        yield up
        if picture is not None:
            yield from _of(picture)

    def describe(self) -> Iterable[Metric]:
        """Nothing: no picture must be taken to find the names."""
        return ()


def _of(picture: Picture) -> Iterator[Metric]:
    yield _gauge("tradefree_leader", "1 while some dispatcher leads.", (), {(): picture.measures.led})
    yield _tasks(picture)
    yield _gauge("tradefree_waiting_tasks", "Pending tasks, by what holds them.", ("queue", "reason"), picture.waits)
    for name, words, read in _QUEUES:
        numbers = {queue: read(state) for queue, state in list(picture.queues.items())[:MOST_NAMES]}
        yield _gauge(f"tradefree_queue_{name}", words, ("queue",), {(queue,): n for queue, n in numbers.items()})
    yield from _limits(picture.view)
    yield from _workers(picture)
    subscriptions = {(state,): number for state, number in picture.measures.subscriptions.items()}
    yield _moment("backup_last_made", "When the newest backup was made.", picture.measures.backed_up_at)
    yield _moment("backup_last_proved", "When a backup was last restored for a test.", picture.measures.proved_at)
    yield _gauge("tradefree_subscriptions", "Subscriptions to callbacks, by state.", ("state",), subscriptions)


def _tasks(picture: Picture) -> Metric:
    counts = picture.measures.counts
    numbers: dict[tuple[str, ...], float] = {}
    for status in Status:
        by_type = summed({name: of_type.get(status, 0) for name, of_type in counts.items()})
        numbers |= {(name, status.value): number for name, number in by_type.items() if number}
    return _gauge("tradefree_tasks", "Tasks that are stored, by type and status.", ("type", "status"), numbers)


def _limits(view: View) -> Iterator[Metric]:
    book = view.book
    scopes = [scope for scope in known_scopes(book, view) if not scope.of_lane][:MOST_NAMES]
    caps = {(str(scope),): book.caps(scope).max_running for scope in scopes}
    known = {labels: cap for labels, cap in caps.items() if cap is not None}
    yield _gauge("tradefree_limit_places", "Tasks of the scope that may be in flight at once.", ("scope",), known)
    used = {(str(scope),): view.used[scope] for scope in scopes}
    yield _gauge("tradefree_limit_in_flight", "Tasks of the scope that hold a place.", ("scope",), used)
    waiting = {(str(scope),): waiting_in(scope, book, view.standing.waiting) or 0 for scope in scopes}
    yield _gauge("tradefree_limit_waiting", "Pending tasks of the scope.", ("scope",), waiting)
    paused = {(str(scope),): book.mode(scope) is not Mode.OPEN for scope in scopes}
    yield _gauge("tradefree_limit_paused", "1 while the scope is paused or drained.", ("scope",), paused)
    yield _gauge("tradefree_lanes_in_flight", "Lanes with tasks in flight.", (), {(): _lanes(view)})
    levels = {(name,): float(learnt["level"]) for name in book.adaptive if (learnt := view.ceiling(name)) is not None}
    yield _gauge(
        "tradefree_connection_ceiling", "Calls at once that the connection was found to take; 0: it is down.",
        ("connection",), levels,
    )  # fmt: skip


def _lanes(view: View) -> int:
    return sum(1 for scope, number in view.used.items() if number and scope.of_lane)


def _workers(picture: Picture) -> Iterator[Metric]:
    words = [*(status.value for status in WorkerStatus), LAPSED]
    number, capacity = dict.fromkeys(words, 0), dict.fromkeys(words, 0)
    for worker in picture.measures.workers:
        there = worker.status in (WorkerStatus.LIVE, WorkerStatus.DRAINING)
        word = LAPSED if there and worker.lease_until <= picture.measures.at else worker.status.value
        number[word] += 1
        capacity[word] += worker.capacity
    yield _gauge("tradefree_workers", "Workers, by status.", ("status",), {(w,): n for w, n in number.items()})
    live = {(word,): capacity[word] for word in ("live", "draining")}
    yield _gauge("tradefree_workers_places", "Tasks that workers perform at once.", ("status",), live)


def _moment(name: str, words: str, moment: datetime | None) -> Metric:
    """Seconds since 1970, if there is such a moment."""
    numbers = {} if moment is None else {(): moment.timestamp()}
    return _gauge(f"tradefree_{name}_timestamp_seconds", words, (), numbers)


def _gauge(name: str, words: str, labels: tuple[str, ...], numbers: Mapping[Any, float]) -> Metric:
    """``numbers`` by tuples of the labels' values."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, number in sorted(numbers.items()):
        family.add_metric(values, float(number))
    return family
