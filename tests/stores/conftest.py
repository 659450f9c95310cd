"""Each test of the suite runs once for each engine, on an empty store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stores.acts import Acts
from stores.engines import ENGINES, AnyStore
from tradefree.testing.clock import FrozenClock


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(params=list(ENGINES))
async def store(request: pytest.FixtureRequest, clock: FrozenClock) -> AsyncIterator[AnyStore]:
    async with ENGINES[request.param](clock) as store:
        yield store


@pytest.fixture
def acts(store: AnyStore, clock: FrozenClock) -> Acts:
    return Acts(store, clock)
