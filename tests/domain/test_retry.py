"""When to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradefree.tasks.durations import YEAR
from tradefree.tasks.retry import RetryPolicy

policies = st.builds(
    RetryPolicy,
    backoff=st.sampled_from(["exponential", "fixed"]),
    initial=st.floats(0.001, 1000),
    maximum=st.floats(0.001, 100_000),
    factor=st.floats(1, 10),
)
luck = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_maximum() -> None:
    policy = RetryPolicy(initial=2.0, maximum=300.0, factor=2.0)
    assert [policy.delay(n, luck=0.0) for n in range(1, 11)] == [1, 2, 4, 8, 16, 32, 64, 128, 150, 150]
    assert policy.delay(1, luck=0.5) == 1.5


def test_fixed_waits_do_not_grow() -> None:
    policy = RetryPolicy(backoff="fixed", initial=10.0)
    assert {policy.delay(n, luck=0.0) for n in range(1, 50)} == {5.0}


@given(policies, st.integers(1, 10_000), luck)
def test_jitter_takes_at_most_half(policy: RetryPolicy, failures: int, luck: float) -> None:
    least, wait = policy.delay(failures, luck=0.0), policy.delay(failures, luck=luck)
    assert 0 < least <= wait <= least * 2
    if policy.backoff == "exponential":
        assert wait <= policy.maximum


@given(policies, st.integers(1, 200), luck)
def test_waits_never_shrink(policy: RetryPolicy, failures: int, luck: float) -> None:
    assert policy.delay(failures, luck=luck) <= policy.delay(failures + 1, luck=luck)


@given(policies, st.integers(1, 200), luck, st.floats(allow_nan=True, allow_infinity=True))
def test_what_the_upstream_asked_for_is_a_minimum(
    policy: RetryPolicy, failures: int, luck: float, retry_after: float
) -> None:
    usual = policy.delay(failures, luck=luck)
    wait = policy.delay(failures, luck=luck, retry_after=retry_after)
    assert usual <= wait <= max(usual, YEAR)
    if 0 <= retry_after <= YEAR:
        assert wait == max(usual, retry_after)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_attempts", 0),
        ("max_attempts", 101),
        ("backoff", "linear"),
        ("initial", 0),
        ("initial", -1),
        ("initial", "soon"),
        ("initial", "9" * 400 + "s"),
        ("initial", float("inf")),
        ("initial", float("nan")),
        ("maximum", float("inf")),
        ("maximum", "3000d"),
        ("factor", 0.5),
        ("factor", 11),
        ("attempts", 3),
    ],
)
def test_nonsense_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        RetryPolicy.model_validate({field: value})
    assert error.value.errors()[0]["loc"] == (field,)


def test_durations_may_be_words() -> None:
    policy = RetryPolicy.model_validate({"initial": "500ms", "maximum": "5m"})
    assert (policy.initial, policy.maximum) == (0.5, 300.0)
