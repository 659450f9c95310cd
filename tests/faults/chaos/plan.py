"""What is submitted and what strikes when: everything that a seed decides."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

CYCLE = 124.0
"""Seconds of faults for each thousand tasks: workers first, then leaders, then the database."""
TASKS_PER_CYCLE = 1000
SUBMIT_WITHIN = 112.0
"""Seconds of a cycle in which tasks are submitted."""

# ── work ────────────────────────────────────────────────────────────────────────────────────────────────────────────

RETRY = {"max_attempts": 10, "initial": 0.5, "maximum": 4}
RETRY_ONCE = {"max_attempts": 2, "initial": 0.5}


@dataclass(frozen=True, slots=True)
class Kind:
    """A task type, and how much of the work is of it."""

    name: str
    share: int
    runner: str = "dify.workflow"
    max_running: int | None = None
    keys: int = 0
    """Number of concurrency keys its tasks have; 0: none."""
    per_key: int | None = None
    retry: dict[str, Any] = field(default_factory=lambda: dict(RETRY))
    long: float = 0.0
    """Part of its tasks that take so long that a run is still going on when it is taken over."""

    @property
    def dify(self) -> bool:
        return self.runner == "dify.workflow"

    def document(self, record: str) -> dict[str, Any]:
        """As the API takes it; ``record`` is the file where performances of ours are written down."""
        concurrency = {"max_running": self.max_running, "max_running_per_key": self.per_key}
        more: dict[str, Any] = {"connection": self.name} if self.dify else {}
        if self.runner == "tick":
            more["options"] = {"record": record}
        return {"runner": self.runner, "concurrency": concurrency, "retry": self.retry, "timeout": 120, **more}


KINDS = (
    Kind("agent", 32, long=0.05),
    Kind("agent-capped", 14, max_running=8),
    Kind("agent-keyed", 18, keys=12, per_key=2),
    Kind("agent-doomed", 2, retry=RETRY_ONCE),
    Kind("tick", 18, runner="tick"),
    Kind("tick-capped", 8, runner="tick", max_running=5, keys=6, per_key=1),
    Kind("echo", 8, runner="echo"),
)
BY_NAME = {kind.name: kind for kind in KINDS}

MISHAPS: tuple[tuple[int, dict[str, Any] | None], ...] = (
    (80, None),
    (5, {"fail": {"times": 1}}),
    (5, {"cut_stream": {"times": 1}}),
    (4, {"too_many_requests": {"times": 1}}),
    (3, {"missing_final_event": {"times": 1}}),
    (3, {"http_error": {"times": 1, "run_starts": True}}),
)
"""What may go wrong at Dify itself, by weight: each lets a later attempt, or a look at its record, succeed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One task that a client wants done."""

    number: int
    kind: str
    seconds: float
    key: str | None = None
    mishap: dict[str, Any] | None = None

    @property
    def idempotency_key(self) -> str:
        return f"chaos-{self.number}"

    @property
    def ends_as(self) -> str:
        return "failed" if self.kind == "agent-doomed" else "completed"

    def body(self) -> dict[str, Any]:
        """As the API takes it."""
        data: dict[str, Any] = {"n": self.number, "seconds": self.seconds, "customer_id": self.key or "none"}
        if self.mishap:
            data["standin"] = json.dumps(self.mishap)
        body: dict[str, Any] = {"type": self.kind, "input_data": data}
        return body if self.key is None else {**body, "concurrency_key": self.key}


@dataclass(frozen=True, slots=True)
class Parcel:
    """Tasks submitted by one request; one task alone goes to ``POST /tasks``."""

    at: float
    tasks: tuple[Wanted, ...]
    twice: bool
    """A hasty client sends it to two services at once, under the same keys."""


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that strikes. ``seconds`` is how long it stays so, or until what was killed starts again."""

    at: float
    kind: str
    seconds: float


Count = tuple[str, int, float, float]
"""Kind of fault, how many in a cycle, and how many seconds they last, from and to."""

