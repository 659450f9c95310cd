from __future__ import annotations

import pytest

from tradefree.access import quotas
from tradefree.access.quotas import Quota, Quotas, quota_rate
from tradefree.errors import RateLimited
from tradefree.testing.clock import FrozenClock


def spend(quotas_: Quotas, key: str = "k") -> Quota:
    return quotas_.spend(key)


def test_a_whole_quota_may_come_at_once_and_comes_back_evenly() -> None:
    clock = FrozenClock()
    counted = Quotas(quota_rate("5/s"), clock)
    assert [spend(counted).left for _ in range(5)] == [4, 3, 2, 1, 0]
    refused = spend(counted)
    assert not refused.allowed
    assert refused.retry_after == pytest.approx(0.2)
    clock.advance(0.2)
    assert spend(counted).allowed
    assert not spend(counted).allowed


def test_what_is_refused_costs_nothing() -> None:
    clock = FrozenClock()
    counted = Quotas(quota_rate("1/m"), clock)
    spend(counted)
    for _ in range(100):
        assert not spend(counted).allowed
    clock.advance(60)
    assert spend(counted).allowed


def test_looking_costs_nothing() -> None:
    counted = Quotas(quota_rate("1/m"), FrozenClock())
    assert counted.left("k").allowed
    assert counted.left("k").left == 1
    spend(counted)
    assert not counted.left("k").allowed
    assert counted.left("k").retry_after == pytest.approx(60)


def test_keys_do_not_spend_for_each_other() -> None:
    counted = Quotas(quota_rate("1/s"), FrozenClock())
    assert spend(counted, "a").allowed
    assert spend(counted, "b").allowed
    assert not spend(counted, "a").allowed


def test_headers_say_what_is_left() -> None:
    counted = Quotas(quota_rate("60/m"), FrozenClock())
    assert spend(counted).headers() == {"RateLimit-Policy": '"key";q=60;w=60', "RateLimit": '"key";r=59;t=1'}


def test_one_too_many_is_said_with_the_time_to_wait() -> None:
    counted = Quotas(quota_rate("1/s"), FrozenClock())
    spend(counted).require()
    with pytest.raises(RateLimited, match="may make 1/s requests; wait 1 s"):
        spend(counted).require()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "MOST", 10)
    clock = FrozenClock()
    counted = Quotas(quota_rate("1/s"), clock)
    for number in range(100):
        spend(counted, str(number))
        clock.advance(0.5)
    assert len(counted._earliest) <= 12


@pytest.mark.parametrize("text", ["", "fast", "0/s", "-1/s", "99999999/s"])
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"per (period|second)"):
        quota_rate(text)
