"""The ceiling that is learnt: a simulated upstream with a capacity that changes, and single words of it."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefree.limits.ceiling import HOLD, INITIAL, LAST_WAIT, Ceiling, Signs

TICK, BEAT = 0.02, 2.0
ON_THE_WAY, IS_TOLD, IS_FREE = 0.02, 0.01, 0.02
"""Seconds: from admission to the upstream, from a refusal to the leader, from the end to a free place (or so)."""


@dataclass
class Phase:
    """What came of a stretch of time with one capacity."""

    capacity: int
    started: int = 0
    refused: int = 0
    ended_late: int = 0
    """Calls that ended in the last ten seconds."""
    refused_late: int = 0
    level: int = 0

    @property
    def part_of_best(self) -> float:
        """Of what an upstream does in the last ten seconds with calls of a second, all places taken all the time."""
        return self.ended_late / 10 / self.capacity


class Upstream:
    """It takes so many calls at once and refuses the others; tasks are always waiting."""

    def __init__(self, seed: int, call: float) -> None:
        self.luck = random.Random(seed)
        self.ceiling = Ceiling()
        self.now = 0.0
        self.in_flight = 0
        """As the leader counts them: those on the way, too."""
        self.phase = Phase(0)
        self._call = call
        self._running = 0
        self._coming: list[tuple[float, int, str]] = []
        self._numbers = count()
        self._news: Counter[str] = Counter()
        self._beat_at = BEAT * self.luck.random()
        self._started, self._full = 0, False

    def pass_time(self, capacity: int, seconds: float) -> Phase:
        self.phase, end = Phase(capacity), self.now + seconds
        while self.now < end:
            self.now += TICK
            late = self.now > end - 10
            urgent = False
            while self._coming and self._coming[0][0] <= self.now:
                at, _, what = heapq.heappop(self._coming)
                urgent |= self._happens(what, at, late)
            self._round(urgent)
        self.phase.level = self.ceiling.level
        return self.phase

    def _happens(self, what: str, at: float, late: bool) -> bool:
        """True if the leader should hear of it at once."""
        match what:
            case "arrives" if self._running < self.phase.capacity:
                self._running += 1
                self._news["heard"] += 1
                self._will("ends", at + self._call * self.luck.uniform(0.95, 1.05))
            case "arrives":
                self.phase.refused += 1
                self.phase.refused_late += late
                self._will("is refused", at + IS_TOLD)
            case "ends":
                self._running -= 1
                self.phase.ended_late += late
                self._will("is free", at + self._about(IS_FREE))
            case "is refused":
                self._news["refused"] += 1
                self._will("is free", at + self._about(IS_FREE))
            case "is free":
                self.in_flight -= 1
        return what == "is refused"

    def _round(self, urgent: bool) -> None:
        told: Counter[str] = Counter()
        if urgent or self.now >= self._beat_at:
            told, self._news, self._beat_at = self._news, Counter(), self.now + BEAT
            told["working"] = self._running
        self.ceiling.look(Signs(in_flight=self.in_flight, full=self._full, started=self._started, **told), self.now)
        self._started = max(0, self.ceiling.level - self.in_flight)
        self.in_flight += self._started
        self.phase.started += self._started
        self._full = self.in_flight >= self.ceiling.level
        for _ in range(self._started):
            self._will("arrives", self.now + self._about(ON_THE_WAY))

    def _will(self, what: str, at: float) -> None:
        heapq.heappush(self._coming, (at, next(self._numbers), what))

    def _about(self, seconds: float) -> float:
        return seconds * self.luck.uniform(0.5, 1.5)


def simulate(capacities: Sequence[int], *, seconds: float = 30.0, call: float = 1.0, seed: int = 1) -> list[Phase]:
    upstream = Upstream(seed, call)
    return [upstream.pass_time(capacity, seconds) for capacity in capacities]


@pytest.mark.parametrize("seed", range(8))
def test_it_follows_an_upstream_down_and_up(seed: int) -> None:
    phases = simulate([20, 5, 40], seed=seed)
    for phase in phases:
        assert phase.part_of_best >= 0.9, f"too slow at {phase.capacity}"
        assert phase.refused_late <= 3
    refused, started = sum(p.refused for p in phases), sum(p.started for p in phases)
    assert refused < 0.02 * started


def test_a_probe_is_ended_by_the_first_refusal() -> None:
    """A slow start that doubles up to 640 places overshoots by few calls, not by hundreds."""
    (phase,) = simulate([330], seconds=25)
    assert phase.level >= 300
    assert phase.refused < 0.1 * 330


def test_a_small_change_costs_little() -> None:
    """An upstream that takes two less is not believed to take half."""
    _, phase = simulate([20, 18])
    assert phase.part_of_best >= 0.9
    assert phase.refused < 0.03 * phase.started


def test_a_steady_upstream_is_seldom_asked_for_more() -> None:
    _, *steady = simulate([20, 20, 20, 20])
    assert all(19 <= phase.level <= 22 for phase in steady)
    assert sum(p.refused for p in steady) < 0.02 * sum(p.started for p in steady)


def test_a_large_upstream_is_found_in_half_a_minute() -> None:
    _, second = simulate([500, 500], seconds=25)
    assert second.part_of_best >= 0.9


@given(st.lists(st.integers(0, 100), min_size=1, max_size=4), st.integers(0, 1000))
def test_a_level_is_never_less_than_one_while_the_upstream_answers(capacities: list[int], seed: int) -> None:
    assert all(phase.level >= 1 for phase in simulate(capacities, seconds=8, seed=seed))


def a_proven(level: int) -> Ceiling:
    return Ceiling(level=level, good=level, step=1, slow_start=False)


def test_without_waiting_tasks_it_stays() -> None:
    ceiling = a_proven(10)
    for second in range(100):
        assert not ceiling.look(Signs(in_flight=4, heard=3), float(second))


def test_one_cut_for_one_crowd() -> None:
    """Calls of the old ceiling are refused one after the other: that is one thing to learn, not twenty."""
    ceiling = a_proven(20)
    ceiling.look(Signs(in_flight=20, refused=1), 0.0)
    assert ceiling.level == 19
    ceiling.look(Signs(in_flight=19, refused=1), 0.1)
    assert ceiling.level == 9, "it takes much less"
    for tenth in range(2, 8):
        ceiling.look(Signs(in_flight=20 - tenth, refused=1), tenth / 10)
    assert ceiling.level == 9
    assert (ceiling.reason, ceiling.cause, ceiling.calls) == ("it refused a call", "refused", 1)


def test_calls_left_without_a_word_are_a_refusal() -> None:
    """A busy Dify answers 200 and stays silent."""
    ceiling = a_proven(20)
    ceiling.look(Signs(in_flight=20, silent=16), 0.0)
    assert ceiling.level == 4
    assert "without a word" in ceiling.reason


def test_an_upstream_that_is_down_gets_a_probe_now_and_then() -> None:
    ceiling, now, probes = a_proven(20), 0.0, []
    for _ in range(3):
        ceiling.look(Signs(in_flight=20, down=1), now)
    assert (ceiling.level, ceiling.down) == (0, True)
    while now < 200:
        now += 0.5
        if ceiling.look(Signs(), now) and ceiling.level == 1:
            probes.append(now)
            ceiling.look(Signs(in_flight=1, down=1), now)
            assert ceiling.level == 0
    pauses = [after - before for before, after in pairwise(probes)]
    assert len(probes) > 3
    assert pauses == sorted(pauses), "each pause is as long as the one before, or longer"
    assert pauses[-1] <= LAST_WAIT + 0.5


def test_it_comes_back_by_itself() -> None:
    ceiling = a_proven(20)
    for _ in range(3):
        ceiling.look(Signs(in_flight=20, down=1), 0.0)
    ceiling.look(Signs(), 5.0)
    assert ceiling.level == 1
    ceiling.look(Signs(in_flight=1, heard=1), 6.0)
    assert not ceiling.down
    now = 6.0
    while ceiling.level < 20 and now < 60:
        now += 1.0
        ceiling.look(Signs(in_flight=ceiling.level, full=True, heard=ceiling.level), now)
    assert ceiling.level >= 20


def test_one_lost_connection_among_good_ones_closes_nothing() -> None:
    ceiling = a_proven(20)
    ceiling.look(Signs(in_flight=20, heard=5, down=1), 0.0)
    assert ceiling.level == 20


def test_what_was_learnt_is_kept_for_the_next_leader() -> None:
    ceiling = a_proven(20)
    ceiling.look(Signs(in_flight=20, refused=1), HOLD)
    assert Ceiling.of(ceiling.document()) == ceiling
    assert Ceiling.of({**ceiling.document(), "of a later version": 1}) == ceiling


def test_nothing_is_known_at_first() -> None:
    assert Ceiling().level == INITIAL
