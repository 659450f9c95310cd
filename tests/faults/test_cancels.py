"""Whoever waits for a unit may go away at any moment: a time-out, a shutdown, a client that hangs up."""

from __future__ import annotations

import pytest

from faults.sweep.callers import CALLERS
from faults.sweep.cancels import sweep_cancels, sweep_steps
from faults.sweep.fixtures import steadily as steadily
from faults.sweep.rig import open_rig
from faults.sweep.unit import Unit
from faults.sweep.units import named
from private_servers import DATABASES

UNITS = [
    *named("submit many", "submit one that is there", "round", "claim", "beat", "a batch of ends", "look for orphans"),
    *(unit for unit in CALLERS if unit.name in ("client submits many", "worker performs")),
]
ON = [(kind, unit) for kind in DATABASES for unit in (UNITS if kind == "mariadb" else named("round", "claim"))]


@pytest.mark.parametrize(("kind", "unit"), ON, ids=str)
async def test_a_cancel_leaves_nothing_behind(kind: str, unit: Unit) -> None:
    async with open_rig(kind) as rig:
        assert await sweep_cancels(rig, unit) > 0


@pytest.mark.parametrize("unit", UNITS, ids=str)
async def test_a_cancel_leaves_nothing_behind_on_sqlite(unit: Unit) -> None:
    async with open_rig("sqlite") as rig:
        assert await sweep_steps(rig, unit) > 0
