"""Cron expressions in a time zone, read and matched by cronsim; the clock that is put forward and back is ours.

cronsim loses half an hour where clocks move by thirty minutes, and gives other moments backwards than forwards there
(measured with Australia/Lord_Howe), so days are matched by it and moments within a day are worked out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from tradefree.errors import BadValue

FIELDS = 5
LONGEST = 200
"""Characters of an expression."""
HORIZON = 50
"""Years to look ahead or back for a moment."""
SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class Cron:
    """A cron expression of five fields. Raises ValueError with a sentence if it is none, or matches no day ever.

    As in Debian's cron: if neither minute nor hour begins with ``*``, it means wall-clock times, each once a day; one
    that a day does not have (the clock is put forward) comes at the first moment after the gap, and one that a day has
    twice (the clock is put back) the first time only. Any other expression goes by the time that really passes.
    """

    def __init__(self, text: str, zone: tzinfo = UTC) -> None:
        self.zone = zone
        expression = SHORT.get(text.strip().lower(), text)
        if len(expression) > LONGEST:
            raise BadValue(
                f"has {len(expression)} characters; {LONGEST} are the most", "string_too_long", max_length=LONGEST
            )
        fields = expression.split()
        if len(fields) != FIELDS:
            raise BadValue(
                f"has {len(fields)} fields; five are needed: minute hour day-of-month month day-of-week, or one of "
                f"{', '.join(SHORT)}",
                "cron_fields",
                short=", ".join(SHORT),
            )
        try:
            self._days = CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 (only its fields are asked)
        except CronSimError as error:
            why = _words(error)
            raise BadValue(f"is not a cron expression: {why}", "cron", why=why) from None
        self._times = [(hour, minute) for hour in sorted(self._days.hours) for minute in sorted(self._days.minutes)]
        self._by_wall_clock = not fields[0].startswith("*") and not fields[1].startswith("*")
        if next(self._matching(date(2000, 1, 1), _DAY), None) is None:
            raise BadValue(f"matches no day within {HORIZON} years", "cron_never", years=HORIZON)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Moments later than this one, in order, in UTC."""
        last = moment
        for day in self._matching(moment.astimezone(self.zone).date(), _DAY):
            for found in self._moments(day):
                if found > last:
                    yield found
                    last = found

    def until(self, moment: datetime) -> Iterator[datetime]:
        """Moments up to this one, the last first, in UTC."""
        last = moment + timedelta(microseconds=1)
        for day in self._matching(moment.astimezone(self.zone).date(), -_DAY):
            for found in reversed(self._moments(day)):
                if found < last:
                    yield found
                    last = found

    def _matching(self, first: date, step: timedelta) -> Iterator[date]:
        """Days that match, from the first on; at most ``HORIZON`` years without one."""
        day, seen = first, first
        while abs(day.year - seen.year) <= HORIZON:
            if day.month not in self._days.months:
                day = _next_month(day) if step > timedelta(0) else day.replace(day=1) - _DAY
                continue
            if self._days.match_day(day):
                seen = day
                yield day
            day += step

    def _moments(self, day: date) -> list[datetime]:
        """The moments of a day, in order."""
        midnight = datetime.combine(day, time(), self.zone)
        offset = midnight.utcoffset()
        if offset == datetime.combine(day + _DAY, time(), self.zone).utcoffset():  # no change of clocks on this day
            start = midnight.astimezone(UTC)
            return [start + timedelta(hours=hour, minutes=minute) for hour, minute in self._times]
        naive = [datetime.combine(day, time(hour, minute)) for hour, minute in self._times]
        if self._by_wall_clock:
            return sorted({self._first_real(wall) for wall in naive})
        return sorted({real for wall in naive for fold in (0, 1) if (real := self._real(wall, fold)) is not None})

    def _real(self, wall: datetime, fold: int = 0) -> datetime | None:
        """The moment at which clocks show this; None if they never do."""
        moment = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        return moment if moment.astimezone(self.zone).replace(tzinfo=None) == wall else None

    def _first_real(self, wall: datetime) -> datetime:
        while (moment := self._real(wall)) is None:
            wall += _MINUTE
        return moment


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _words(error: Exception) -> str:
    words = str(error)
    return f"{words[:1].lower()}{words[1:]}" if words else "a field has an odd form"
