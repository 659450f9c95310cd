"""Free places on workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Seat:
    """A worker as the planner sees it."""

    worker_id: str
    queues: Collection[str]
    capacity: int
    """Tasks it takes: its places and those it wants at hand for when one ends."""
    held: int
    suspects: int = 0

    @property
    def free(self) -> int:
        """Places left. A worker that performs a suspect gets nothing beside it."""
        return 0 if self.suspects else self.capacity - self.held

    @property
    def load(self) -> float:
        return self.held / self.capacity


class Places:
    """Workers and their free places; the least loaded worker that serves the queue is taken first."""

    def __init__(self, seats: Iterable[Seat]) -> None:
        self._seats = list(seats)
        self._free: Counter[str] = Counter()
        self._reserved: set[str] = set()
        for seat in self._seats:
            for queue in seat.queues:
                self._free[queue] += max(0, seat.free)

    def left(self, queue: str) -> int:
        """Free places on workers that serve the queue."""
        return self._free[queue]

    def take(self, queue: str) -> str | None:
        """A worker for an ordinary task; None if all are full."""
        seats = [s for s in self._seats if queue in s.queues and s.free > 0 and s.worker_id not in self._reserved]
        if not seats:
            self._free[queue] = 0
            return None
        return self._give(min(seats, key=lambda seat: seat.load))

    def take_alone(self, queue: str) -> str | None:
        """An empty worker for a suspect. Without one, the least loaded worker is kept free of new tasks until it is."""
        seats = [s for s in self._seats if queue in s.queues and not s.suspects]
        if not seats:
            return None
        seat = min(seats, key=lambda seat: seat.held)
        if seat.held:
            self._reserve(seat)
            return None
        worker_id = self._give(seat)
        for name in seat.queues:
            self._free[name] -= max(0, seat.free)
        seat.suspects += 1
        return worker_id

    def _reserve(self, seat: Seat) -> None:
        if seat.worker_id not in self._reserved:
            self._reserved.add(seat.worker_id)
            for name in seat.queues:
                self._free[name] -= max(0, seat.free)

    def _give(self, seat: Seat) -> str:
        seat.held += 1
        for queue in seat.queues:
            self._free[queue] -= 1
        return seat.worker_id
