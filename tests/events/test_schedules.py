"""Schedules: what is due, what was missed, and what is said of a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradefree.events.schedules.plan import Fire, FireOutcome, first, jittered, plan
from tradefree.events.schedules.schedule import Schedule

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def schedule(**values: Any) -> Schedule:
    return Schedule.model_validate(
        {"name": "nightly", **({} if values.keys() & {"cron", "at"} else {"every": 600})} | values
    )


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def raised(fires: tuple[Fire, ...]) -> list[datetime]:
    return [fire.fire_at for fire in fires if fire.outcome is FireOutcome.RAISED]


def test_nothing_is_due_before_its_time() -> None:
    found = plan(schedule(), at(10), at(9.99))

    assert (found.fires, found.fire_at, found.wake_at) == ((), at(10), at(10))


def test_what_is_due_is_raised_and_the_next_is_known() -> None:
    found = plan(schedule(), at(10), at(10))

    assert (raised(found.fires), found.fire_at) == ([at(10)], at(20))


def test_a_run_that_is_a_little_late_is_on_time() -> None:
    assert raised(plan(schedule(misfire="skip"), at(10), at(11)).fires) == [at(10)]


@pytest.mark.parametrize(
    ("misfire", "made_up"),
    [
        ({"misfire": "skip"}, []),
        ({"misfire": "once"}, [at(50)]),
        ({"misfire": "all", "misfire_limit": 2}, [at(40), at(50)]),
        ({"misfire": "all"}, [at(10), at(20), at(30), at(40), at(50)]),
    ],
)
def test_missed_runs_are_made_up_for_as_the_policy_says(misfire: dict[str, Any], made_up: list[datetime]) -> None:
    found = plan(schedule(**misfire), at(10), at(60.5))  # 60 is on time

    assert raised(found.fires) == [*made_up, at(60)]
    assert found.fire_at == at(70)
    missed = [fire for fire in found.fires if fire.outcome is FireOutcome.MISSED]
    assert [fire.fire_at for fire in missed] == ([at(10)] if len(made_up) < 5 else [])


def test_missed_runs_of_years_cost_no_more_than_those_of_an_hour() -> None:
    years = plan(schedule(every=1, misfire="all", misfire_limit=3), NOON - timedelta(days=3660), NOON)

    late = NOON - timedelta(seconds=60)
    assert raised(years.fires)[:3] == [late - timedelta(seconds=n) for n in (3, 2, 1)]


def test_very_many_that_are_due_at_once_are_raised_in_several_looks() -> None:
    every_second = schedule(every=1, misfire_after="1h")
    look = plan(every_second, NOON, at(5))

    assert raised(look.fires) == [NOON + timedelta(seconds=n) for n in range(100)]
    assert look.fire_at == look.wake_at == NOON + timedelta(seconds=100)


def test_one_shot() -> None:
    once = schedule(at="2026-05-04T14:30:00+02:00")

    assert first(once, NOON).fire_at == at(30)
    done = plan(once, at(30), at(30))
    assert (raised(done.fires), done.fire_at) == ([at(30)], None)
    assert first(once, at(30)).fire_at is None


def test_one_that_is_switched_off_has_no_next_run() -> None:
    assert first(schedule(enabled=False), NOON).fire_at is None


def test_overlap_skips_while_tasks_of_the_run_before_have_not_ended() -> None:
    no_overlap = schedule(overlap="skip", misfire="all")

    busy = plan(no_overlap, at(10), at(10), unfinished=True)
    free = plan(no_overlap, at(10), at(10), unfinished=False)
    several = plan(no_overlap, at(10), at(30), unfinished=False)

    assert [fire.outcome for fire in busy.fires] == [FireOutcome.SKIPPED]
    assert raised(free.fires) == [at(10)]
    assert [fire.outcome for fire in several.fires] == [FireOutcome.RAISED, FireOutcome.SKIPPED, FireOutcome.SKIPPED]
    assert raised(plan(schedule(), at(10), at(10), unfinished=True).fires) == [at(10)]


def test_jitter_is_fixed_for_each_run_and_spread() -> None:
    spread = schedule(jitter="5m")
    delays = [jittered(spread, at(n)) - at(n) for n in range(1000)]

    assert all(timedelta(0) <= delay < timedelta(minutes=5) for delay in delays)
    assert len(set(delays)) == 1000
    assert abs(sum(delays, timedelta()) / 1000 - timedelta(minutes=2.5)) < timedelta(seconds=20)
    comes = jittered(spread, at(10))
    assert plan(spread, at(10), comes - timedelta(microseconds=1)).fires == ()
    assert raised(plan(spread, at(10), comes).fires) == [at(10)]
    assert first(spread, at(9)).wake_at == comes


def test_jitter_is_not_lateness() -> None:
    spread = schedule(jitter="5m", misfire="skip")

    assert raised(plan(spread, at(10), at(15.5)).fires) == [at(10)]


steps = st.lists(st.floats(0, 200), min_size=1, max_size=30)


@given(
    steps,
    st.sampled_from([{"every": 600}, {"every": 77.5}, {"cron": "*/7 * * * *"}, {"cron": "5,10 12-20 * * *"}]),
    st.sampled_from([0, 30, 900]),
    st.sampled_from(["skip", "once", "all"]),
)
def test_whenever_somebody_looks_each_run_is_decided_once(
    minutes: list[float], when: dict[str, Any], jitter: float, misfire: str
) -> None:
    looked = schedule(**when, jitter=jitter, misfire=misfire, misfire_limit=3)
    now, due, seen = NOON, first(looked, NOON).fire_at, []
    for step in minutes:
        now += timedelta(minutes=step)
        assert due is not None
        found = plan(looked, due, now)
        assert all(fire.fire_at >= due for fire in found.fires)
        assert all(jittered(looked, moment) <= now for moment in raised(found.fires))
        seen += raised(found.fires)
        due = found.fire_at

    every = list(islice(looked.timing.after(NOON), 10_000))
    assert all(earlier < later for earlier, later in pairwise(seen))
    assert set(seen) <= set(every)
    if max(minutes) < 1:  # nobody was away for long: nothing may be missing
        assert seen == [moment for moment in every if moment < (due or now)]


@given(st.lists(st.floats(0, 300), min_size=1, max_size=20))
def test_all_without_a_bound_that_matters_loses_nothing(minutes: list[float]) -> None:
    looked = schedule(misfire="all", misfire_limit=100)
    now, due, seen = NOON, at(10), []
    for step in minutes:
        now += timedelta(minutes=step)
        found = plan(looked, due, now)
        seen += raised(found.fires)
        assert found.fire_at is not None
        due = found.fire_at

    assert seen == [at(10 * n) for n in range(1, len(seen) + 1)]
    assert due > now


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"cron": "61 * * * *"}, "cron", "bad minute"),
        ({"cron": "0 5 * *"}, "cron", "has 4 fields"),
        ({"cron": "0 5 * * *", "time_zone": "Mars/Olympus"}, "time_zone", "not a time zone"),
        ({"cron": "0 5 * * *", "time_zone": "../etc/passwd"}, "time_zone", "not a time zone"),
        ({"every": 0.5}, "every", "greater than or equal to 1"),
        ({"every": "tomorrow"}, "every", "duration"),
        ({"at": "2026-05-04T12:00:00"}, "at", "timezone"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at", "too far away"),
        ({"cron": "0 5 * * *", "every": 60}, "", "give one of cron, every, at; cron and every is given"),
        ({"at": "2026-05-04T12:00:00Z", "start_at": "2026-05-04T12:00:00Z"}, "", "start_at belongs to every"),
        ({"every": 60, "time_zone": "Asia/Shanghai"}, "", "time_zone belongs to cron"),
        ({"every": 60, "misfire_limit": 101}, "misfire_limit", "less than or equal to 100"),
        ({"every": 60, "event": {"type": ""}}, "event", "at least 1 character"),
        ({"every": 60, "colour": "red"}, "colour", "not permitted"),
    ],
)
def test_a_wrong_schedule_names_the_field(values: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        Schedule.model_validate({"name": "nightly", **values})

    assert caught.value.errors()[0]["loc"][:1] == ((field,) if field else ())


def test_the_next_runs_are_shown_by_the_schedules_clock() -> None:
    runs = schedule(cron="30 2 * * *", time_zone="Europe/Berlin").upcoming(datetime(2026, 10, 24, tzinfo=UTC))

    assert [run.isoformat() for run in runs] == [
        "2026-10-24T02:30:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
        "2026-10-27T02:30:00+01:00",
        "2026-10-28T02:30:00+01:00",
    ]


def test_an_interval_is_counted_from_its_start() -> None:
    runs = schedule(every="90m", start_at=at(7)).upcoming(NOON, 2)

    assert runs == [at(7), at(97)]
    assert schedule(every="90m", start_at=at(7)).upcoming(at(7), 1) == [at(97)]
    assert schedule(every="90m", start_at=at(500)).upcoming(NOON, 2) == [at(500), at(590)]
    assert list(schedule(every="90m", start_at=at(7)).timing.until(at(100))) == [at(97), at(7)]
    assert list(schedule(every="90m", start_at=at(7)).timing.until(at(6))) == []
