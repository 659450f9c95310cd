"""Sums over stretches of time, and the leader that keeps them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from stores.acts import Acts
from tradefree.errors import StorageUnavailable
from tradefree.tasks import tally as tallying
from tradefree.tasks.outcome import Completed
from tradefree.tasks.series import (
    DAY,
    ENDS,
    KEPT,
    MINUTE,
    POINTS,
    QUARTER,
    TWO_HOURS,
    Cell,
    Happening,
    Place,
    Scale,
    begin_of,
    class_of,
    percentile,
    sorted_in,
)
from tradefree.tasks.tally import SETTLE, Tally
from tradefree.tasks.task import Usage
from tradefree.testing.clock import FrozenClock
from tradefree.testing.memory import MemoryStore

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seconds", [0.001, 0.0042, 0.5, 1.0, 17.3, 600.0, 86_400.0, 1e7])
def test_a_percentile_is_three_percent_off_at_most(seconds: float) -> None:
    classes = Counter({class_of(seconds): 10})
    for part in (0.01, 0.5, 1.0):
        assert percentile(classes, part) == pytest.approx(seconds, rel=0.031)


def test_percentiles_of_many() -> None:
    classes = Counter(class_of(float(second)) for second in range(1, 101))
    assert percentile(classes, 0.5) == pytest.approx(50, rel=0.06)
    assert percentile(classes, 0.95) == pytest.approx(95, rel=0.06)
    assert percentile({}, 0.5) is None
    assert percentile({class_of(-1.0): 1}, 0.5) == pytest.approx(0.001, rel=0.031), "clocks differ between machines"


def test_each_happening_counts_in_one_stretch_of_every_length() -> None:
    at = NOON + timedelta(minutes=20, seconds=30)
    cells = sorted_in([Happening(at, "task.completed", "a", 1.0, 2.0, 7, Decimal("0.1"), "USD")])
    assert {place.span: place.at for place in cells} == {
        MINUTE: NOON + timedelta(minutes=20),
        QUARTER: NOON + timedelta(minutes=15),
        TWO_HOURS: NOON,
        DAY: NOON.replace(hour=0),
    }
    for cell in cells.values():
        assert (cell.completed, cell.tokens, cell.cost) == (1, 7, {"USD": Decimal("0.1")})


def test_what_is_counted_as_what() -> None:
    happenings = [
        Happening(NOON, "task.accepted", "a"),
        Happening(NOON, "attempt.failed", "a", 5.0, 6.0, tokens=3, price=Decimal("0.2"), currency="USD"),
        Happening(NOON, "task.failed", "a", 1.0, 2.0, tokens=4, price=Decimal("0.1"), currency="USD"),
        Happening(NOON, "task.cancelled", "a"),
        Happening(NOON, "task.completed", "b", tokens=1, price=Decimal("1"), currency="CNY"),
    ]
    cells = sorted_in(happenings)
    a, b = cells[Place(MINUTE, NOON, "a")], cells[Place(MINUTE, NOON, "b")]
    assert (a.accepted, a.completed, a.failed, a.cancelled, a.tokens) == (1, 0, 1, 1, 7)
    assert a.cost == {"USD": Decimal("0.3")}
    assert (a.waits, a.runs) == (Counter([class_of(1.0)]), Counter([class_of(2.0)])), (
        "one time for each task that ended"
    )
    both = Cell()
    for cell in (a, b):
        both.add(cell)
    assert (both.completed, both.failed, both.tokens) == (1, 1, 8)
    assert both.cost == {"USD": Decimal("0.3"), "CNY": Decimal(1)}
    assert both.runs == a.runs


@pytest.mark.parametrize(
    ("ago", "lasts", "span"),
    [
        (timedelta(hours=1), timedelta(hours=1), MINUTE),
        (timedelta(seconds=60 * 119), timedelta(seconds=60 * 119), MINUTE),
        (timedelta(hours=2), timedelta(hours=2), QUARTER),
        (timedelta(hours=30), timedelta(hours=1), MINUTE),
        (timedelta(days=3), timedelta(hours=1), QUARTER),
        (timedelta(hours=24), timedelta(hours=24), QUARTER),
        (timedelta(days=7), timedelta(days=7), TWO_HOURS),
        (timedelta(days=30), timedelta(days=30), DAY),
        (timedelta(days=200), timedelta(hours=1), DAY),
        (timedelta(days=1000), timedelta(days=1000), DAY),
    ],
)
def test_a_chart_takes_the_finest_that_fits_and_is_kept(ago: timedelta, lasts: timedelta, span: int) -> None:
    now = NOON + timedelta(seconds=17)
    scale = Scale.fit(now - ago, now - ago + lasts, now)
    moments = scale.moments()
    assert scale.span == span
    assert len(moments) <= POINTS
    assert moments[0] <= now - ago < moments[0] + timedelta(seconds=scale.step)
    assert moments[-1] < scale.end <= moments[-1] + timedelta(seconds=scale.step)
    for at in (begin_of(now - ago, span), begin_of(now - ago + lasts - timedelta(seconds=1), span)):
        assert scale.moment_of(at) in moments


# ── the tally ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Leader:
    """A tally over an empty store, whose time is in the test's hands."""

    def __init__(self) -> None:
        self.clock = FrozenClock(NOON)
        self.store = MemoryStore(self.clock)
        self.acts = Acts(self.store, self.clock)
        self.leads = True
        self.tally = self.another()

    def another(self) -> Tally:
        return Tally(self.store, self.clock, lambda: self.leads)

    async def look(self, tally: Tally | None = None) -> None:
        """Two looks, so far apart that what the first saw has settled at the second."""
        for _ in range(2):
            await (tally or self.tally).catch_up(share=0)
            self.clock.advance(SETTLE)

    def until(self, moment: datetime) -> None:
        """Let time pass until then."""
        self.clock.advance((moment - self.clock.now()).total_seconds())

    async def ends(self) -> dict[str, int]:
        scale = Scale.fit(NOON - timedelta(hours=1), self.clock.now(), self.clock.now())
        cells = (await self.store.series(scale, None)).values()
        return {end: sum(getattr(cell, end) for cell in cells) for end in ("accepted", *ENDS.values())}


