"""When the exchange settles."""

from __future__ import annotations

import pytest

from projections.settlements import last_settlement
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND

TIMES = ("04:00", "16:30")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (MONDAY + 4 * HOUR, MONDAY + 4 * HOUR),
        (MONDAY + 4 * HOUR - 1, MONDAY - 24 * HOUR + 16 * HOUR + 30 * MINUTE),
        (MONDAY + 16 * HOUR + 30 * MINUTE - 1, MONDAY + 4 * HOUR),
        (MONDAY + 23 * HOUR, MONDAY + 16 * HOUR + 30 * MINUTE),
    ],
)
def test_the_last_settlement_is_the_latest_of_its_times_that_has_come(at: int, expected: int) -> None:
    assert last_settlement(at, TIMES) == expected


def test_without_times_there_is_no_settlement() -> None:
    assert last_settlement(MONDAY, ()) == 0


def test_the_international_family_settles_every_five_minutes_besides() -> None:
    at = MONDAY + 7 * HOUR + 3 * MINUTE
    assert last_settlement(at, TIMES, every_five=True) == MONDAY + 7 * HOUR
    assert last_settlement(at + 2 * MINUTE, (), every_five=True) == at + 2 * MINUTE
    assert last_settlement(at + 2 * MINUTE - SECOND, (), every_five=True) == MONDAY + 7 * HOUR
