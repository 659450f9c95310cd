"""Retention goes on by itself, in the service that leads; what it deletes is in the suite of the stores."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from tradefree.errors import StorageUnavailable
from tradefree.events.retention import Retention
from tradefree.tasks import leisure
from tradefree.tasks.leisure import Leisure
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore


async def test_it_goes_on_after_a_fault_and_only_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leisure, "EVERY", 0.0)
    monkeypatch.setattr(leisure, "LEADS_EVERY", 0.0)
    clock = FrozenClock()
    store = MemoryStore(clock)
    faults = [StorageUnavailable("away"), ValueError("broken")]
    leads, swept = False, asyncio.Event()

    async def prune(*_: object) -> int:
        assert leads
        if faults:
            raise faults.pop()
        swept.set()
        return 0

    monkeypatch.setattr(store, "prune_events", prune)
    retention = Retention(store, Leisure(clock, lambda: leads), events=timedelta(days=1), deliveries=None)
    running = asyncio.create_task(retention.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(faults) == 2
    leads = True

    async with asyncio.timeout(5):
        await swept.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
