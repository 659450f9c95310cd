"""How many processes are wanted: growth at once and by a factor, shrinking after a calm and one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefree.worker.crew.scaling import SETTLES_IN, Bounds, Demand, Scaling

BOUNDS = Bounds(least=1, most=8, wait=5.0, calm=60.0)
CAPACITY = 100


def scaling(bounds: Bounds = BOUNDS) -> Scaling:
    return Scaling(bounds, CAPACITY)


def idle(in_flight: int = 0) -> Demand:
    return Demand(predicted=0.0, in_flight=in_flight)


def waits(seconds: float, *, arrived: bool = True) -> Demand:
    return Demand(predicted=seconds, in_flight=1000, arrived=arrived)


@pytest.mark.parametrize(
    ("size", "seconds", "wanted"), [(1, 4.9, 1), (1, 6, 2), (4, 6, 5), (4, 1000, 8), (3, 1000, 6), (8, 1000, 8)]
)
def test_it_grows_by_what_the_wait_asks_for_and_twofold_at_most(size: int, seconds: float, wanted: int) -> None:
    assert scaling().wanted(size, waits(seconds), 0.0) == wanted


def test_it_lets_new_processes_take_work_before_it_grows_again() -> None:
    crew = scaling()
    assert crew.wanted(1, waits(50), 0.0) == 2
    assert crew.wanted(2, waits(50), SETTLES_IN - 1) == 2
    assert crew.wanted(2, waits(50, arrived=False), SETTLES_IN + 1) == 2
    assert crew.wanted(2, waits(50), SETTLES_IN + 2) == 4


def test_it_shrinks_one_by_one_each_after_a_calm() -> None:
    crew = scaling()
    sizes = [4]
    for second in range(0, 400, 2):
        sizes.append(crew.wanted(sizes[-1], idle(), float(second)))
    assert sorted(set(sizes), reverse=True) == [4, 3, 2, 1]
    assert sizes.index(3) == 31
    assert sizes.index(2) - sizes.index(3) >= 30


def test_a_wait_in_between_begins_the_calm_anew() -> None:
    crew = scaling()
    assert crew.wanted(2, idle(), 0.0) == 2
    assert crew.wanted(2, Demand(predicted=1.0, in_flight=10), 59.0) == 2
    assert crew.wanted(2, idle(), 61.0) == 2
    assert crew.wanted(2, idle(), 122.0) == 1


@pytest.mark.parametrize(("in_flight", "wanted"), [(75, 1), (76, 2)])
def test_it_keeps_room_for_what_is_in_flight(in_flight: int, wanted: int) -> None:
    crew = scaling()
    crew.wanted(2, idle(in_flight), 0.0)
    assert crew.wanted(2, idle(in_flight), 60.0) == wanted


@given(
    size=st.integers(1, 50),
    looks=st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 5000), st.booleans()), min_size=1, max_size=50),
)
def test_it_never_leaves_its_bounds_and_never_drops_by_more_than_one(
    size: int, looks: list[tuple[float, int, bool]]
) -> None:
    crew, now = scaling(), 0.0
    size = crew.wanted(size, idle(), now)
    assert 1 <= size <= 8
    for predicted, in_flight, arrived in looks:
        now += 7.0
        wanted = crew.wanted(size, Demand(predicted, in_flight, arrived), now)
        assert 1 <= wanted <= 8
        assert size - 1 <= wanted <= 2 * size
        size = wanted
