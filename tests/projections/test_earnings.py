"""What orders and days have earned: each record handed out once, to the account's sums."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given

from events.funding import FundingAccrued, FundingCorrected
from events.money import ZERO, use_exact_arithmetic
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import AnyEvent, Record
from events.terms import FundingStatus, MarkSource, Side
from projections import earnings
from projections.earnings import ADJUSTMENTS, EARLIER, DayEarned, Earnings, OrderEarned
from projections.portfolio import Portfolio
from tests.laws.test_ledger_identity import everybody
from tests.streams.desk import HOUR, MONDAY, Turn
from tests.streams.facts import BIP, D, filled, listed, started
from tests.streams.ledger import ledgers

DAY = 24 * HOUR


def folded(*happened: tuple[int, AnyEvent]) -> Earnings:
    use_exact_arithmetic()
    earned = Earnings()
    begun: list[tuple[int, AnyEvent]] = [(MONDAY, started()), (MONDAY, listed())]
    for seq, (at, event) in enumerate([*begun, *happened], 1):
        earned.fold(Record(seq=seq, at=at, by="any", event=event))
    return earned


def accrued(amount: str, *, boundary: int = MONDAY + HOUR) -> FundingAccrued:
    return FundingAccrued(
        product=BIP,
        boundary=boundary,
        qty=D(1),
        mark=D(50_000),
        mark_source=MarkSource.MID,
        rate=D("0.0001"),
        amount=D(amount),
        status=FundingStatus.FINAL,
    )


BOUGHT = filled(Side.BUY, "4", "50000", at=MONDAY, fee="1", order="in")
SOLD = filled(Side.SELL, "1", "51000", at=MONDAY + HOUR, fee="0.3", order="out")


def test_an_order_has_its_own_gain_and_fees() -> None:
    earned = folded((MONDAY, BOUGHT), (MONDAY, SOLD), (MONDAY, SOLD))
    assert earned.orders["in"].realized == 0
    assert earned.orders["in"].fees == 1
    assert earned.orders["out"] == OrderEarned(
        order="out", strategy="baseline", product=BIP, qty=D(2), value=D(1_020), realized=D(20), fees=D("0.6")
    )


def test_a_day_is_ours_and_holds_what_became_certain_in_it() -> None:
    earned = folded((MONDAY, BOUGHT), (MONDAY + HOUR, SOLD), (MONDAY + HOUR, accrued("-0.2")), (MONDAY + DAY, SOLD))
    assert earned.on(MONDAY + 5) == {BIP: DayEarned(realized=D(10), fees=D("1.3"), funding=D("-0.2"))}
    assert earned.on(MONDAY)[BIP].net == D("8.5")
    assert earned.on(MONDAY + DAY) == {BIP: DayEarned(realized=D(10), fees=D("0.3"))}
    assert earned.on(MONDAY + 2 * DAY) == {}


def test_what_is_late_counts_in_the_day_it_came() -> None:
    late = FundingCorrected(product=BIP, boundary=MONDAY + HOUR, before=D("-0.2"), after=D("-0.5"), reason="late")
    earned = folded((MONDAY, accrued("-0.2")), (MONDAY + DAY, late))
    assert earned.on(MONDAY)[BIP].funding == D("-0.2")
    assert earned.on(MONDAY + DAY)[BIP].funding == D("-0.3")


def test_an_adjustment_belongs_to_no_order_and_takes_its_gain_back() -> None:
    applied = AdjustmentApplied(adjustment="a", product=BIP, qty=D(-1), price=D(51_000), value=D(-510), evidence=(1, 2))
    back = AdjustmentReversed(adjustment="a", product=BIP, qty=D(1), price=D(51_000), value=D(510))
    assert folded((MONDAY, BOUGHT), (MONDAY, applied)).orders[ADJUSTMENTS].realized == 10
    assert folded((MONDAY, BOUGHT), (MONDAY, applied), (MONDAY, back)).orders[ADJUSTMENTS].realized == 0


def test_orders_and_days_that_are_kept_no_more_live_in_their_sums() -> None:
    many = earnings.KEPT_ORDERS + 5
    fills = [
        (MONDAY + n * DAY, filled(Side.BUY, "1", "50000", at=MONDAY, fee="1", order=f"o-{n}")) for n in range(many)
    ]
    earned = folded(*fills)
    assert len(earned.orders) == earnings.KEPT_ORDERS + 1
    assert sum(order.fees for order in earned.orders.values()) == many
    assert earned.orders[EARLIER].fees == 5
    assert len(earned.days) == earnings.KEPT_DAYS + 1
    assert sum(day.fees for products in earned.days.values() for day in products.values()) == many


def test_the_sum_of_orders_kept_no_more_holds_all_that_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earnings, "KEPT_ORDERS", 2)
    sold = [filled(Side.SELL, "1", "51000", at=MONDAY, fee="0.3", order=f"out-{n}") for n in range(4)]
    earned = folded((MONDAY, BOUGHT), *((MONDAY, one) for one in sold))
    assert earned.orders[EARLIER] == OrderEarned(order=EARLIER, qty=D(6), value=D(3_020), realized=D(20), fees=D("1.6"))


def test_the_sum_of_days_kept_no_more_holds_all_that_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earnings, "KEPT_DAYS", 1)
    days = [(MONDAY + n * DAY, event) for n in range(3) for event in (SOLD, accrued("-0.2", boundary=MONDAY + n * DAY))]
    earned = folded((MONDAY, BOUGHT), *days, (MONDAY + 3 * DAY, SOLD))
    assert earned.days[EARLIER] == {BIP: DayEarned(realized=D(30), fees=D("1.9"), funding=D("-0.6"))}


def test_a_day_is_not_let_go_because_another_trades_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earnings, "KEPT_DAYS", 2)
    earned = folded((MONDAY, BOUGHT), *((MONDAY + n * DAY, SOLD) for n in (1, 2, 2)))
    assert earned.on(MONDAY + DAY) == {BIP: DayEarned(realized=D(10), fees=D("0.3"))}


@given(ledgers())
def test_orders_and_days_each_add_up_to_the_account(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    desk, portfolio, earned = everybody(), Portfolio(), Earnings()
    desk.take_all(turns)
    for record in desk.log:
        portfolio.fold(record)
        earned.fold(record)
    days = [day for products in earned.days.values() for day in products.values()]
    for parts in (list(earned.orders.values()), days):
        assert _sum(part.realized for part in parts) == portfolio.realized
        assert _sum(part.fees for part in parts) == portfolio.fees
    assert _sum(day.funding for day in days) == portfolio.funding


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
