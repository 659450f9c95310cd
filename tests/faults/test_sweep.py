"""The connection dies before and after every statement of every unit."""

from __future__ import annotations

import pytest

from faults.sweep.callers import CALLERS
from faults.sweep.fault import When
from faults.sweep.rig import open_rig
from faults.sweep.sweep import sweep
from faults.sweep.unit import Unit
from faults.sweep.units import STORE_UNITS
from private_servers import DATABASES
from tradefree.worker import writer


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who insists does so at once."""
    monkeypatch.setattr(writer, "RETRY_EVERY", 0.0)


@pytest.mark.parametrize("unit", [*STORE_UNITS, *CALLERS], ids=lambda unit: unit.name)
@pytest.mark.parametrize("kind", ["sqlite", *DATABASES])
async def test_the_connection_dies(kind: str, unit: Unit) -> None:
    whens = [When.BEFORE, When.AFTER] if kind == "sqlite" else list(When)
    async with open_rig(kind) as rig:
        assert await sweep(rig, unit, whens) > 0
