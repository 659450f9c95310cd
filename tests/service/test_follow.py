"""The follower: no line skipped although lines become visible out of order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from tradefree.errors import StorageUnavailable
from tradefree.service.follow import OLD, PAGE, SETTLE, LogFollower
from tradefree.tasks.ports import BrowseStore
from tradefree.tasks.task import LogLine
from tradefree.testing.clock import FrozenClock


@dataclass
class Log:
    """A task's log in which lines have ids before they can be seen."""

    clock: FrozenClock = field(default_factory=FrozenClock)
    visible: dict[int, LogLine] = field(default_factory=dict)
    reads: int = 0
    on_read: Callable[[int], None] = lambda after: None
    """Called with ``after`` when the lines of a page have been picked."""

    def show(self, *ids: int, age: timedelta = timedelta(0)) -> None:
        for line_id in ids:
            self.visible[line_id] = LogLine("T", self.clock.now() - age, "info", f"line {line_id}", id=line_id)

    async def logs(self, task_id: str, *, after: int = 0, limit: int, level: str | None = None) -> list[LogLine]:
        self.reads += 1
        lines = [self.visible[line_id] for line_id in sorted(self.visible) if line_id > after][:limit]
        self.on_read(after)
        return lines

    def follower(self, after: int = 0) -> LogFollower:
        return LogFollower(cast(BrowseStore, self), "T", self.clock, after=after)


async def read(follower: LogFollower) -> list[int]:
    return [line.id async for line in follower.read()]


async def test_lines_come_once_in_the_order_of_their_ids() -> None:
    log = Log()
    follower = log.follower()
    log.show(2, 1, 3)
    assert await read(follower) == [1, 2, 3]
    assert await read(follower) == []
    log.show(4)
    assert await read(follower) == [4]


async def test_a_line_with_a_lower_id_that_appears_later_is_not_skipped() -> None:
    log = Log()
    follower = log.follower()
    log.show(1, 3)
    assert await read(follower) == [1, 3]
    log.clock.advance(SETTLE - 0.1)
    log.show(2)
    assert await read(follower) == [2]


async def test_the_mark_rises_only_over_lines_that_have_been_visible_for_long_enough() -> None:
    log = Log()
    follower = log.follower()
    log.show(1, 2)
    await read(follower)
    assert follower.mark == 0
    log.clock.advance(SETTLE - 0.1)
    log.show(4)
    await read(follower)
    assert follower.mark == 0
    log.clock.advance(0.1)
    await read(follower)
    assert follower.mark == 2
    log.show(3)
    log.clock.advance(SETTLE - 0.1)
    assert await read(follower) == [3]
    assert follower.mark == 2  # 4 has settled, but 3 was seen only now
    log.clock.advance(SETTLE)
    await read(follower)
    assert follower.mark == 4


async def test_whoever_resumes_from_the_mark_misses_nothing() -> None:
    log = Log()
    first = log.follower()
    log.show(1, 2)
    await read(first)
    log.clock.advance(SETTLE)
    log.show(4)
    assert await read(first) == [4]
    assert first.mark == 2
    log.show(3)
    second = log.follower(after=first.mark)
    assert await read(second) == [3, 4]  # 4 again: it had not settled


async def test_old_lines_are_final_at_first_sight() -> None:
    log = Log()
    follower = log.follower()
    log.show(*range(1, 2 * PAGE + 8), age=OLD)
    log.show(2 * PAGE + 8)
    assert len(await read(follower)) == 2 * PAGE + 8
    assert follower.mark == 2 * PAGE + 7
    log.reads = 0
    assert await read(follower) == []
    assert log.reads == 1


async def test_an_old_line_does_not_settle_a_new_one_before_it() -> None:
    log = Log()
    follower = log.follower()
    log.show(1, age=OLD)
    log.show(2)
    log.show(3, age=OLD)
    await read(follower)
    assert follower.mark == 1


async def test_a_line_that_appears_while_pages_are_read_is_not_skipped() -> None:
    log = Log()
    follower = log.follower()
    log.show(*range(2, 2 * PAGE + 2))
    await read(follower)
    log.clock.advance(SETTLE - 0.1)

    def slow(_: int) -> None:
        log.clock.advance(1)  # the second page is asked for after the window of all lines has passed
        log.show(1)

    log.on_read = slow
    await read(follower)
    assert await read(follower) == [1]


async def test_a_read_that_breaks_off_skips_nothing_of_what_it_did_not_reach() -> None:
    log = Log()
    follower = log.follower()
    log.show(*range(2, 4 * PAGE + 1, 2))
    await read(follower)
    log.clock.advance(SETTLE - 0.1)
    log.show(3 * PAGE + 1)  # on the second page
    log.clock.advance(0.1)

    def first_page_only(after: int) -> None:
        if after > 0:
            raise StorageUnavailable("away")

    log.on_read = first_page_only
    with pytest.raises(StorageUnavailable):
        await read(follower)
    log.on_read = lambda _: None
    assert await read(follower) == [3 * PAGE + 1]


async def test_whatever_the_order_every_line_comes_exactly_once() -> None:
    for seed in range(200):
        luck = random.Random(seed)
        log = Log()
        follower = log.follower()
        hidden: list[tuple[float, int]] = []  # when a transaction commits, and the id it took
        now, last, seen = 0.0, 0, []
        while now < 60:
            for _ in range(luck.randrange(3)):
                last += 1
                hidden.append((now + luck.uniform(0, SETTLE - 0.5), last))
            log.show(*(line_id for at, line_id in hidden if at <= now))
            hidden = [(at, line_id) for at, line_id in hidden if at > now]
            if luck.random() < 0.7:
                seen += await read(follower)
            if luck.random() < 0.05:  # the client goes away and resumes; it drops what it knows already
                follower = log.follower(after=follower.mark)
                seen += [line_id for line_id in await read(follower) if line_id not in seen]
            step = luck.uniform(0, 1)
            log.clock.advance(step)
            now += step
        log.show(*(line_id for _, line_id in hidden))
        seen += await read(follower)
        assert sorted(seen) == list(range(1, last + 1)), f"seed {seed}"
