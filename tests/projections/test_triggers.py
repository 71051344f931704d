"""Orders that wait for a price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.terms import Side
from projections.triggers import is_reached, stop_leg_limit


@pytest.mark.parametrize(("last", "up", "down"), [(99, False, True), (100, True, True), (101, True, False)])
def test_a_stop_triggers_at_its_price_and_past_it(last: int, up: bool, down: bool) -> None:
    stop = Decimal(100)
    assert is_reached(Decimal(last), stop, rises=True) is up
    assert is_reached(Decimal(last), stop, rises=False) is down


@pytest.mark.parametrize(
    ("side", "trigger", "limit"),
    [(Side.SELL, 60_000, 57_000), (Side.SELL, 60_005, 57_005), (Side.BUY, 60_000, 63_000), (Side.BUY, 60_005, 63_005)],
)
def test_a_brackets_stop_leg_goes_five_percent_through_and_no_further(side: Side, trigger: int, limit: int) -> None:
    found = stop_leg_limit(side, Decimal(trigger), Decimal(5))
    assert found == limit
    assert abs(found - trigger) <= Decimal("0.05") * trigger
