"""Starts per period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradefree.limits.rates import SECOND, Rate, parse_rate


@pytest.mark.parametrize(
    ("text", "starts", "period", "shown"),
    [
        ("5/s", 5, 1, "5/s"),
        ("60/m", 60, 60, "60/m"),
        (" 100 / 15m ", 100, 900, "100/900s"),
        ("1000/h", 1000, 3600, "1000/h"),
        ("1/d", 1, 86400, "1/d"),
    ],
)
def test_a_rate_is_read(text: str, starts: int, period: float, shown: str) -> None:
    assert parse_rate(text) == Rate(starts, period)
    assert str(parse_rate(text)) == shown
    assert parse_rate(shown) == Rate(starts, period), "and what is shown can be read again"


@pytest.mark.parametrize("text", ["", "5", "5/", "/s", "5/w", "-5/s", "5.5/s", "0/s", "5/0m", "20000/s", "5/s/s"])
def test_a_bad_rate_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"should|is more"):
        parse_rate(text)


def test_starts_are_spread_evenly() -> None:
    rate, state, now = Rate(60, 60), 0, 1000 * SECOND
    assert rate.allowed(state, now) == 1
    state = rate.after(state, now, 1)
    assert rate.allowed(state, now + SECOND - 1) == 0
    assert rate.free_at(state) == now + SECOND
    assert rate.allowed(state, now + SECOND) == 1


def test_a_burst_may_come_at_once_after_a_pause() -> None:
    rate, now = Rate(60, 60, burst=5), 1000 * SECOND
    assert rate.allowed(0, now) == 5
    state = rate.after(0, now, 5)
    assert rate.allowed(state, now) == 0
    assert rate.allowed(state, now + 2 * SECOND) == 2
    assert rate.allowed(state, now + 500 * SECOND) == 5, "what was not used is not saved up beyond the burst"


def test_a_start_that_came_to_nothing_is_given_back() -> None:
    rate, now = Rate(1, 60), 1000 * SECOND
    state = rate.after(0, now, 1)
    assert rate.allowed(state, now) == 0
    assert rate.allowed(rate.after(state, now, -1), now) == 1


@given(
    st.integers(1, 50),
    st.sampled_from([1, 60, 900]),
    st.integers(1, 10),
    st.lists(st.tuples(st.floats(0, 40), st.integers(0, 20)), max_size=60),
)
def test_no_stretch_of_time_has_more_starts_than_the_rate_and_the_burst(
    starts: int, period: int, burst: int, wishes: list[tuple[float, int]]
) -> None:
    rate, state, now = Rate(starts, period, burst), 0, 10**15
    made: list[int] = []
    for pause, wanted in wishes:
        now += int(pause * SECOND)
        allowed = min(wanted, rate.allowed(state, now))
        state = rate.after(state, now, allowed) if allowed else state
        made += [now] * allowed
    for first, begin in enumerate(made):
        for last, end in enumerate(made[first:], start=first):
            assert last - first + 1 <= burst + (end - begin) * starts / (period * SECOND) + 1e-6
