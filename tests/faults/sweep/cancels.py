"""The sweep of cancels: whoever called a unit goes away while it waits for the answer to each of its statements."""

from __future__ import annotations

import asyncio
from typing import Any

from faults.sweep.fault import Fault, When
from faults.sweep.judge import judge
from faults.sweep.rig import Rig
from faults.sweep.sweep import Twin, same, telling, undisturbed
from faults.sweep.system import System
from faults.sweep.unit import Unit
from tradefree.database.mysql import WRITERS

PATIENCE = 5.0
"""Seconds in which what must happen at once has happened, on the slowest machine."""


async def sweep_cancels(rig: Rig, unit: Unit) -> int:
    """On a server: cancel at every command, before and after the server has seen it, and with half an answer there."""
    async with rig.system() as system:
        twin = await undisturbed(rig, unit, system)
        uses = set(system.used)
        points = [(n, when) for n in range(1, len(twin.commands) + 1) for when in When]
        for number, when in points:
            fault = Fault(number, when, holds=True)
            with telling(unit, twin, fault):
                await system.warm_up(uses)
                await rig.door.replace(twin.before)
                rig.commands.watch(fault)
                calling = asyncio.create_task(_call(unit, system))
                await _within(fault.met.wait())
                for _ in range(number % 4):  # data that is just arriving must not drown the cancel
                    await asyncio.sleep(0)
                await _goes_away(calling)
                rig.commands.watch()
                fault.release()
                await _nothing_is_left(rig, unit, system, twin, fault)
        await all_connections(system)
        return len(points)


async def sweep_steps(rig: Rig, unit: Unit) -> int:
    """On SQLite, where nothing can be held: cancel after any number of turns of the event loop, until it is through."""
    async with rig.system() as system:
        twin = await undisturbed(rig, unit, system)
        for turns in range(10_000):
            await rig.door.replace(twin.before)
            calling = asyncio.create_task(_call(unit, system))
            for _ in range(turns):
                await asyncio.sleep(0)
            if calling.done():
                await calling
                return turns
            await _goes_away(calling)
            await _nothing_is_left(rig, unit, system, twin, None)
    raise AssertionError("it never ends")


async def _call(unit: Unit, system: System) -> Any:
    return await unit.act(system)


async def _goes_away(calling: asyncio.Task[Any]) -> None:
    """A cancel is neither lost nor late."""
    calling.cancel()
    done, _ = await asyncio.wait([calling], timeout=PATIENCE)
    assert done, "the cancel was lost"
    assert calling.cancelled(), f"the cancel became {calling.exception()!r}"


async def _nothing_is_left(rig: Rig, unit: Unit, system: System, twin: Twin, fault: Fault | None) -> None:
    """No connection, no half of anything; and it can be done again."""
    await until_back(system)
    content = await rig.door.read()
    judge(content)
    if fault is not None and unit.commits is not None:
        same(content, twin.stages()[twin.commits(fault)])
    if not unit.insists:
        await unit.act(system)
        same(await rig.door.read(), twin.after, unit.but)


async def until_back(system: System) -> None:
    """Reading goes on for a caller who has left; then its connection comes back, too."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if not system.checked_out():
                return
            await asyncio.sleep(0.001)


async def _within(awaited: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        await awaited


async def all_connections(system: System) -> None:
    """As many transactions at once as there are connections for."""
    arrived = asyncio.Barrier(WRITERS)

    async def unit(connection: Any) -> None:
        await arrived.wait()

    await _within(asyncio.gather(*(system.database.write(unit) for _ in range(WRITERS))))
