"""Two processes lead by turns that are shorter than their rounds: each is replaced amid a round.

Nobody but this test takes tasks out of flight, so it sees every place that is given too many.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from faults.leaders.racer import CAP, TYPE
from private_servers import DATABASES, database_on
from stores.acts import Acts
from stores.engines import server
from tradefree.database.store import SqlStore
from tradefree.testing.clock import FrozenClock

TESTS = Path(__file__).parents[1]
TASKS = 250
LANES = 8
IN_FLIGHT = "SELECT COUNT(*) FROM tasks WHERE holds_slot IS NOT NULL"
PUT_SOME_BACK = """UPDATE tasks SET status = 'pending', holds_slot = NULL, worker_id = NULL
    WHERE status = 'queued' ORDER BY id LIMIT 4"""
ROUNDS = 60
"""Times that some are put back at the least."""
ENOUGH = 5
"""Leaders that were replaced amid a round."""


class Racer:
    """A process that leads whenever it can; it says when it was replaced amid a round."""

    def __init__(self, process: asyncio.subprocess.Process, said: Path) -> None:
        self.process = process
        self._said = said

    @property
    def lost(self) -> int:
        """How often it was replaced so far."""
        assert self.process.returncode is None, f"it ended by itself: {self.process.returncode}"
        return self._said.read_text().splitlines().count("lost")


@asynccontextmanager
async def racing(url: str, folder: Path, *options: str) -> AsyncIterator[list[Racer]]:
    racers = [await _racer(url, folder / f"{holder}.txt", holder, *options) for holder in ("one", "two")]
    try:
        yield racers
    finally:
        for racer in racers:
            if racer.process.returncode is None:
                racer.process.kill()
                await racer.process.wait()


async def _racer(url: str, said: Path, *options: str) -> Racer:
    with said.open("wb") as lines:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "faults.leaders.racer", url, *options),
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdout=lines,
        )
    return Racer(process, said)


async def furnished(store: SqlStore) -> None:
    """Tasks in several lanes of one type, and a worker with more room than the type has."""
    acts = Acts(store, FrozenClock())
    await acts.submit(*(acts.task(TYPE.name, concurrency_key=str(number % LANES)) for number in range(TASKS)))
    await acts.enlist(capacity=10 * CAP)
    await _execute(store, "UPDATE workers SET lease_until = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR")


async def watch(store: SqlStore, enough: Callable[[int, int], bool]) -> int:
    """The most tasks seen in flight at once, until it is enough: it is told that number and the rounds there were."""
    peak = rounds = 0
    while not enough(peak, rounds):
        in_flight = await _execute(store, IN_FLIGHT)
        peak = max(peak, in_flight)
        rounds += await _execute(store, PUT_SOME_BACK) > 0 if in_flight >= CAP else 0
        await asyncio.sleep(0.001)
    return peak


async def _execute(store: SqlStore, sql: str) -> int:
    """Rows changed, or the number found."""
    async with store.database.transaction() as connection:
        result = await connection.execute(sa.text(sql))
        return int(result.scalar_one()) if result.returns_rows else result.rowcount


@pytest.mark.parametrize("kind", DATABASES)
async def test_no_cap_is_exceeded_by_leaders_that_are_replaced_amid_their_rounds(kind: str, tmp_path: Path) -> None:
    url = database_on(kind)
    async with server(url, FrozenClock()) as store:
        assert isinstance(store, SqlStore)
        await furnished(store)
        async with racing(url, tmp_path) as racers:

            def raced(_: int, rounds: int) -> bool:
                return rounds >= ROUNDS and sum(racer.lost for racer in racers) >= ENOUGH

            peak = await watch(store, raced)
    assert peak == CAP  # they used all there is, and no more


async def test_without_the_lock_on_the_leaders_row_the_same_race_exceeds_the_cap(tmp_path: Path) -> None:
    url = database_on("mariadb")
    async with server(url, FrozenClock()) as store:
        assert isinstance(store, SqlStore)
        await furnished(store)
        async with racing(url, tmp_path, "--unlocked"):
            assert await watch(store, lambda peak, _: peak > CAP) > CAP
