"""Ids are UUIDv7, in order, and carry the moment they were made for."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tradefree.ids import first_id_at, new_id, new_id_at

NOW = datetime(2026, 1, 31, 8, 0, 0, 123999, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


def test_it_is_a_uuid_of_version_7_with_the_moment_in_it() -> None:
    made = uuid.UUID(new_id_at(NOW))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_within_a_moment_they_are_in_the_order_they_were_made() -> None:
    made = [new_id_at(NOW) for _ in range(10_000)]
    assert made == sorted(set(made))


def test_threads_get_different_ones() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: new_id_at(NOW), range(10_000)))
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("moment", [NOW, NOW + timedelta(days=9999), datetime(1970, 1, 1, tzinfo=UTC)])
def test_bounds(moment: datetime) -> None:
    first, after = first_id_at(moment), first_id_at(moment + TICK)
    for _ in range(100):
        assert first <= new_id_at(moment) < after
    assert first <= new_id_at(moment.replace(microsecond=moment.microsecond // 1000 * 1000)) < after


def test_a_moment_before_all_ids_has_the_lowest_bound() -> None:
    assert first_id_at(datetime(1, 1, 1, tzinfo=UTC)) <= new_id_at(datetime(1970, 1, 1, tzinfo=UTC))


def test_others_carry_the_present() -> None:
    before, made = datetime.now(UTC), new_id()
    assert first_id_at(before - TICK) <= made < first_id_at(datetime.now(UTC) + TICK * 2)
