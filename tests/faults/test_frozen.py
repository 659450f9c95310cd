"""A process is stopped (SIGSTOP) inside a transaction: the server lets go of its locks, others go on, and when it goes
on itself it finds that it has written nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from faults.sweep.content import ServerDoor
from faults.sweep.deaths import Forks
from faults.sweep.fixtures import steadily as steadily
from faults.sweep.judge import judge
from faults.sweep.rig import Rig, open_rig
from faults.sweep.system import System
from faults.sweep.units import new
from private_servers import DATABASES
from stores.acts import LEASE, TTL
from tradefree.database import sqlite
from tradefree.errors import StorageUnavailable
from tradefree.tasks.ports import Accepted, RunState
from tradefree.tasks.states import Status
from tradefree.tasks.task import Task
from tradefree.tasks.transitions import Change, Rules, lose, unqueue

FROZEN = {"claim": "UPDATE tasks", "completed": "INSERT INTO attempts", "round": "queued_at"}
"""A worker amid a claim, a worker amid a finish, the leader amid a round: the unit, and what it has executed."""
LOCKED = {"claim": ("tasks", "q-1"), "completed": ("tasks", "r-1"), "round": ("leaders", "dispatcher")}
"""A row that each of them holds."""


@pytest.fixture
async def process() -> AsyncIterator[Forks]:
    forks = Forks()
    async with forks.heard():
        yield forks
    forks.stop()


async def freeze(rig: Rig, process: Forks, unit: str) -> int:
    """A process that stands still in the middle of the unit."""
    process.tell(freeze=unit, url=rig.direct.render_as_string(hide_password=False), text=FROZEN[unit])
    pid: int = await process.hear("pid")
    async with asyncio.timeout(10):
        while True:
            if _state(pid) == "T":
                return pid
            await asyncio.sleep(0.01)


def _state(pid: int) -> str:
    """One letter: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def thaw(process: Forks, pid: int) -> str:
    """It goes on; how it went."""
    os.kill(pid, signal.SIGCONT)
    return str(await process.hear("went"))


async def is_locked(door: ServerDoor, table: str, key: str) -> bool:
    column = "name" if table == "leaders" else "id"
    query = f"SELECT 1 FROM {table} WHERE {column} = '{key}' FOR UPDATE SKIP LOCKED"
    (found,) = await door.run(query)
    return not found


@pytest.mark.parametrize("kind", DATABASES)
async def test_the_server_takes_the_locks_of_the_frozen(kind: str, process: Forks) -> None:
    async with open_rig(kind, ticks=True) as rig:
        await rig.furnish()
        assert isinstance(rig.door, ServerDoor)
        pids = [await freeze(rig, process, unit) for unit in FROZEN]
        for table, key in LOCKED.values():
            assert await is_locked(rig.door, table, key), f"{key} is not locked: nothing is shown here"
        await the_others_go_on(rig.calm)
        await asyncio.gather(another_leads(rig.calm), the_dead_are_succeeded(rig.calm))
        before = await rig.door.read()
        judge(before)
        assert [await thaw(process, pid) for pid in pids] == ["StorageUnavailable"] * 3
        assert await rig.door.read() == before, "a frozen process has written all the same"


async def the_others_go_on(system: System) -> None:
    """What has nothing to do with the frozen does not wait for them."""
    async with asyncio.timeout(4):
        (accepted,) = await system.store.submit([new(system, "n-1")])
        assert isinstance(accepted, Accepted)
        assert (await system.store.beat("w1", LEASE)).alive
        assert await system.store.save_states("w1", [RunState("r-2", 1, {"run": 1})]) == [True]


async def another_leads(system: System) -> None:
    """It gets the frozen leader's row, and what that has admitted is still to be admitted."""
    epoch = await system.store.lead("other", TTL)
    assert epoch is not None
    async with system.store.round("other", epoch, TTL) as round_:
        assert await round_.admit([("p-1", "w2"), ("n-1", "w2")]) == ["p-1", "n-1"]


async def the_dead_are_succeeded(system: System) -> None:
    """The frozen worker is buried, and its tasks move on."""
    assert await system.store.bury("w1", at_once=True)

    def decide(task: Task) -> Change | None:
        if task.status is Status.QUEUED:
            return unqueue(task, system.clock.now(), "it was not claimed in time.")
        return lose(task, Rules(), system.clock.now()) if task.status is Status.PROCESSING else None

    changes = await system.store.decide(["q-1", "r-1"], decide)
    assert [(change.before.id, change.status) for change in changes] == [
        ("q-1", Status.PENDING),
        ("r-1", Status.PENDING),
    ]


async def test_a_frozen_process_keeps_an_sqlite_file_and_a_dead_one_does_not(
    process: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no server to take the lock away. Others say so in time, and nobody writes beside the holder."""
    monkeypatch.setattr(sqlite, "LOCKED_SECONDS", 0.1)
    async with open_rig("sqlite", ticks=True) as rig:
        await rig.furnish()
        pid = await freeze(rig, process, "claim")
        with pytest.raises(StorageUnavailable, match="too busy: database is locked"):
            await rig.calm.store.beat("w1", LEASE)
        assert await thaw(process, pid) == "well"
        assert (await rig.calm.store.beat("w1", LEASE)).queued == ()
        pid = await freeze(rig, process, "completed")
        before = await rig.door.read()
        os.kill(pid, signal.SIGKILL)
        assert (await rig.calm.store.beat("w1", LEASE)).alive
        after = await rig.door.read()
        judge(after)
        assert after["tasks"] == before["tasks"]
