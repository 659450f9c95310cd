"""What there is to do: orders, listings and notes of a trading company, and the caps that must hold."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

Doc = dict[str, Any]

ORDERS, LISTINGS, NOTES = "summarize-order", "translate-listing", "note-event"
LASTS = 20.0
"""Seconds the work would take if nothing were killed: long enough for three strikes, and for a worker's death to be
noticed while there is still work."""
RUN_SECONDS = (1.0, 4.0)
NOTE_SECONDS = 1.0
PER_CUSTOMER = 3


@dataclass(frozen=True)
class Work:
    """Tasks and definitions. Half of the tasks are there at once, the others come in one by one."""

    tasks: list[Doc]
    """Bodies of ``POST /tasks``."""
    caps: dict[str, int]
    """Task type → ``max_running``."""

    @property
    def customers(self) -> list[str]:
        return sorted({task["concurrency_key"] for task in self.tasks if task["type"] == ORDERS})

    @property
    def at_dify(self) -> set[str]:
        """Types that run at Dify."""
        return {ORDERS, LISTINGS}

    def definitions(self, dify: str) -> Doc:
        """What ``tradefree apply`` loads."""
        keys = {"max_running_per_key": PER_CUSTOMER}
        runs = {"runner": "dify.workflow", "timeout": "1m"}
        return {
            "connections": {name: {"base_url": dify, "api_key": f"app-{name}"} for name in (ORDERS, LISTINGS)},
            "task_types": {
                ORDERS: {**runs, "connection": ORDERS, "concurrency": {"max_running": self.caps[ORDERS], **keys}},
                LISTINGS: {**runs, "connection": LISTINGS, "concurrency": {"max_running": self.caps[LISTINGS]}},
                NOTES: {
                    "runner": "echo",
                    "options": {"delay": NOTE_SECONDS},
                    "concurrency": {"max_running": self.caps[NOTES]},
                },
            },
        }

    @staticmethod
    def apps() -> Doc:
        """The apps of the stand-in Dify: one node each, which works as long as the input says."""
        nodes = [{"id": "think", "type": "llm", "title": "Think", "seconds": "{seconds}", "tokens": 420}]
        inputs = ["number", {"name": "customer_id"}, {"name": "seconds", "type": "number", "required": True}]
        outputs = {"number": "{number}", "summary": "{number}: looked at for {seconds} s"}
        app = {"inputs": inputs, "nodes": nodes, "outputs": outputs}
        return {
            "group_by": ["customer_id"],
            "apps": [{"name": n, "key": f"app-{n}", **app} for n in (ORDERS, LISTINGS)],
        }


def plan(number: int, seed: int) -> Work:
    """``number`` tasks: of ten, six orders, two listings and two notes. The caps grow with the number."""
    dice = random.Random(seed)  # noqa: S311
    shares = {ORDERS: 0.6, LISTINGS: 0.2, NOTES: 0.2}
    mean = {ORDERS: sum(RUN_SECONDS) / 2, LISTINGS: sum(RUN_SECONDS) / 2, NOTES: NOTE_SECONDS}
    caps = {name: max(2, round(number * share * mean[name] / LASTS)) for name, share in shares.items()}
    customers = math.ceil(caps[ORDERS] / 2)
    kinds = [ORDERS] * 6 + [LISTINGS] * 2 + [NOTES] * 2
    return Work([_task(kinds[n % 10], n, customers, dice) for n in range(number)], caps)


def _task(kind: str, n: int, customers: int, dice: random.Random) -> Doc:
    if kind == NOTES:
        return {"type": kind, "input_data": {"number": f"N-{n}"}}
    seconds = round(dice.uniform(*RUN_SECONDS), 2)
    if kind == LISTINGS:
        return {"type": kind, "input_data": {"number": f"L-{n}", "seconds": seconds}}
    customer = f"C-{dice.randrange(customers)}"
    data = {"number": f"SO-{n}", "customer_id": customer, "seconds": seconds}
    return {"type": kind, "input_data": data, "concurrency_key": customer}
