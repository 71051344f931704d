"""Times exact to the nanosecond, numbers exact to the digit, and nothing read from what is neither."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.connection.amounts import amount_of, instant_of, nanoseconds_of, rfc3339
from events.terms import NANOSECONDS

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2261, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))


@given(MOMENTS, st.integers(0, 9), st.integers(0, NANOSECONDS - 1))
def test_every_number_of_digits_gives_its_exact_nanosecond(moment: datetime, digits: int, fraction: int) -> None:
    shown = f"{fraction:09d}"[:digits]
    text = f"{moment:%Y-%m-%dT%H:%M:%S}" + (f".{shown}" if digits else "") + "Z"
    expected = int(moment.timestamp()) * NANOSECONDS + int(shown.ljust(9, "0"))
    assert nanoseconds_of(text) == expected
    assert nanoseconds_of(text) == expected, "the second time the second is remembered"


@pytest.mark.parametrize("zone", ["+02:00", "-05:30", "+00:00"])
def test_a_time_of_another_zone_is_the_same_moment(zone: str) -> None:
    text = f"2026-04-07T14:30:03.5{zone}"
    assert nanoseconds_of(text) == int(datetime.fromisoformat(text).timestamp() * 10) * 10**8


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "yesterday",
        "2026-04-07",
        "2026-04-07T14:30:03",
        "2026-04-07T14:30:03.Z",
        "2026-04-07T14:30:03.1234567890Z",
        "2026-04-07 14:30:03.123Z",
        "2026-02-30T14:30:03Z",
        "2026-04-07T25:30:03Z",
        "2026-04-07T14:30:03.12²Z",
        "2026-04-07T14:30:03.123456789",
        "2026-04-07 14:30:03.000409 +0000 UTC m=+139651.272674714",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|invalid literal"):
        nanoseconds_of(text)


def test_a_time_that_is_not_set_is_none() -> None:
    assert [instant_of(each) for each in (None, "", "0001-01-01T00:00:00Z")] == [None, None, None]


@given(st.integers(0, 9_000_000_000).map(lambda micros: micros * 1_000_000))
def test_what_we_ask_for_is_read_back_as_the_same_microsecond(at: int) -> None:
    assert nanoseconds_of(rfc3339(at)) == at


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_a_decimal_keeps_every_digit_it_came_with(amount: Decimal) -> None:
    read = amount_of(str(amount))
    assert read is not None
    assert str(read) == str(amount)


@pytest.mark.parametrize("value", [True, [], "1,5", " ", "1e50", "nan", object()])
def test_what_is_no_decimal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="Expected a decimal"):
        amount_of(value)