@pytest.fixture
def leader() -> Leader:
    return Leader()


async def test_everything_counts_once_whoever_leads(leader: Leader) -> None:
    await leader.acts.completed("a")
    await leader.look()
    assert await leader.ends() == {"accepted": 1, "completed": 1, "failed": 0, "cancelled": 0}
    await leader.acts.failed("b")
    await leader.acts.submitted("b")
    for tally in (leader.another(), leader.tally, leader.another()):
        await leader.look(tally)
    assert await leader.ends() == {"accepted": 3, "completed": 1, "failed": 1, "cancelled": 0}


async def test_the_newest_lines_are_left_alone_until_none_can_come_before_them(leader: Leader) -> None:
    await leader.acts.completed()
    await leader.tally.catch_up(share=0)
    leader.clock.advance(SETTLE - 0.1)
    await leader.acts.completed()
    await leader.tally.catch_up(share=0)
    assert (await leader.ends())["completed"] == 0
    leader.clock.advance(0.1)
    await leader.tally.catch_up(share=0)
    assert (await leader.ends())["completed"] == 1
    leader.clock.advance(SETTLE)
    await leader.tally.catch_up(share=0)
    assert (await leader.ends())["completed"] == 2


async def test_much_is_summed_up_in_small_steps(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "STEP", 3)
    for _ in range(5):
        await leader.acts.completed()
    await leader.look()
    assert (await leader.ends())["completed"] == 5
    assert await leader.store.tallied() == await leader.store.newest_line()


async def test_who_leads_no_more_stops(leader: Leader) -> None:
    await leader.acts.completed()
    leader.leads = False
    await leader.look()
    assert (await leader.ends())["completed"] == 0


async def test_the_first_look_leaves_what_is_very_old(leader: Leader) -> None:
    await leader.acts.completed()
    leader.clock.advance((tallying.HISTORY + timedelta(hours=1)).total_seconds())
    await leader.acts.completed()
    await leader.look()
    scale = Scale.fit(NOON, leader.clock.now(), leader.clock.now())
    assert sum(cell.completed for cell in (await leader.store.series(scale, None)).values()) == 1


async def test_waits_runs_tokens_and_cost(leader: Leader) -> None:
    task = await leader.acts.submitted("a")
    await leader.acts.enlist()
    leader.clock.advance(4)
    await leader.acts.admit(task)
    (claimed,) = await leader.acts.claim(task)
    leader.clock.advance(2)
    usage = Usage(total_tokens=12, price=Decimal("0.003"), currency="USD")
    await leader.acts.finish(claimed, Completed("x", usage))
    await leader.look()
    (cell,) = (await leader.store.series(Scale(DAY, DAY, begin_of(NOON, DAY), leader.clock.now()), None)).values()
    assert percentile(cell.waits, 0.5) == pytest.approx(4, rel=0.05)
    assert percentile(cell.runs, 0.5) == pytest.approx(2, rel=0.05)
    assert (cell.tokens, cell.cost) == (12, {"USD": Decimal("0.003")})


async def test_old_stretches_are_forgotten(leader: Leader) -> None:
    await leader.acts.completed()
    await leader.look()
    for span, kept in KEPT.items():
        leader.until(begin_of(NOON, span) + kept)
        await leader.tally.forget()
        assert {place.span for place in leader.store._tables.series} == {s for s in KEPT if s >= span}
    leader.until(NOON + KEPT[DAY] + timedelta(days=2))
    await leader.tally.forget()
    assert leader.store._tables.series == {}


async def test_a_fault_does_not_end_it(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[Exception] = [StorageUnavailable("away"), ValueError("a bug")]

    async def broken(**_: object) -> None:
        raise faults.pop()

    monkeypatch.setattr(leader.tally, "catch_up", broken)
    await leader.tally._try()
    await leader.tally._try()
    assert faults == []
