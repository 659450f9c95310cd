"""What the tests of the sweep begin with."""

from __future__ import annotations

import pytest

from faults.sweep.system import steady


@pytest.fixture(autouse=True)
def steadily(monkeypatch: pytest.MonkeyPatch) -> None:
    """See ``steady``."""
    steady(monkeypatch.setattr)


__all__ = ["steadily"]
