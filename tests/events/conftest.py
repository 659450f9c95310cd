"""Each test has its own system."""

from __future__ import annotations

import pytest

from domain.system import System


@pytest.fixture
def system() -> System:
    return System()
