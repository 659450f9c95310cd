"""Cron in time zones, against a reference that looks at every quarter of an hour of ten years."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradefree.events.schedules.cron import Cron

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
ZONES = (
    "Europe/Berlin",
    "America/Santiago",  # the clock is put forward at midnight
    "Australia/Lord_Howe",  # by half an hour
)

Matches = Callable[[datetime], bool]


REAL: dict[str, Matches] = {
    "0 * * * *": lambda t: t.minute == 0,
    "*/15 2 * * *": lambda t: t.hour == 2,
    "*/30 1,2,3 * * 0": lambda t: t.minute % 30 == 0 and t.hour in (1, 2, 3) and t.isoweekday() == 7,
    "45 * 1-7 * MON": lambda t: t.minute == 45 and (t.day <= 7 or t.isoweekday() == 1),
}
"""Expressions that go by the time that passes, and what their fields mean."""
WALL: dict[str, Matches] = {
    "0,30 1-3 * * *": lambda t: t.minute in (0, 30) and 1 <= t.hour <= 3,
    "0 0 * * *": lambda t: (t.hour, t.minute) == (0, 0),
    "45 23 L * *": lambda t: (t.hour, t.minute) == (23, 45) and (t + timedelta(days=1)).day == 1,
    "15 1,2 * 3,4,9,10,11 0": lambda t: (
        t.minute == 15 and t.hour in (1, 2) and t.month in (3, 4, 9, 10, 11) and t.isoweekday() == 7
    ),
}
"""Expressions that mean wall-clock times."""


def quarters(zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Every quarter of an hour: the moment, and what clocks show."""
    tz, moment = ZoneInfo(zone), BEGIN
    while moment < END:
        yield moment, moment.astimezone(tz).replace(tzinfo=None)
        moment += QUARTER


def by_real_time(clock: list[tuple[datetime, datetime]], matches: Matches) -> list[datetime]:
    return [moment for moment, shown in clock if matches(shown)]


def by_wall_clock(clock: list[tuple[datetime, datetime]], matches: Matches) -> list[datetime]:
    """Times that clocks show for the first time, those that they leap over at the end of the leap."""
    found, latest = [], clock[0][1] - QUARTER
    for moment, shown in clock:
        passed = [latest + n * QUARTER for n in range(1, (shown - latest) // QUARTER + 1)]
        if any(map(matches, passed)):
            found.append(moment)
        latest = max(latest, shown)
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_are_as_the_reference_says(zone: str) -> None:
    clock = list(quarters(zone))
    wanted = {text: by_real_time(clock, matches) for text, matches in REAL.items()}
    wanted |= {text: by_wall_clock(clock, matches) for text, matches in WALL.items()}

    for text, moments in wanted.items():
        cron = Cron(text, ZoneInfo(zone))
        forwards = list(takewhile(lambda m: m < END, cron.after(BEGIN - QUARTER)))
        backwards = list(takewhile(lambda m: m >= BEGIN, cron.until(END - QUARTER)))
        assert forwards == moments, text
        assert backwards == moments[::-1], text


def test_the_night_when_clocks_are_put_forward() -> None:
    at_half_past_two = Cron("30 2 * * *", ZoneInfo("Europe/Berlin"))

    runs = islice(at_half_past_two.after(datetime(2026, 3, 28, tzinfo=UTC)), 3)

    shown = [run.astimezone(ZoneInfo("Europe/Berlin")).isoformat() for run in runs]
    assert shown == ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_the_night_when_clocks_are_put_back() -> None:
    zone, evening = ZoneInfo("Europe/Berlin"), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)

    fixed = islice(Cron("30 2 * * *", zone).after(evening), 2)
    hourly = islice(Cron("30 * * * *", zone).after(evening), 5)

    assert [run.astimezone(zone).isoformat()[5:] for run in fixed] == ["10-25T02:30:00+02:00", "10-26T02:30:00+01:00"]
    assert [run.astimezone(zone).strftime("%H:%M%z") for run in hourly] == [
        "00:30+0200",
        "01:30+0200",
        "02:30+0200",
        "02:30+0100",
        "03:30+0100",
    ]


def test_a_run_in_the_hour_that_comes_twice_is_not_run_again() -> None:
    second = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # clocks show 02:10 for the second time

    following = next(Cron("30 2 * * *", ZoneInfo("Europe/Berlin")).after(second))

    assert following == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


moments = st.datetimes(datetime(2019, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
number = st.sampled_from(["*", "*/7", "0", "1,2,3", "5-9", "*/1", "0,20"])


@settings(max_examples=150, deadline=None)
@given(st.tuples(number, number, st.sampled_from(["*", "1", "L", "LW", "*/9"]), st.sampled_from(["*", "3", "10"])),
       st.sampled_from(["*", "0", "MON-FRI", "5L", "1#2"]), st.sampled_from(ZONES), moments)  # fmt: skip
def test_both_directions_agree(fields: tuple[str, ...], weekday: str, zone: str, start: datetime) -> None:
    cron = Cron(" ".join([*fields, weekday]), ZoneInfo(zone))

    forwards = list(islice(cron.after(start), 30))
    backwards = list(takewhile(lambda m: m > start, cron.until(forwards[-1])))

    assert forwards == sorted(set(forwards))
    assert backwards == forwards[::-1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("* * * *", "has 4 fields"),
        ("0 * * * * *", "has 6 fields"),
        ("", "has 0 fields"),
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 */20 * 1L", "matches no day within 50 years"),
        ("0 0 * * 1L/2", "is not a cron expression"),
        ("@reboot", "has 1 fields"),
        ("0 " * 150, "has 300 characters"),
        ("0 0 * * ９", "is not a cron expression"),
    ],
)
def test_what_is_no_cron_expression_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Cron(text)


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789*/,-#LWMONJA @", max_size=30))
def test_any_text_is_an_expression_or_a_value_error(text: str) -> None:
    try:
        cron = Cron(text)
    except ValueError:
        return
    assert next(cron.after(BEGIN)) > BEGIN


def test_short_names() -> None:
    assert next(Cron("@Daily").after(datetime(2026, 5, 1, 12, tzinfo=UTC))) == datetime(2026, 5, 2, tzinfo=UTC)
