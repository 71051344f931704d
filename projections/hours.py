"""When a product trades: its session, the weekly halts of its market, its maintenance (trading rules A16).

US futures trade round the clock but for Friday 17:00 to 18:00 in New York and maintenance; their `close_time` is only
the roll of the trade date and stops nothing. New York's summer time runs from the second Sunday of March to the first
of November, computed here so that no machine's time zones decide.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import msgspec

from events.catalog import ProductListed
from events.configuration import HaltSetting
from events.event import Event
from events.record import Record
from events.session import SessionStarted
from events.terms import NANOSECONDS

_MINUTE = 60 * NANOSECONDS
_DAY = 1_440 * _MINUTE
_WEEK = 7 * _DAY
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: The first day of the Unix calendar was a Thursday.
_FIRST_WEEKDAY = 3
#: The venue whose products halt every week.
_WEEKLY_VENUE = "CDE"


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """A time without trading, nanoseconds UTC. `ends_at` is None where nobody said when."""

    starts_at: int
    ends_at: int | None
    reason: str

    def holds(self, at: int, *, lead_ns: int = 0) -> bool:
        """Whether `at` is in it, or at most `lead_ns` before."""
        return self.starts_at - lead_ns <= at and (self.ends_at is None or at < self.ends_at)


class Hours(msgspec.Struct, kw_only=True):
    """What is known of the times of all products."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset({SessionStarted, ProductListed})

    setting: HaltSetting = HaltSetting()
    listings: dict[str, ProductListed] = msgspec.field(default_factory=dict)

    def fold(self, record: Record) -> None:
        event = record.event
        if isinstance(event, SessionStarted):
            self.setting = event.configuration.halts
        elif isinstance(event, ProductListed):
            self.listings[event.product] = event

    def is_shut(self, product: str, at: int) -> bool:
        """Whether it does not trade at `at`: by its own word, or in a halt that is known."""
        listing = self.listings.get(product)
        if listing is None:
            return False
        return not listing.session_open or any(halt.holds(at) for halt in self._halts(listing, at))

    def halt_near(self, product: str, at: int) -> Halt | None:
        """The halt that `at` lies in or shortly before; the one that begins first."""
        listing = self.listings.get(product)
        if listing is None:
            return None
        lead_ns = self.setting.lead_s * NANOSECONDS
        near = [halt for halt in self._halts(listing, at) if halt.holds(at, lead_ns=lead_ns)]
        if not listing.session_open:
            near.append(Halt(starts_at=listing.exchange_at, ends_at=None, reason="the session is closed"))
        return min(near, key=_beginning, default=None)

    def _halts(self, listing: ProductListed, at: int) -> list[Halt]:
        """The halts of a product that are not over at `at`."""
        halts = []
        if listing.venue == _WEEKLY_VENUE:
            halts = [next_weekly(text, at) for text in self.setting.weekly_new_york]
        starts, ends = listing.maintenance_starts_at, listing.maintenance_ends_at
        if starts is not None and (ends is None or at < ends):
            halts.append(Halt(starts_at=starts, ends_at=ends, reason="maintenance"))
        if listing.closes_at is not None:
            halts.append(Halt(starts_at=listing.closes_at, ends_at=None, reason="the session closes"))
        return halts


def weekly_halt(text: str) -> tuple[int, int, int]:
    """`fri 17:00-18:00` as weekday (Monday is 0), first and last minute of the day. Raises `ValueError`."""
    day, _, hours = text.partition(" ")
    start, _, end = hours.partition("-")
    first, last = _minute_of(start), _minute_of(end)
    if day not in _DAYS or not first < last:
        raise ValueError(text)
    return _DAYS.index(day), first, last


@lru_cache(maxsize=64)
def _halt_of_week(text: str, week: int) -> Halt:
    """The halt of one week, counted from the Monday before 1970."""
    weekday, first, last = weekly_halt(text)
    day = week * 7 + weekday - _FIRST_WEEKDAY
    offset = new_york_offset_h(day) * 60 * _MINUTE
    midnight = day * _DAY - offset
    return Halt(
        starts_at=midnight + first * _MINUTE,
        ends_at=midnight + last * _MINUTE,
        reason=f"weekly halt ({text} in New York)",
    )


def next_weekly(text: str, at: int) -> Halt:
    """The weekly halt that `at` lies in, or the next."""
    week = (at + _FIRST_WEEKDAY * _DAY) // _WEEK
    for ahead in (-1, 0):  # New York's week begins hours after ours
        halt = _halt_of_week(text, week + ahead)
        if halt.ends_at is not None and at < halt.ends_at:
            return halt
    return _halt_of_week(text, week + 1)


def new_york_offset_h(day: int) -> int:
    """How far New York's noon of a day (counted from 1970) is from UTC: -4 in summer, -5 in winter."""
    year = _year_of(day)
    return -4 if _sunday(year, 3, 2) <= day < _sunday(year, 11, 1) else -5


def _sunday(year: int, month: int, count: int) -> int:
    """The day of the n-th Sunday of a month."""
    first = _day_of(year, month, 1)
    weekday = (first + _FIRST_WEEKDAY) % 7
    return first + (6 - weekday) % 7 + 7 * (count - 1)


def _day_of(year: int, month: int, day: int) -> int:
    """Days since 1970 of a date of the Gregorian calendar."""
    shifted = year - (month <= 2)
    era_years = shifted % 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    of_era = era_years * 365 + era_years // 4 - era_years // 100 + of_year
    return shifted // 400 * 146_097 + of_era - 719_468


def _year_of(day: int) -> int:
    year = 1970 + day // 366
    while _day_of(year + 1, 1, 1) <= day:
        year += 1
    return year


def _minute_of(text: str) -> int:
    hour, _, minute = text.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        raise ValueError(text)
    return int(hour) * 60 + int(minute)


def _beginning(halt: Halt) -> int:
    return halt.starts_at
