"""The dispatcher's turn: lead, admit, ring, expire, recover, stand down."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest

from domain.system import System
from tradefree.errors import LeadershipLost, Outdated
from tradefree.tasks.dispatch import POLL, TTL, Dispatcher
from tradefree.tasks.ports import DISPATCH
from tradefree.tasks.ports.observing import Unseen
from tradefree.tasks.recover import Recovery
from tradefree.tasks.states import Status
from tradefree.testing.doubles import RecordingDoorbell


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def leads(dispatcher: Dispatcher) -> bool:
    return dispatcher.epoch is not None


def another(system: System, holder: str = "other") -> Dispatcher:
    recovery = Recovery(system.store, system.catalog, RecordingDoorbell(), system.signals, system.clock, frozenset())
    return Dispatcher(holder, system.store, system.catalog, RecordingDoorbell(), system.signals, recovery, system.clock)


async def test_a_turn_leads_admits_and_rings(system: System) -> None:
    await system.define()
    await system.worker("w1")
    await system.worker("w2")
    tasks = [await system.submit() for _ in range(4)]
    await system.dispatcher._step()
    await settle()
    assert leads(system.dispatcher)
    assert sorted(address for address, _ in system.doorbell.rings) == ["queue.w1", "queue.w2"]
    assert sorted(id_ for _, ids in system.doorbell.rings for id_ in ids) == [task.id for task in tasks]


async def test_a_round_without_leading_is_refused(system: System) -> None:
    with pytest.raises(LeadershipLost):
        await system.dispatcher.round()


async def test_the_other_waits_and_takes_over(system: System) -> None:
    await system.define()
    await system.worker()
    other = another(system)
    await system.dispatcher._step()
    assert await other._step() == POLL
    assert not leads(other)
    system.clock.advance(TTL + 0.1)
    task = await system.submit()
    await other._step()
    assert leads(other)
    assert await system.status(task) is Status.QUEUED
    assert await system.dispatcher._step() == POLL
    assert not leads(system.dispatcher)


async def test_it_stands_down_while_the_database_is_away_and_comes_back(system: System) -> None:
    await system.define()
    await system.worker()
    await system.dispatcher._step()
    system.store.away = True
    assert await system.dispatcher._step() == POLL
    assert not leads(system.dispatcher)
    assert await system.dispatcher._step() == POLL
    system.store.away = False
    task = await system.submit()
    await system.dispatcher._step()
    assert await system.status(task) is Status.QUEUED


async def test_another_protocol_ends_it(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    await system.define()
    await system.dispatcher._step()

    def refuse(*_: object) -> NoReturn:
        raise Outdated("the database speaks protocol 2")

    monkeypatch.setattr(system.store, "round", refuse)
    with pytest.raises(Outdated):
        await system.dispatcher.run()
    assert not leads(system.dispatcher)


async def test_it_waits_until_something_is_due(system: System) -> None:
    await system.define()
    assert await system.dispatcher._step() == POLL
    await system.submit(delay=0.25)
    assert await system.dispatcher._step() == pytest.approx(0.25)
    await system.submit(expires_in=0.125)
    assert await system.dispatcher._step() == pytest.approx(0.125)


async def test_a_lost_wake_up_is_made_good(system: System) -> None:
    """Signals may be lost; every few seconds all waiting lanes are looked at."""
    await system.define()
    await system.worker()
    await system.dispatcher._step()
    task = await system.submit()
    await system.dispatcher._step()
    assert await system.status(task) is Status.PENDING
    for _ in range(6):
        system.clock.advance(1)
        await system.beat("w1")
        await system.dispatcher._step()
    assert await system.status(task) is Status.QUEUED


async def test_wake_ups_are_heard(system: System) -> None:
    await system.define()
    await system.worker()
    running = asyncio.create_task(system.dispatcher.run())
    try:
        await settle()
        task = await system.submit()
        async with asyncio.timeout(10):
            await system.doorbell.rung.wait()
        assert system.doorbell.rings == [("queue.w1", [task.id])]
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await system.store.lead("other", TTL) is not None, "it resigned"


async def test_new_caps_are_used_even_if_they_could_not_be_read_at_first(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version moved while definitions could not be read: the old ones are used, and only for as long as need be."""
    await system.define(concurrency={"max_running": 1})
    await system.worker()
    for n in range(3):
        await system.submit(concurrency_key=str(n))
    await system.round()
    await system.define()
    with monkeypatch.context() as patch:
        patch.setattr(system.catalog, "_read", _nothing)
        await system.round()
    assert sum(len(ids) for ids in (await system.round()).by_worker.values()) == 2


async def test_a_type_moved_to_a_queue_that_is_served_waits_no_longer(system: System) -> None:
    """Its lane was put aside until the old queue has room, and that will never be."""
    await system.define(queue="nobody")
    await system.worker()
    task = await system.submit()
    assert (await system.round()).by_worker == {}
    assert (await system.round()).by_worker == {}
    await system.define(queue="default")
    assert (await system.round()).by_worker == {"w1": [task.id]}


async def _nothing() -> None:
    """A read that the database did not answer."""


async def test_expired_tasks_are_announced(system: System) -> None:
    await system.define()
    task = await system.submit(expires_in=1.0)
    system.clock.advance(1)
    await system.dispatcher._step()
    assert {"kind": "status", "status": "failed"} in system.signals.on(f"task:{task.id}")
    assert system.signals.on(DISPATCH)


async def test_whoever_watches_is_told_of_rounds_and_of_leading(system: System) -> None:
    told: list[object] = []

    class Watcher(Unseen):
        def leads(self, leading: bool) -> None:
            told.append(leading)

        def round(self, seconds: float, admitted: int) -> None:
            told.append(admitted)

        def round_failed(self, why: str) -> None:
            told.append(why)

    system.dispatcher._observer = Watcher()
    await system.define()
    await system.worker()
    for _ in range(2):
        await system.submit()
    await system.dispatcher._step()
    assert told == [True, 2]
    system.store.away = True
    await system.dispatcher._step()
    assert told[2:] == [False, "database"]
    system.store.away = False
