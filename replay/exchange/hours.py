"""The exchange's calendar: hours of funding, times of settlement, windows of margin.

Funding falls due at whole multiples of the product's interval. Cash moves at settlements, fixed times of the UTC day.
US futures pause on Fridays from 17:00 to 18:00 in New York. The intraday margin window is 8:00 to 16:00 in New York on
weekdays. New York's summer time runs from the second Sunday of March to the first of November, computed here so that it
does not hang on the machine's time zones.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from events.terms import NANOSECONDS, MarginWindow

_DAY = 86_400 * NANOSECONDS
_FRIDAY = 4

#: Minutes of the day at which the international venue settled.
EVERY_FIVE = tuple(range(0, 1_440, 5))
_MINUTE = 60 * NANOSECONDS


def next_boundary(after: int, interval_s: int) -> int:
    """The first funding boundary at or after `after`."""
    interval = interval_s * NANOSECONDS
    return -(-after // interval) * interval


def minutes_of(times: tuple[str, ...]) -> tuple[int, ...]:
    """`("04:00", "16:00")` as minutes of the day, in order. Raises `ValueError` for anything that is no time of day."""
    minutes = []
    for text in times:
        hour, colon, minute = text.partition(":")
        if not (colon and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
            raise ValueError(f"not a time of day like 04:00: {text!r}")
        minutes.append(int(hour) * 60 + int(minute))
    return tuple(sorted(set(minutes)))


def next_settlement(after: int, minutes: tuple[int, ...]) -> int | None:
    """The first settlement at or after `after`; None where nothing ever settles."""
    midnight = after - after % _DAY
    times = (midnight + day * _DAY + minute * _MINUTE for day in (0, 1) for minute in minutes)
    return next((time for time in times if time >= after), None)


def margin_window(at: int) -> tuple[MarginWindow, int]:
    """The window at a time, and when it ends (nanoseconds UTC)."""
    moment = datetime.fromtimestamp(at // NANOSECONDS, tz=UTC)
    today = (moment - timedelta(hours=5)).date()
    for day in (today + timedelta(days=count) for count in range(-1, 5)):
        if day.weekday() > 4:
            continue
        opens, closes = _in_new_york(day, 8), _in_new_york(day, 16)
        if at < opens:
            return MarginWindow.OVERNIGHT, opens
        if at < closes:
            return MarginWindow.INTRADAY, closes
    raise AssertionError("five days always hold a weekday")


def is_friday_halt(at: int) -> bool:
    """Whether US futures pause: Fridays from 17:00 to 18:00 in New York."""
    today = (datetime.fromtimestamp(at // NANOSECONDS, tz=UTC) - timedelta(hours=5)).date()
    return today.weekday() == _FRIDAY and _in_new_york(today, 17) <= at < _in_new_york(today, 18)


def _in_new_york(day: date, hour: int) -> int:
    """A time of a New York day (after the small hours in which the clock changes) as nanoseconds UTC."""
    summer = _sunday(day.year, 3, 2) <= day < _sunday(day.year, 11, 1)
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) + timedelta(hours=4 if summer else 5)
    return int(moment.timestamp()) * NANOSECONDS


def _sunday(year: int, month: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (count - 1))
