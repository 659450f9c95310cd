"""The process dies (SIGKILL) before and after every statement of every unit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.sweep.callers import CALLERS
from faults.sweep.deaths import Forks, sweep_deaths
from faults.sweep.fixtures import steadily as steadily
from faults.sweep.rig import open_rig
from faults.sweep.unit import Unit
from faults.sweep.units import WRITES


@pytest.fixture(scope="module")
def process() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.stop()


ON = [("mariadb", unit) for unit in (*WRITES, *CALLERS)] + [("sqlite", unit) for unit in WRITES]
"""A caller is its units; that they are atomic on SQLite, too, is enough."""


@pytest.mark.parametrize(("kind", "unit"), ON, ids=str)
async def test_the_process_dies(kind: str, unit: Unit, process: Forks) -> None:
    async with open_rig(kind) as rig, process.heard() as forks:
        assert await sweep_deaths(rig, unit, forks) > 0
