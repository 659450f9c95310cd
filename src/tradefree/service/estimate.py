"""What an action on many tasks would do and cost: a guess from what tasks of the same types cost lately."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tradefree.service.context import System
from tradefree.service.models.tasks import ActionEstimate, ActionOutcome
from tradefree.tasks.ports import TaskFilter
from tradefree.tasks.series import DAY, Cell, Scale, begin_of

MOST = 50_000
"""Tasks counted at most."""
LATELY = timedelta(days=30)


async def estimated(system: System, action: str, wanted: TaskFilter) -> ActionOutcome:
    """How many tasks match and, of a retry, what doing them again would take."""
    numbers = await system.store.numbers(wanted, limit=MOST + 1)
    matched = min(sum(numbers.values()), MOST)
    known = await _lately(system, tuple(numbers)) if action == "retry" else {}
    estimate = ActionEstimate(
        by_type=numbers,
        more=sum(numbers.values()) > MOST,
        tokens=round(sum(cell.tokens / _ended(cell) * numbers[name] for name, cell in known.items()))
        if known
        else None,
        cost=_cost(known, numbers) if known else None,
    )
    return ActionOutcome(matched=matched, changed=0, estimate=estimate)


async def _lately(system: System, types: tuple[str, ...]) -> dict[str, Cell]:
    """What is known of each type."""
    now = system.clock.now()
    scale = Scale(DAY, DAY, begin_of(now - LATELY, DAY), now)
    found: dict[str, Cell] = {}
    for place, cell in (await system.store.series(scale, types)).items():
        found.setdefault(place.type, Cell()).add(cell)
    return {name: cell for name, cell in found.items() if _ended(cell)}


def _ended(cell: Cell) -> int:
    return cell.completed + cell.failed


def _cost(known: Mapping[str, Cell], numbers: Mapping[str, int]) -> dict[str, float]:
    cost: dict[str, float] = {}
    for name, cell in known.items():
        for currency, price in cell.cost.items():
            cost[currency] = cost.get(currency, 0.0) + float(price) / _ended(cell) * numbers[name]
    return cost