WORKERS: tuple[Count, ...] = (
    ("worker.kill", 20, 0.1, 2.0),
    ("worker.freeze", 1, 17.0, 22.0),
    ("worker.freeze_locked", 1, 17.0, 22.0),
    ("worker.cut_off", 1, 17.0, 22.0),
    ("service.kill", 4, 0.1, 2.0),
    ("redis.kill", 3, 0.1, 3.0),
    ("redis.half_open", 1, 8.0, 12.0),
    ("redis.refuse", 1, 3.0, 6.0),
)
LEADERS: tuple[Count, ...] = (
    ("leader.kill", 6, 0.1, 2.0),
    ("leader.freeze", 1, 4.0, 6.0),
    ("leader.freeze_locked", 1, 16.0, 18.0),
    ("redis.kill", 3, 0.1, 3.0),
    ("redis.freeze", 1, 5.0, 8.0),
)
DATABASE: tuple[Count, ...] = (
    ("database.kill", 3, 0.1, 2.0),
    ("database.freeze", 1, 11.0, 13.0),
)
SPANS = ((2.0, 46.0, WORKERS), (48.0, 70.0, LEADERS), (72.0, 100.0, DATABASE))
"""Leaders and the database have a time of their own: while they fall, nobody may be declared dead, and it is worth
seeing that happen in a storm, too."""
LAST_ABSENCE = 20.0
"""Seconds for which the database is away at the end of each cycle: longer than a lease."""
LONG_ABSENCE = 300.0
"""The same for the last cycle at size."""


@dataclass(frozen=True)
class Plan:
    """All of it. The same seed and size give the same plan."""

    seed: int
    tasks: int
    parcels: tuple[Parcel, ...]
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, Any]:
        """What the report says of it."""
        return {"seed": self.seed, "tasks": self.tasks, "faults": [asdict(fault) for fault in self.faults]}

    @property
    def wanted(self) -> dict[int, Wanted]:
        """Every task by its number."""
        return {task.number: task for parcel in self.parcels for task in parcel.tasks}


def make_plan(tasks: int, seed: int, *, at_size: bool = False) -> Plan:
    """A plan for so many tasks. ``at_size``: with the long absence of the database."""
    chance = random.Random(seed)
    cycles = max(1, round(tasks / TASKS_PER_CYCLE))
    parcels = tuple(_parcels(chance, tasks, cycles))
    faults = sorted(_faults(chance, cycles, at_size), key=lambda fault: fault.at)
    return Plan(seed, tasks, parcels, tuple(faults))


def _parcels(chance: random.Random, tasks: int, cycles: int) -> Iterator[Parcel]:
    numbers = count(1)
    left = tasks
    sizes: list[int] = []
    while left:
        size = min(left, 1 if chance.random() < 0.8 else chance.randint(2, 40))
        sizes.append(size)
        left -= size
    moments = sorted(chance.randrange(cycles) * CYCLE + chance.uniform(0, SUBMIT_WITHIN) for _ in sizes)
    for at, size in zip(moments, sizes, strict=True):
        yield Parcel(at, tuple(_wanted(chance, next(numbers)) for _ in range(size)), chance.random() < 0.05)


def _wanted(chance: random.Random, number: int) -> Wanted:
    kind = chance.choices(KINDS, [kind.share for kind in KINDS])[0]
    key = f"customer-{chance.randrange(kind.keys)}" if kind.keys else None
    if kind.name == "agent-doomed":
        return Wanted(number, kind.name, 0.05, key, {"fail": True})
    if chance.random() < kind.long:
        return Wanted(number, kind.name, round(chance.uniform(20, 35), 3), key)
    seconds = chance.uniform(2, 5) if chance.random() < 0.25 else chance.uniform(0.05, 1)
    mishap = chance.choices([m for _, m in MISHAPS], [weight for weight, _ in MISHAPS])[0] if kind.dify else None
    return Wanted(number, kind.name, round(seconds, 3), key, mishap)


def _faults(chance: random.Random, cycles: int, at_size: bool) -> Iterator[Fault]:
    for cycle in range(cycles):
        begins = cycle * CYCLE
        for start, end, counts in SPANS:
            strikes = [(kind, least, most) for kind, number, least, most in counts for _ in range(number)]
            slot = (end - start) / len(strikes)
            for index, (kind, least, most) in enumerate(chance.sample(strikes, len(strikes))):
                at = begins + start + slot * (index + chance.random())
                yield Fault(round(at, 2), kind, round(chance.uniform(least, most), 2))
        last = cycle == cycles - 1
        yield Fault(begins + SPANS[-1][1] + 2, "database.kill", LONG_ABSENCE if last and at_size else LAST_ABSENCE)
