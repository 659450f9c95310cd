"""Admit: the leader decides which waiting tasks may run now, and on which worker.

Lanes are kept in memory in fair order; what is in flight is counted inside each round, in the same transaction that
admits. So the cost of a round depends on what runs and what is admitted, not on the backlog, and no count is stale.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from tradefree.limits.caps import Mode
from tradefree.limits.fair import FairLanes
from tradefree.limits.places import Places, Seat
from tradefree.limits.rates import EPOCH, micros_of, moment_of
from tradefree.limits.room import Cap, Room
from tradefree.limits.scopes import Scope
from tradefree.tasks.book import WORKERS, Book
from tradefree.tasks.ceilings import Ceilings
from tradefree.tasks.ports import Head, Held, Round
from tradefree.tasks.task import Worker, type_of_lane
from tradefree.tasks.transitions import SUSPECT_AFTER
from tradefree.tasks.waits import Cause

WAVES = 4
"""How often a round asks for more lanes when some turned out shorter than hoped."""
REFUNDS_KEPT = timedelta(minutes=10)
"""How long refunds are left where no rate wants them."""
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
    taken_back: Sequence[str] = ()
    """Admitted tasks that must go back in line, because a limit was lowered or a scope paused."""
    held: Mapping[str, Cause] = field(default_factory=dict)
    """What holds all waiting tasks of a type, by type."""
    next_due: datetime | None = None
    more: bool = False
    """True if another round should follow at once: this one stopped at its own bounds, or something expired."""


class Admission:
    """The leader's memory and its decision, for as long as it leads."""

    def __init__(self) -> None:
        self._lanes = FairLanes(type_of_lane)
        self._heard: set[str] = set()
        """Lanes heard of since the heads were last fetched: what was fetched says nothing of them."""
        self._book = Book()
        self._is_new = True
        """True until a round has looked whether what is in flight fits the book."""
        self._refunded_at = EPOCH
        self._windows: dict[Scope, int] | None = None
        self._ceilings: Ceilings | None = None
        self._admitted_to: Counter[str] = Counter()
        """Tasks admitted in this round, by connection."""
        self._undefined: dict[str, Cause] = {}
        """Types with waiting tasks that this book does not know."""

    def configure(self, book: Book) -> None:
        """Use this book from the next round on. Lanes may be parked under what they no longer need: all are in line."""
        self._book = book
        self._is_new = True
        self._undefined = {}
        known, self._lanes = self._lanes, FairLanes(type_of_lane)
        self._lanes.add(known)

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
        room, ceilings = await self._room(round_, workers, held, places, now)
        taken_back = await self._take_back(round_, held, room)
        known = len(self._lanes)
        unused = 0
        left_behind = any(places_held.worker_id is None for places_held in held)
        unaccounted = await round_.unaccounted(MOST) if left_behind else []
        admitted = await _admit(round_, self._seat(unaccounted, places))
        self._lanes.resume()
        for _ in range(WAVES):
            wanted = self._choose(room, MOST - len(admitted), now)
            heads = await round_.heads(wanted) if wanted else {}
            pairs = self._seat(chain.from_iterable(heads.values()), places, but=frozenset(overdue))
            admitted += await _admit(round_, pairs)
            unused = self._settle(wanted, heads, dict(pairs), room)
            if not unused:
                break
        due = self._due(room)
        await self._keep(round_, room, ceilings)
        due = min(filter(None, (next_due, due, ceilings.due(now))), default=None)
        by_worker: dict[str, list[str]] = defaultdict(list)
        for task_id, worker_id in admitted:
            by_worker[worker_id].append(task_id)
        came_further = bool(admitted) or len(self._lanes) < known
        more = bool(overdue) or len(admitted) >= MOST or (unused > 0 and came_further)
        return Admitted(
            by_worker,
            {w.id: w.address for w in workers},
            overdue,
            taken_back,
            self._held(workers, room, ceilings),
            due,
            more,
        )

    # ── room ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _room(
        self, round_: Round, workers: Sequence[Worker], held: Sequence[Held], places: Places, now: datetime
    ) -> tuple[Room, Ceilings]:
        if self._windows is None:
            self._windows = await round_.windows()
        if self._ceilings is None:
            self._ceilings = Ceilings(await round_.ceilings())
        ceilings = self._ceilings
        used = self._book.used(held)
        if self._book.has_rates or self._is_new or now >= self._refunded_at + REFUNDS_KEPT:
            await self._refund(round_, now)
            self._refunded_at = now
        moved = ceilings.look(
            workers, self._book.adaptive, lambda name: used[Scope("connection", name)], now.timestamp()
        )
        if moved:
            await round_.keep_ceilings(moved)

        def cap(scope: Scope) -> Cap:
            match scope.kind:
                case "workers":
                    return Cap(places.left(scope.name))
                case "ceiling":
                    return Cap(ceilings.level(scope.name))
            return self._book.cap(scope)

        return Room(cap, used, self._windows, micros_of(now)), ceilings

    async def _refund(self, round_: Round, now: datetime) -> None:
        """Give back starts that were counted and never began."""
        assert self._windows is not None
        changed: dict[Scope, int] = {}
        for lane, starts in (await round_.refunds()).items():
            for scope in self._book.of_lane(lane):
                rate = self._book.cap(scope).rate
                if rate is not None and scope in self._windows:
                    changed[scope] = self._windows[scope] = rate.after(self._windows[scope], micros_of(now), -starts)
        if changed:
            await round_.keep_windows(changed)

    async def _take_back(self, round_: Round, held: Sequence[Held], room: Room) -> list[str]:
        """After a change: tasks that were admitted, have not begun, and are more than may be in flight now."""
        if not self._is_new:
            return []
        self._is_new = False
        excess: dict[Scope, float] = {}
        lanes: set[str] = set()
        for lane in {places_held.lane for places_held in held}:
            for scope in self._book.of_lane(lane):
                most = self._book.most(scope)
                if most is not None and room.used(scope) > most:
                    excess[scope] = room.used(scope) - most
                    lanes.add(lane)
        ids: list[str] = []
        for task_id, lane in await round_.queued(sorted(lanes), MOST) if lanes else ():
            over = [scope for scope in self._book.of_lane(lane) if excess.get(scope, 0) > 0]
            if over:
                ids.append(task_id)
                for scope in over:
                    excess[scope] -= 1
        return ids

    async def _keep(self, round_: Round, room: Room, ceilings: Ceilings) -> None:
        assert self._windows is not None
        if windows := room.new_windows():
            self._windows.update(windows)
            await round_.keep_windows(windows)
        ceilings.admitted(self._admitted_to, lambda name: room.used(Scope("connection", name)))
        self._admitted_to = Counter()

    def _held(self, workers: Sequence[Worker], room: Room, ceilings: Ceilings) -> dict[str, Cause]:
        """What holds whole types at the end of the round, said as ``why`` says it."""
        served = {queue for worker in workers for queue in worker.queues}

        def cause(scope: Scope) -> Cause:
            match scope.kind:
                case "workers":
                    return Cause("workers_full" if scope.name in served else "no_worker", f"queue:{scope.name}")
                case "ceiling":
                    return Cause("ceiling" if ceilings.level(scope.name) else "down", f"connection:{scope.name}")
            mode = self._book.mode(scope)
            if mode is Mode.OPEN:
                return Cause("full" if room.free_at(scope) is None else "rate", str(scope))
            return Cause(mode.value, str(scope))

        return {name: cause(scope) for name, scope in self._lanes.held.items()} | self._undefined

    def _due(self, room: Room) -> datetime | None:
        """When something may start that the time alone holds back now."""
        moments = [room.free_at(scope) for scope in self._lanes.parked] + [self._lanes.due]
        earliest = min((moment for moment in moments if moment is not None), default=None)
        ends = self._book.changes_at
        due = moment_of(earliest) if earliest is not None else None
        return min(filter(None, (due, ends)), default=None)

    # ── who ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _choose(self, room: Room, budget: int, now: datetime) -> dict[str, int]:
        """How many heads to fetch from which lane: places handed out in fair order, as if every lane were long."""
        wanted: Counter[str] = Counter()
        self._heard.clear()
        self._lanes.unpark(room.left, micros_of(now))
        while budget > 0:
            lane = self._lanes.next()
            if lane is None:
                if self._lanes.unpark(room.left, micros_of(now)):
                    continue
                break
            scopes = self._book.to_start(lane)
            if scopes is None:  # a type that is not defined here: its tasks wait until it is
                self._lanes.drop(lane)
                name = type_of_lane(lane)
                self._undefined[name] = Cause("undefined", f"type:{name}")
                continue
            if full := room.full(scopes):
                self._lanes.park(lane, full, room.free_at(full))
                continue
            turns = 1
            if self._lanes.rest_is_empty:
                turns = int(min(budget, *map(room.left, scopes)))
            room.take(scopes, turns)
            wanted[lane] += turns
            budget -= turns
            self._lanes.served(lane, turns, self._book.weight(lane))
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
            scopes = self._book.to_start(lane) or ()
            room.take([scope for scope in scopes if scope.kind != WORKERS], taken - number)
            room.take([scope for scope in scopes if scope.kind == WORKERS], -number)  # the seats know
            self._admitted_to.update({scope.name: taken for scope in scopes if scope.kind == "connection"})
            if taken == number:
                continue
            unused += number - taken
            self._lanes.served(lane, taken - number, self._book.weight(lane))
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
            task_type = self._book.types.get(type_of_lane(head.lane))
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
