"""Admit: the leader decides which waiting tasks may run now, and on which worker.

Lanes are kept in memory in fair order; what is in flight is counted inside each round, in the same transaction that
admits. So the cost of a round depends on what runs and what is admitted, not on the backlog, and no count is stale.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tradefree.limits.fair import FairLanes
from tradefree.limits.places import Places, Seat
from tradefree.limits.scopes import Room, Scope
from tradefree.tasks.ports import Head, Held, Round
from tradefree.tasks.task import Worker, type_of_lane
from tradefree.tasks.transitions import SUSPECT_AFTER
from tradefree.tasks.types import TaskType

WAVES = 4
"""How often a round asks for more lanes when some turned out shorter than hoped."""
MOST = 2000
"""Tasks admitted in one round, so that a round stays short."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What one round did."""

    by_worker: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Task ids to ring for, by worker id."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    overdue: Sequence[str] = ()
    """Waiting tasks whose expiry has passed."""
    next_due: datetime | None = None
    more: bool = False
    """True if the round stopped at its own bounds, not for want of tasks or room."""


class Admission:
    """The leader's memory and its decision. ``caps`` are read anew whenever the configuration changes."""

    def __init__(self) -> None:
        self._lanes = FairLanes()
        self._heard: set[str] = set()
        """Lanes heard of since the heads were last fetched: what was fetched says nothing of them."""
        self._types: dict[str, TaskType] = {}

    def configure(self, types: dict[str, TaskType]) -> None:
        """Use these definitions from the next round on."""
        self._types = types

    def hear(self, lanes: Collection[str]) -> None:
        """These lanes have waiting tasks, be it that a round is under way that found them empty."""
        self._lanes.add(lanes)
        self._heard.update(lanes)

    async def run(self, round_: Round, now: datetime) -> Admitted:
        """One round: wake what is due, then admit while there are tasks, room and free workers."""
        next_due = await round_.next_due()
        overdue: list[str] = []
        if next_due is not None and next_due <= now:
            self.hear(await round_.wake_due(MOST))
            overdue = await round_.expired(MOST)
            next_due = await round_.next_due()
        workers = await round_.workers()
        held = await round_.held()
        places = _places(workers, held)
        room = self._room(held, places)
        pairs = self._seat_unaccounted(await round_.unaccounted(MOST), places)
        settled = False
        for _ in range(WAVES):
            wanted = self._choose(room, MOST - len(pairs))
            heads = await round_.heads(wanted) if wanted else {}
            pairs += self._seat(heads, places)
            settled = self._settle(wanted, heads, room)
            if settled:
                break
        admitted = set(await round_.admit(pairs)) if pairs else set()
        by_worker: dict[str, list[str]] = defaultdict(list)
        for task_id, worker_id in pairs:
            if task_id in admitted:
                by_worker[worker_id].append(task_id)
        return Admitted(
            by_worker, {w.id: w.address for w in workers}, overdue, next_due, not settled or len(pairs) >= MOST
        )

    def _room(self, held: Sequence[Held], places: Places) -> Room:
        used: Counter[Scope] = Counter()
        for places_held in held:
            for scope in self._limits(places_held.lane):
                used[scope] += places_held.count
        free: dict[str, int] = {}

        def cap(scope: Scope) -> int | None:
            if scope.kind == "queue":
                return free.setdefault(scope.name, places.left(scope.name))
            limits = self._types[type_of_lane(scope.name)].concurrency
            return limits.max_running if scope.kind == "type" else limits.max_running_per_key

        return Room(cap, used)

    def _limits(self, lane: str) -> tuple[Scope, ...]:
        return (Scope("type", type_of_lane(lane)), Scope("lane", lane))

    def _scopes(self, lane: str) -> tuple[Scope, ...] | None:
        task_type = self._types.get(type_of_lane(lane))
        return None if task_type is None else (*self._limits(lane), Scope("queue", task_type.queue))

    def _choose(self, room: Room, budget: int) -> dict[str, int]:
        """How many heads to fetch from which lane: places handed out in fair order, as if every lane were long."""
        wanted: Counter[str] = Counter()
        self._heard.clear()
        self._lanes.unpark(room.left)
        while budget > 0:
            lane = self._lanes.next()
            if lane is None:
                if self._lanes.unpark(room.left):
                    continue
                break
            scopes = self._scopes(lane)
            if scopes is None:  # a type that is not defined here: its tasks wait until it is
                self._lanes.drop(lane)
                continue
            if full := room.full(scopes):
                self._lanes.park(lane, full)
                continue
            room.take(scopes)
            wanted[lane] += 1
            budget -= 1
            self._lanes.served(lane)
        return dict(wanted)

    def _settle(self, wanted: Mapping[str, int], heads: Mapping[str, Sequence[Head]], room: Room) -> bool:
        """Forget lanes that came up short and give back their places; True if all places were used."""
        all_used = True
        for lane, number in wanted.items():
            missing = number - len(heads.get(lane, ()))
            if missing > 0:
                all_used = False
                room.give_back(self._scopes(lane) or (), missing)
                if lane not in self._heard:
                    self._lanes.drop(lane)
        return all_used

    def _seat(self, heads: Mapping[str, Sequence[Head]], places: Places) -> list[tuple[str, str]]:
        queue = {lane: self._types[type_of_lane(lane)].queue for lane in heads}
        return [
            (head.id, worker)
            for lane, tasks in heads.items()
            for head in tasks
            if (worker := _take(places, queue[lane], head)) is not None
        ]

    def _seat_unaccounted(self, heads: Sequence[Head], places: Places) -> list[tuple[str, str]]:
        by_lane: dict[str, list[Head]] = defaultdict(list)
        for head in heads:
            if type_of_lane(head.lane) in self._types:
                by_lane[head.lane].append(head)
        return self._seat(by_lane, places)


def _places(workers: Sequence[Worker], held: Sequence[Held]) -> Places:
    tasks: Counter[str] = Counter()
    suspects: Counter[str] = Counter()
    for places_held in held:
        if places_held.worker_id is not None:
            tasks[places_held.worker_id] += places_held.count
            suspects[places_held.worker_id] += places_held.suspects
    return Places(Seat(w.id, w.queues, w.capacity + w.ahead, tasks[w.id], suspects[w.id]) for w in workers)


def _take(places: Places, queue: str, head: Head) -> str | None:
    return places.take_alone(queue) if head.crashes >= SUSPECT_AFTER else places.take(queue)
