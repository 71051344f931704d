"""Funding by the seed's calls: the right rule for each fault of the older calculator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.brokerage import FundingCalculator

D = Decimal
TWO = datetime(2026, 3, 2, 14, tzinfo=UTC)
RATE = D("0.0001")


def hour(hours: float) -> datetime:
    return TWO + timedelta(hours=hours)


class Calls:
    """Calls about one product; `next` is the boundary that the exchange names, an hour ahead unless told."""

    def __init__(self) -> None:
        self.calculator = FundingCalculator()

    def at(
        self,
        now: float,
        *,
        qty: str = "1",
        side: str = "long",
        mark: int | None = 50_000,
        rate: Decimal | None = RATE,
        due: float | None = None,
        opened: float | None = None,
        size: str = "1",
    ) -> Decimal:
        return self.calculator.accrue_if_due(
            "BTC-PERP",
            D(qty),
            side,
            None if mark is None else D(mark),
            rate,
            hour(now // 1 + 1 if due is None else due),
            hour(now),
            opened_at=None if opened is None else hour(opened),
            contract_size=D(size),
        )


@pytest.mark.parametrize(("side", "amount"), [("long", D(-5)), ("short", D(5))])
def test_at_a_positive_rate_longs_pay_and_shorts_receive_once(side: str, amount: Decimal) -> None:
    calls = Calls()
    assert calls.at(0.5, side=side) == 0
    assert calls.at(1, side=side) == amount
    assert calls.at(1.1, side=side) == 0


def test_a_position_opened_before_its_first_boundary_pays_it() -> None:
    assert Calls().at(1.1, opened=0.5, due=1) == D(-5)


def test_a_position_pays_no_boundary_from_before_it_was_opened() -> None:
    assert Calls().at(1.1, due=1) == 0
    assert Calls().at(1.1, opened=1, due=1) == 0


def test_an_exchange_that_always_names_a_time_ahead_still_accrues() -> None:
    calls = Calls()
    assert [calls.at(each / 2) for each in range(1, 7)] == [0, D(-5), 0, D(-5), 0, D(-5)]


def test_missed_hours_are_accrued_one_by_one() -> None:
    calls = Calls()
    calls.at(0.5)
    assert calls.at(3.5) == D(-15)


def test_what_was_held_and_its_mark_are_those_of_the_boundary() -> None:
    calls = Calls()
    calls.at(0.5, qty="2", mark=40_000)
    assert calls.at(1.1, qty="7", mark=90_000) == D(-8)
    calls.at(1.2, qty="0")
    assert calls.at(2.5, qty="3") == 0


def test_contract_size_counts() -> None:
    calls = Calls()
    calls.at(0.5, size="0.01")
    assert calls.at(1, size="0.01") == D("-0.05")


def test_without_a_rate_nothing_is_accrued_and_one_warning_is_given(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    assert [calls.at(each, rate=None) for each in (0.5, 1, 1.5)] == [0, 0, 0]
    assert len(caplog.records) == 1


def test_without_a_mark_at_the_boundary_nothing_is_accrued_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    assert [calls.at(each, mark=None) for each in (0.5, 1)] == [0, 0]
    assert len(caplog.records) == 1


def test_a_time_that_goes_back_or_has_no_zone_is_refused() -> None:
    calls = Calls()
    calls.at(2.5)
    with pytest.raises(ValueError, match="before the last boundary"):
        calls.at(0.5)
    with pytest.raises(ValueError, match="no time zone"):
        calls.calculator.accrue_if_due("X", D(1), "long", D(1), RATE, None, TWO.replace(tzinfo=None))
