"""When products trade: New York's Fridays over the years, maintenance, and the roll that stops nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.configuration import HaltSetting
from events.record import AnyEvent, Record
from events.terms import NANOSECONDS
from projections.hours import Halt, Hours, new_york_offset_h, next_weekly, weekly_halt
from tests.streams.desk import HOUR, MINUTE, SECOND
from tests.streams.facts import BIP, listed, started

TEXT = "fri 17:00-18:00"
NEW_YORK = ZoneInfo("America/New_York")


def ns(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * NANOSECONDS  # type: ignore[arg-type,misc]  # parts of a date


@pytest.mark.parametrize(
    ("around", "starts"),
    [
        (ns(2026, 11, 4), ns(2026, 11, 6, 22)),  # winter: five hours behind
        (ns(2026, 7, 1), ns(2026, 7, 3, 21)),  # summer: four
        (ns(2026, 3, 6, 23), ns(2026, 3, 13, 21)),  # the halt of the 6th is over, summer begins on the 8th
        (ns(2026, 3, 6, 22, 59, 59), ns(2026, 3, 6, 22)),
        (ns(2024, 2, 29), ns(2024, 3, 1, 22)),
        (ns(2026, 12, 31), ns(2027, 1, 1, 22)),
    ],
)
def test_the_weekly_halt_is_friday_at_five_in_new_york(around: int, starts: int) -> None:
    halt = next_weekly(TEXT, around)
    assert (halt.starts_at, halt.ends_at) == (starts, starts + HOUR)
    assert halt.reason == "weekly halt (fri 17:00-18:00 in New York)"


@given(st.integers(ns(2007, 4, 1), ns(2037, 12, 1)))
def test_it_agrees_with_the_zone_of_the_machine_at_any_time(at: int) -> None:
    there = datetime.fromtimestamp(at // NANOSECONDS, tz=UTC).astimezone(NEW_YORK)
    assert next_weekly(TEXT, at).holds(at) is (there.weekday() == 4 and there.hour == 17)
    noon = there.replace(hour=12)
    days = (noon.date() - datetime(1970, 1, 1).date()).days  # noqa: DTZ001 - a date, no time
    offset = noon.utcoffset()
    assert offset is not None
    assert new_york_offset_h(days) * 3_600 == offset.total_seconds()


def sundays(year: int, month: int) -> list[date]:
    days = [date(year, month, day) for day in range(1, 31)]
    return [day for day in days if day.weekday() == 6]


@pytest.mark.parametrize("century", [1970, 2007, 2100, 2200, 2300, 2400])
def test_summer_is_from_the_second_sunday_of_march_to_the_first_of_november(century: int) -> None:
    for year in range(century, century + 60):
        first, last = sundays(year, 3)[1], sundays(year, 11)[0]
        edges = [date(year, 1, 1), date(year, 2, 28), date(year, 3, 1), date(year, 12, 31)]
        edges += [change + timedelta(days=off) for change in (first, last) for off in range(-8, 9)]
        for day in edges:
            expected = -4 if first <= day < last else -5
            assert new_york_offset_h(day.toordinal() - date(1970, 1, 1).toordinal()) == expected, day


def test_every_friday_of_sixty_years_halts_for_an_hour() -> None:
    at = ns(1990, 1, 1)
    for _ in range(60 * 52):
        halt = next_weekly(TEXT, at)
        there = datetime.fromtimestamp(halt.starts_at // NANOSECONDS, tz=UTC)
        assert (there.weekday(), there.hour in (21, 22), there.minute) == (4, True, 0)
        assert halt.ends_at == halt.starts_at + HOUR
        assert next_weekly(TEXT, halt.ends_at - 1) == halt
        assert next_weekly(TEXT, halt.ends_at).starts_at - halt.starts_at in [
            7 * 24 * HOUR + h * HOUR for h in (-1, 0, 1)
        ]
        at = halt.ends_at


@given(st.sampled_from(["mon 00:00-00:01", "sun 19:00-23:59", "sat 03:30-04:00"]), st.integers(0, 2**61))
def test_the_next_halt_is_never_over_and_never_a_week_and_an_hour_away(text: str, at: int) -> None:
    halt = next_weekly(text, at)
    assert halt.ends_at is not None
    assert at < halt.ends_at <= at + 7 * 24 * HOUR + HOUR


NO_HALTS = """
fri
friday 17:00-18:00
fri 17-18
fri 18:00-17:00
fri 17:00-17:00
fri 24:00-25:00
fri 17:00-24:00
fri 17:00-17:60
fri 1x:00-17:00
fri 17:00-18:0x
fri  17:00-18:00
17:00-18:00
fri 17:00-18:00-19:00
fri 17:00:00-18:00
"""


@pytest.mark.parametrize("text", ["", *NO_HALTS.splitlines()[1:]])
def test_what_is_no_weekly_halt_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        weekly_halt(text)
    assert refused.value.args


def test_a_weekly_halt_is_read_as_day_and_minutes() -> None:
    assert weekly_halt("mon 00:00-23:59") == (0, 0, 1_439)
    assert weekly_halt("sun 09:05-10:00") == (6, 545, 600)


def test_a_halt_holds_from_its_lead_to_its_end() -> None:
    halt = Halt(starts_at=100, ends_at=200, reason="")
    assert [halt.holds(at) for at in (99, 100, 199, 200)] == [False, True, True, False]
    assert [halt.holds(at, lead_ns=10) for at in (89, 90)] == [False, True]
    assert Halt(starts_at=100, ends_at=None, reason="").holds(10**30)


AT = ns(2026, 11, 4)


def hours(*events: AnyEvent, **changes: Any) -> Hours:
    found = Hours()
    for seq, event in enumerate((started(), msgspec.structs.replace(listed(), **changes), *events), 1):
        found.fold(Record(seq=seq, at=AT, by="test", event=event))
    return found


def test_maintenance_shuts_from_its_start_to_its_end() -> None:
    known = hours(maintenance_starts_at=AT, maintenance_ends_at=AT + HOUR)
    assert [known.is_shut(BIP, at) for at in (AT - 1, AT, AT + HOUR - 1, AT + HOUR)] == [False, True, True, False]
    near = known.halt_near(BIP, AT - 5 * MINUTE)
    assert near == Halt(starts_at=AT, ends_at=AT + HOUR, reason="maintenance")
    assert known.halt_near(BIP, AT - 5 * MINUTE - 1) is None
    assert known.halt_near(BIP, AT + HOUR) is None
    assert hours(maintenance_starts_at=AT).is_shut(BIP, AT + 999 * HOUR)
    assert not hours(maintenance_ends_at=AT + HOUR).is_shut(BIP, AT)


def test_a_session_that_closes_is_a_halt_from_then_on() -> None:
    known = hours(closes_at=AT)
    assert not known.is_shut(BIP, AT - 1)
    assert known.is_shut(BIP, AT)
    assert known.halt_near(BIP, AT) == Halt(starts_at=AT, ends_at=None, reason="the session closes")


def test_a_closed_session_is_shut_whatever_the_calendar_says() -> None:
    known = hours(session_open=False, exchange_at=AT - SECOND)
    assert known.is_shut(BIP, AT)
    assert known.halt_near(BIP, AT) == Halt(starts_at=AT - SECOND, ends_at=None, reason="the session is closed")


def test_of_two_halts_the_one_that_begins_first_is_named() -> None:
    known = hours(maintenance_starts_at=AT, maintenance_ends_at=AT + HOUR, closes_at=AT - SECOND)
    near = known.halt_near(BIP, AT)
    assert near is not None
    assert near.reason == "the session closes"


def test_of_a_product_that_was_never_listed_nothing_is_known() -> None:
    assert not hours().is_shut("?", AT)
    assert hours().halt_near("?", AT) is None


def test_the_lead_is_a_setting() -> None:
    known = hours(maintenance_starts_at=AT)
    known.setting = HaltSetting(lead_s=1)
    assert known.halt_near(BIP, AT - SECOND) is not None
    assert known.halt_near(BIP, AT - SECOND - 1) is None
