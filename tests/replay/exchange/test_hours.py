"""The calendar: boundaries of funding, settlements, and New York's margin window through both changes of the clock."""

from __future__ import annotations

import pytest

from events.terms import MarginWindow
from replay.exchange.hours import is_friday_halt, margin_window, minutes_of, next_boundary, next_settlement
from replay.exchange.times import nanoseconds_of, rfc3339

TWICE_A_DAY = minutes_of(("16:00", "04:00"))


@pytest.mark.parametrize(
    ("now", "interval_s", "boundary"),
    [
        ("2026-03-02T14:00:00Z", 3_600, "2026-03-02T14:00:00Z"),
        ("2026-03-02T14:00:00.000000001Z", 3_600, "2026-03-02T15:00:00Z"),
        ("2024-08-08T23:54:16Z", 28_800, "2024-08-09T00:00:00Z"),
    ],
)
def test_funding_falls_due_at_whole_multiples_of_the_interval(now: str, interval_s: int, boundary: str) -> None:
    assert rfc3339(next_boundary(nanoseconds_of(now), interval_s)) == boundary


@pytest.mark.parametrize(
    ("now", "settles"),
    [
        ("2026-03-02T03:59:59Z", "2026-03-02T04:00:00Z"),
        ("2026-03-02T04:00:00Z", "2026-03-02T04:00:00Z"),
        ("2026-03-02T04:00:00.5Z", "2026-03-02T16:00:00Z"),
        ("2026-03-02T16:00:01Z", "2026-03-03T04:00:00Z"),
    ],
)
def test_cash_settles_at_its_times_of_the_day(now: str, settles: str) -> None:
    found = next_settlement(nanoseconds_of(now), TWICE_A_DAY)
    assert found is not None
    assert rfc3339(found) == settles


def test_an_exchange_may_never_settle() -> None:
    assert next_settlement(0, ()) is None


@pytest.mark.parametrize("text", ["4", "25:00", "04:60", "-1:00", "04:00Z", ""])
def test_a_settlement_time_that_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time of day"):
        minutes_of((text,))


@pytest.mark.parametrize(
    ("now", "window", "ends"),
    [
        ("2026-03-02T12:59:59Z", MarginWindow.OVERNIGHT, "2026-03-02T13:00:00Z"),  # Monday, winter: UTC-5
        ("2026-03-02T13:00:00Z", MarginWindow.INTRADAY, "2026-03-02T21:00:00Z"),
        ("2026-03-02T21:00:00Z", MarginWindow.OVERNIGHT, "2026-03-03T13:00:00Z"),
        ("2026-03-06T21:00:00Z", MarginWindow.OVERNIGHT, "2026-03-09T12:00:00Z"),  # over the change to summer: UTC-4
        ("2026-07-01T12:00:00Z", MarginWindow.INTRADAY, "2026-07-01T20:00:00Z"),
        ("2026-10-30T20:00:00Z", MarginWindow.OVERNIGHT, "2026-11-02T13:00:00Z"),  # and back
        ("2026-03-03T02:00:00Z", MarginWindow.OVERNIGHT, "2026-03-03T13:00:00Z"),  # still Monday evening there
    ],
)
def test_intraday_margin_holds_from_eight_to_four_in_new_york_on_weekdays(
    now: str, window: MarginWindow, ends: str
) -> None:
    found, ends_at = margin_window(nanoseconds_of(now))
    assert (found, rfc3339(ends_at)) == (window, ends)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2026-04-07T14:30:03.123456789Z", "2026-04-07T14:30:03.123456789Z"),
        ("2026-04-07T14:30:03.5Z", "2026-04-07T14:30:03.500000Z"),
        ("2026-04-07T16:30:03+02:00", "2026-04-07T14:30:03Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
    ],
)
def test_times_keep_their_nanoseconds(text: str, printed: str) -> None:
    assert rfc3339(nanoseconds_of(text)) == printed


@pytest.mark.parametrize("text", ["", "yesterday", "2026-04-07", "2026-04-07T14:30:03", "1775520000"])
def test_a_time_without_its_zone_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not an RFC 3339 time"):
        nanoseconds_of(text)


@pytest.mark.parametrize(
    ("now", "is_halt"),
    [
        ("2026-03-06T21:59:59.999999999Z", False),
        ("2026-03-06T22:00:00Z", True),
        ("2026-03-06T22:59:59Z", True),
        ("2026-03-06T23:00:00Z", False),
        ("2026-03-13T21:00:00Z", True),
        ("2026-03-13T22:00:00Z", False),
        ("2026-03-05T22:30:00Z", False),
    ],
)
def test_futures_pause_on_fridays_at_five_in_new_york_in_winter_and_summer(now: str, *, is_halt: bool) -> None:
    assert is_friday_halt(nanoseconds_of(now)) is is_halt
