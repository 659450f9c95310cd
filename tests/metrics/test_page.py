"""The page: fresh enough, never long in coming, and honest while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from domain.limited import Limited
from metrics.reading import Reading
from tradefree.errors import StorageUnavailable
from tradefree.limits.caps import Mode
from tradefree.metrics import page as page_module
from tradefree.metrics.happened import Happened
from tradefree.metrics.page import Page, admits
from tradefree.tasks.measure import Measuring, Picture


class Taken:
    """Pictures, counted; ``broken`` is raised instead, and ``gate`` is waited for."""

    def __init__(self, take: Callable[[], Awaitable[Picture]]) -> None:
        self._take = take
        self.number = 0
        self.broken: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def __call__(self) -> Picture:
        self.number += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.broken is not None:
            raise self.broken
        return await self._take()


@pytest.fixture
async def system() -> Limited:
    system = Limited()
    await system.define("echo")
    await system.worker(capacity=4)
    return system


@pytest.fixture
def taken(system: Limited) -> Taken:
    return Taken(Measuring(system.store, system.catalog, system.clock).picture)


async def read(page: Page) -> Reading:
    return Reading((await page.render(""))[0].decode())


async def test_what_the_database_knows_is_on_the_page(system: Limited, taken: Taken) -> None:
    await system.limit("queue:default", max_running=3)
    await system.many(5)
    await system.admitted()
    page = await read(Page(Happened("1"), taken))
    assert page.value("database_up") == 1
    assert page.value("leader") == 1
    assert page.all("tasks") == {("pending", "echo"): 2, ("queued", "echo"): 3}
    assert page.all("waiting_tasks") == {("default", "full"): 2}
    assert page.value("limit_places", scope="queue:default") == 3
    assert page.value("limit_in_flight", scope="type:echo") == 3
    assert page.value("limit_waiting", scope="everything") == 2
    assert page.value("queue_places", queue="default") == 4
    assert page.value("workers", status="live") == 1
    assert page.value("lanes_in_flight") == 1
    assert page.value("subscriptions", state="well") == 0


async def test_a_paused_scope_and_a_lapsed_worker(system: Limited, taken: Taken) -> None:
    await system.limiting.set_mode("type:echo", Mode.PAUSED, lasts=None, reason="", by="me")
    system.clock.advance(60)
    await system.many(1)
    page = await read(Page(Happened("1"), taken))
    assert page.value("limit_paused", scope="type:echo") == 1
    assert page.value("limit_paused", scope="everything") == 0
    assert page.value("workers", status="lapsed") == 1
    assert page.value("workers", status="live") == 0
    assert page.value("leader") == 0


async def test_scrapes_share_a_picture(taken: Taken) -> None:
    page = Page(Happened("1"), taken)
    await asyncio.gather(*(page.render("") for _ in range(5)))
    await page.render("")
    assert taken.number == 1


async def test_taking_pictures_takes_a_small_part_of_the_time(taken: Taken) -> None:
    now = 1000.0
    page, taken.gate = Page(Happened("1"), taken, clock=lambda: now), asyncio.Event()
    scrape = asyncio.create_task(page.render(""))
    await asyncio.sleep(0.01)
    now += 2.0
    taken.gate.set()
    await scrape
    for seconds, number in ((39.0, 1), (2.0, 2)):  # two seconds of work, then forty of rest
        now += seconds
        await page.render("")
        assert taken.number == number


async def test_a_slow_database_does_not_hold_up_the_scrape(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "WAIT", 0.02)
    page, taken.gate = Page(Happened("1"), taken), asyncio.Event()
    assert (await read(page)).value("database_up") == 0
    taken.gate.set()
    async with asyncio.timeout(5):
        while (await read(page)).value("database_up") != 1:
            pass
    assert taken.number == 1


@pytest.mark.parametrize("error", [StorageUnavailable("away"), RuntimeError("a fault of ours")])
async def test_while_the_database_is_away_the_rest_is_there(taken: Taken, error: Exception) -> None:
    happened = Happened("1")
    happened.lease_lost()
    taken.broken = error
    page = await read(Page(happened, taken))
    assert page.value("database_up") == 0
    assert page.value("leader") is None
    assert page.value("worker_lease_losses_total") == 1


async def test_an_old_picture_is_not_shown(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(page_module, "WAIT", 0.02)
    page = Page(Happened("1"), taken, clock=lambda: now)
    assert (await read(page)).value("database_up") == 1
    taken.gate = asyncio.Event()
    now += 30
    assert (await read(page)).value("database_up") == 1, "half a minute old is better than nothing"
    now += 60
    assert (await read(page)).value("database_up") == 0
    taken.gate.set()


async def test_openmetrics_is_spoken_to_who_asks_for_it(taken: Taken) -> None:
    text, media_type = await Page(Happened("1"), taken).render("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("token", "header", "good"),
    [
        (None, None, True),
        ("s3cret", None, False),
        ("s3cret", "Bearer s3cret", True),
        ("s3cret", "bearer  s3cret", True),
        ("s3cret", "Basic s3cret", False),
        ("s3cret", "Bearer s3cre", False),
        ("s3cret", "Bearer é", False),
    ],
)
def test_the_token(token: str | None, header: str | None, good: bool) -> None:
    assert admits(token, header) is good
