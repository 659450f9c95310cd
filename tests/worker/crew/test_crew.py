"""The crew with real processes that stand for workers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import structlog

from tradefree.clock import SystemClock
from tradefree.worker.crew import crew as crew_module
from tradefree.worker.crew import member as member_module
from tradefree.worker.crew.crew import WRONG_SETTING, Crew
from tradefree.worker.crew.member import Program, environment_of

STAND_IN = str(Path(__file__).with_name("stand_in.py"))
PATIENCE = 30.0


class World:
    """A crew, and what its processes left in a folder."""

    kind = "good"
    """Of processes that are started from now on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = Program(
            lambda tether: [sys.executable, "-S", STAND_IN, str(tether), self.kind, str(folder)],
            lambda number: environment_of(number, None),
        )
        self.crew = Crew(program, SystemClock(), drain_timeout=PATIENCE)

    @property
    def started(self) -> set[int]:
        """Every process there was."""
        return {int(file.name) for file in self.folder.iterdir()}

    def heard(self, pid: int) -> int:
        """How often a process was told to stop."""
        return len((self.folder / str(pid)).read_text())

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                if condition():
                    return
                await asyncio.sleep(0.01)

    async def up(self, number: int) -> list[int]:
        """The processes, once there are so many and all take work."""
        await self.until(lambda: len(self.crew.pids) == number and self.crew.arrived)
        return self.crew.pids


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(member_module, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(crew_module, "HAND_BACK_WITHIN", 0.3)
    world = World(tmp_path)
    yield world
    world.crew.stop()
    world.crew.stop()
    await world.crew.finish()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_process_that_dies_is_started_again_and_others_are_left_alone(world: World) -> None:
    world.crew.resize(2)
    first, second = await world.up(2)
    os.kill(first, signal.SIGKILL)
    await world.until(lambda: first not in world.crew.pids)
    new, still = await world.up(2)
    assert still == second
    assert new not in (first, second)


async def test_one_that_dies_at_its_start_is_tried_more_and_more_rarely(world: World) -> None:
    world.kind = "dies"
    with structlog.testing.capture_logs() as lines:
        world.crew.resize(1)
        await world.until(lambda: len(world.started) >= 4)
    pauses = [line["again_in"] for line in lines if line["event"] == "a worker process died"]
    assert pauses[:3] == [0.05, 0.1, 0.2]


async def test_a_wrong_setting_ends_the_parent_as_it_would_end_one_worker(world: World) -> None:
    world.kind = "wrong"
    world.crew.resize(1)
    await world.until(world.crew.over.is_set)
    await world.crew.finish()
    assert world.crew.exit_code == WRONG_SETTING


async def test_while_others_work_one_that_cannot_start_ends_nothing(world: World) -> None:
    world.crew.resize(1)
    (good,) = await world.up(1)
    world.kind = "wrong"
    world.crew.resize(2)
    await world.until(lambda: len(world.started) >= 3)
    assert not world.crew.over.is_set()
    assert good in world.crew.pids


async def test_the_first_word_lets_all_drain(world: World) -> None:
    world.crew.resize(3)
    pids = await world.up(3)
    world.crew.stop()
    await world.crew.finish()
    assert [world.heard(pid) for pid in pids] == [1, 1, 1]
    assert not any(map(alive, pids))
    assert world.crew.exit_code == 0
    assert world.started == set(pids), "none was started again"


async def test_the_second_word_is_passed_on(world: World) -> None:
    world.kind = "slow"
    world.crew.resize(2)
    pids = await world.up(2)
    world.crew.stop()
    finishing = asyncio.create_task(world.crew.finish())
    await world.until(lambda: [world.heard(pid) for pid in pids] == [1, 1])
    assert not finishing.done()
    world.crew.stop()
    await finishing
    assert [world.heard(pid) for pid in pids] == [2, 2]
    assert world.crew.exit_code == 0


async def test_one_that_does_not_end_in_time_is_told_again_then_killed(tmp_path: Path, world: World) -> None:
    world.kind = "deaf"
    world.crew._drain_timeout = 0.2
    world.crew.resize(1)
    (pid,) = await world.up(1)
    world.crew.stop()
    with structlog.testing.capture_logs() as lines:
        await world.crew.finish()
    assert world.heard(pid) == 2
    assert not alive(pid)
    assert world.crew.exit_code == os.EX_SOFTWARE
    assert [line["pid"] for line in lines if line["log_level"] == "error"] == [pid]


async def test_shrinking_lets_the_newest_drain_and_waits_for_nobody(world: World) -> None:
    world.kind = "slow"
    world.crew.resize(3)
    first, second, third = await world.up(3)
    world.crew.resize(1)
    assert world.crew.pids == [first]
    await world.until(lambda: world.heard(second) and world.heard(third))
    assert alive(second)
    assert alive(third)
    assert not world.heard(first)
    world.kind = "good"
    world.crew.resize(2)
    assert (await world.up(2))[0] == first


async def test_a_change_replaces_every_process_and_none_goes_before_the_next_has_come(world: World) -> None:
    world.crew.resize(2)
    old = await world.up(2)
    fewest = 2

    async def watch() -> None:
        nonlocal fewest
        while True:
            fewest = min(fewest, sum(not world.heard(pid) for pid in world.started))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    await world.crew.change()
    watching.cancel()
    assert set(old).isdisjoint(await world.up(2))
    assert fewest == 2


async def test_a_change_to_what_does_not_start_keeps_what_works(world: World) -> None:
    world.crew.resize(2)
    old = await world.up(2)
    world.kind = "wrong"
    await world.crew.change()
    assert world.crew.pids == old
    assert not world.crew.over.is_set()


def test_each_process_has_a_log_file_of_its_own() -> None:
    assert environment_of(3, "/var/log/app.log")["TRADEFREE_LOG_FILE"] == "/var/log/app.3.log"
    assert environment_of(3, None).get("TRADEFREE_LOG_FILE") == os.environ.get("TRADEFREE_LOG_FILE")
