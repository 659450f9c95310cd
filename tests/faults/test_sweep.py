"""The connection dies before and after every statement of every unit."""

from __future__ import annotations

import pytest

from faults.sweep.callers import CALLERS
from faults.sweep.fault import When
from faults.sweep.fixtures import steadily as steadily
from faults.sweep.rig import open_rig
from faults.sweep.sweep import sweep, undisturbed
from faults.sweep.unit import Unit
from faults.sweep.units import SINGLE_ENDS, STORE_UNITS, named
from faults.sweep.upkeep import DELETING
from private_servers import DATABASES
from tradefree.database import mysql

ON = [(kind, unit) for kind in ("sqlite", "mariadb") for unit in (*STORE_UNITS, *CALLERS)]
ON += [(kind, unit) for kind in DATABASES if kind != "mariadb" for unit in STORE_UNITS if unit not in SINGLE_ENDS]


@pytest.mark.parametrize(("kind", "unit"), ON, ids=str)
async def test_the_connection_dies(kind: str, unit: Unit) -> None:
    async with open_rig(kind) as rig:
        assert await sweep(rig, unit, [When.BEFORE, When.AFTER]) > 0


@pytest.mark.parametrize(
    "unit", named("submit many", "round", "claim", "a batch of ends", "find waiting lanes"), ids=str
)
@pytest.mark.parametrize("kind", DATABASES)
async def test_the_connection_dies_in_the_middle_of_an_answer(kind: str, unit: Unit) -> None:
    async with open_rig(kind) as rig:
        assert await sweep(rig, unit, [When.TORN]) > 0


@pytest.mark.parametrize("unit", named("beat", "look for orphans"), ids=str)
@pytest.mark.parametrize("kind", DATABASES)
async def test_the_connection_dies_while_it_is_opened(kind: str, unit: Unit) -> None:
    async with open_rig(kind) as rig:
        assert await sweep(rig, unit, list(When), cold=True) > 0


@pytest.mark.parametrize("unit", named("claim", "look for orphans"), ids=str)
@pytest.mark.parametrize("cold", [False, True], ids=["open", "being opened"])
async def test_a_server_that_says_nothing_is_given_up(unit: Unit, cold: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql, "SILENT_SECONDS", 0.3)
    async with open_rig("mariadb") as rig:
        assert await sweep(rig, unit, [When.BEFORE, When.AFTER], cold=cold, silent=True) > 0


@pytest.mark.parametrize("unit", DELETING, ids=str)
async def test_what_is_old_is_really_deleted_there(unit: Unit) -> None:
    async with open_rig("sqlite") as rig, rig.system() as system:
        assert (await undisturbed(rig, unit, system)).answer > 0
