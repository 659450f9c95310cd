"""Negative controls: what is wrong on purpose is found by the sweep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from faults.sweep.deaths import Forks, sweep_deaths
from faults.sweep.fault import When
from faults.sweep.fixtures import steadily as steadily
from faults.sweep.rig import open_rig
from faults.sweep.sweep import sweep
from faults.sweep.units import named
from faults.sweep.wrong import WRONG
from tradefree.database import engine

BOTH = [When.BEFORE, When.AFTER]


@pytest.mark.parametrize("said", WRONG)
async def test_what_is_wrong_is_found(said: str) -> None:
    async with open_rig("sqlite") as rig:
        with pytest.raises(Exception, match=said):
            await sweep(rig, WRONG[said], BOTH)


async def test_an_error_that_is_not_ours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_AWAY", ())
    (beat,) = named("beat")
    async with open_rig("sqlite") as rig:
        with pytest.raises(DBAPIError, match="disk I/O error"):
            await sweep(rig, beat, BOTH)


@pytest.fixture
def process() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.stop()


async def test_deaths_find_what_is_done_in_halves(process: Forks) -> None:
    said = "has no log"
    async with open_rig("sqlite") as rig, process.heard() as forks:
        with pytest.raises(AssertionError, match=said):
            await sweep_deaths(rig, WRONG[said], forks)
