"""Admit: the leader decides which waiting tasks may run now, and on which worker.

Lanes are kept in memory in fair order; what is in flight is counted inside each round, in the same transaction that
admits. So the cost of a round depends on what runs and what is admitted, not on the backlog, and no count is stale.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from tradefree.limits.fair import FairLanes
from tradefree.limits.places import Places, Seat
from tradefree.limits.scopes import Room, Scope
from tradefree.tasks.ports import Head, Held, Round
from tradefree.tasks.task import Worker, has_key, type_of_lane
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
    """True if another round should follow at once: this one stopped at its own bounds, or something expired."""


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
            if len(overdue) >= MOST:  # there may be more, and none of them may start now
                return Admitted(overdue=overdue, next_due=next_due, more=True)
        workers = await round_.workers()
        held = await round_.held()
        places = _places(workers, held)
        room = self._room(held, places)
        known = len(self._lanes)
        unused = 0
        left_behind = any(places_held.worker_id is None for places_held in held)
        unaccounted = await round_.unaccounted(MOST) if left_behind else []
        admitted = await _admit(round_, self._seat(unaccounted, places))
        self._lanes.resume()
        for _ in range(WAVES):
            wanted = self._choose(room, MOST - len(admitted))
            heads = await round_.heads(wanted) if wanted else {}
            pairs = self._seat(chain.from_iterable(heads.values()), places, but=frozenset(overdue))
            admitted += await _admit(round_, pairs)
            unused = self._settle(wanted, heads, dict(pairs), room)
            if not unused:
                break
        by_worker: dict[str, list[str]] = defaultdict(list)
        for task_id, worker_id in admitted:
            by_worker[worker_id].append(task_id)
        came_further = bool(admitted) or len(self._lanes) < known
        more = bool(overdue) or len(admitted) >= MOST or (unused > 0 and came_further)
        return Admitted(by_worker, {w.id: w.address for w in workers}, overdue, next_due, more)

    def _room(self, held: Sequence[Held], places: Places) -> Room:
        used: Counter[Scope] = Counter()
        for places_held in held:
            for scope in self._limits(places_held.lane):
                used[scope] += places_held.count

        def cap(scope: Scope) -> int | None:
            if scope.kind == "queue":
                return places.left(scope.name)
            task_type = self._types.get(type_of_lane(scope.name))
            if task_type is None:
                return None
            limits = task_type.concurrency
            if scope.kind == "type":
                return limits.max_running
            return limits.max_running_per_key if has_key(scope.name) else None

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
            turns = 1
            if self._lanes.rest_is_empty:
                turns = int(min(budget, *map(room.left, scopes)))
            room.take(scopes, turns)
            wanted[lane] += turns
            budget -= turns
            self._lanes.served(lane, turns)
        return dict(wanted)

    def _settle(
        self, wanted: Mapping[str, int], heads: Mapping[str, Sequence[Head]], seated: Collection[str], room: Room
    ) -> int:
        """Give back places and turns that came to nothing, forget lanes that ran out; the number of such places.

        A lane whose task found no worker (a suspect waits for an empty one) is out of line until the next round.
        """
        unused = 0
        for lane, number in wanted.items():
            found = heads.get(lane, ())
            taken = sum(head.id in seated for head in found)
            room.give_back(self._limits(lane), number - taken)
            room.give_back([Scope("queue", self._types[type_of_lane(lane)].queue)], number)  # the seats know
            if taken == number:
                continue
            unused += number - taken
            self._lanes.refund(lane, number - taken)
            if taken < len(found):
                self._lanes.set_aside(lane)
            elif lane not in self._heard:
                self._lanes.drop(lane)
        return unused

    def _seat(
        self, heads: Iterable[Head], places: Places, *, but: Collection[str] = frozenset()
    ) -> list[tuple[str, str]]:
        """A worker for each task that can have one. Suspects choose first: the worker kept for them fills up else."""
        pairs: list[tuple[str, str]] = []
        for head in sorted(heads, key=lambda head: head.crashes < SUSPECT_AFTER):
            task_type = self._types.get(type_of_lane(head.lane))
            if task_type is None or head.id in but:
                continue
            worker_id = _take(places, task_type.queue, head)
            if worker_id is not None:
                pairs.append((head.id, worker_id))
        return pairs


async def _admit(round_: Round, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    moved = set(await round_.admit(pairs)) if pairs else set()
    return [pair for pair in pairs if pair[0] in moved]


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
