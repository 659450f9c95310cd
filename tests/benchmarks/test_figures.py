"""The arithmetic of the benchmarks."""

from __future__ import annotations

import pytest
from bench.figures import Spread, gaps, longest_gap, percentile, ratios


def test_a_spread_is_median_least_and_greatest() -> None:
    assert Spread.of([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)
    assert Spread.of([1.0, 2.0]).median == 1.5


def test_a_spread_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        Spread.of([])


def test_a_spread_is_shown_with_thousands() -> None:
    assert Spread(1234.5, 900.0, 12000.0).show() == "1,234 (900 – 12,000)"
    assert Spread(1.234, 1.0, 2.0).show(2) == "1.23 (1.00 – 2.00)"


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.01) == 7


def test_ratios_are_taken_within_a_round() -> None:
    assert ratios({1: 10.0, 2: 30.0, 3: 1.0}, {2: 10.0, 1: 5.0}) == [2.0, 3.0]


def test_the_longest_gap_counts_the_ends_of_the_span() -> None:
    assert longest_gap([1.0, 2.0, 5.0], 0.0, 6.0) == (3.0, 2.0)
    assert longest_gap([1.0], 0.0, 9.0) == (8.0, 1.0)
    assert longest_gap([], 0.0, 4.0) == (4.0, 0.0)


def test_the_longest_gap_knows_nothing_outside_its_span() -> None:
    assert longest_gap([-100.0, 1.0, 50.0], 0.0, 2.0) == (1.0, 1.0)


def test_gaps_are_between_neighbours() -> None:
    assert gaps([5.0, 1.0, 2.0]) == [1.0, 3.0]
    assert gaps([1.0]) == []
