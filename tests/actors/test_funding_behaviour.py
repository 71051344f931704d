"""The funding keeper: every boundary once, as of the boundary, trued up by rate, fill and payment."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from actors.behaviours.funding import FundingBehaviour
from events.event import Event
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.market import MarkUpdated, MarkWentStale
from events.position import AdjustmentApplied, AdjustmentReversed
from events.session import ClockTicked
from events.terms import FundingStatus, MarkSource
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, ONE, D, bought, listed, rate, sold, started

TICK = ClockTicked()
#: The first boundary of these tests: one o'clock.
ONE_PM = MONDAY + 13 * HOUR
NOON = MONDAY + 12 * HOUR


def marked(price: str, at: int, *, product: str = BIP) -> MarkUpdated:
    return MarkUpdated(product=product, price=D(price), source=MarkSource.BOOK_AND_TRADE, exchange_at=at)


def paid(amount: str, through: int) -> FundingPaid:
    return FundingPaid(product=BIP, amount=D(amount), through=through, exchange_at=through)


def opened(qty: str = "2") -> Desk:
    """Noon: long (or short) by fills at 50,000, the mark at 50,000."""
    desk = Desk(FundingBehaviour(), at=NOON)
    desk.hear(started(), listed(), marked("50000", NOON))
    if D(qty):
        fill = bought(qty, "50000", at=NOON) if D(qty) > 0 else sold(str(-D(qty)), "50000", at=NOON)
        desk.hear(fill)
    return desk


def tick(desk: Desk, at: int) -> list[Event]:
    desk.at = at
    return desk.hear(TICK, by="clock")


def amounts(said: list[Event]) -> list[tuple[int, Decimal, FundingStatus]]:
    return [((a.boundary - NOON) // HOUR, a.amount, a.status) for a in of_kind(said, FundingAccrued)]


def test_a_long_pays_a_positive_rate() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    assert tick(desk, ONE_PM + 2 * SECOND) == [
        FundingAccrued(
            product=BIP,
            boundary=ONE_PM,
            qty=D(2),
            mark=D(50_000),
            mark_source=MarkSource.BOOK_AND_TRADE,
            rate=D("0.0001"),
            amount=D("-0.1"),
            status=FundingStatus.FINAL,
        )
    ]


@pytest.mark.parametrize(
    ("qty", "value", "amount"), [("-2", "0.0001", "0.1"), ("2", "-0.0001", "0.1"), ("-2", "-0.0003", "-0.3")]
)
def test_shorts_receive_what_longs_pay_and_a_negative_rate_turns_it_round(qty: str, value: str, amount: str) -> None:
    desk = opened(qty)
    desk.hear(rate(ONE_PM, value))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D(amount), FundingStatus.FINAL)]


def test_a_boundary_is_accrued_once() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    assert len(tick(desk, ONE_PM + 2 * SECOND)) == 1
    assert desk.hear(rate(ONE_PM, "0.0001")) == []
    assert tick(desk, ONE_PM + 3 * SECOND) == []


def test_two_ticks_in_one_turn_accrue_once() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    desk.at = ONE_PM + 2 * SECOND
    assert len(desk.hear(TICK, TICK)) == 1


def test_nothing_is_accrued_before_the_fills_of_the_hour_had_time_to_arrive() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    assert tick(desk, ONE_PM + SECOND) == []
    desk.hear(bought("1", "50000", at=ONE_PM))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.15"), FundingStatus.FINAL)]


def test_the_position_is_that_of_the_boundary() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    desk.at = ONE_PM + SECOND
    desk.hear(sold("2", "50000", at=ONE_PM + 1))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.1"), FundingStatus.FINAL)]


def test_the_mark_is_that_of_the_boundary() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    desk.at = ONE_PM + SECOND
    desk.hear(marked("60000", ONE_PM + 1), marked("55000", ONE_PM))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.11"), FundingStatus.FINAL)]


def test_a_position_opened_after_the_boundary_pays_nothing_for_it() -> None:
    desk = opened("0")
    desk.hear(rate(ONE_PM, "0.0001"))
    desk.at = ONE_PM + SECOND
    desk.hear(bought("2", "50000", at=ONE_PM + 1))
    assert tick(desk, ONE_PM + 2 * SECOND) == []


def test_a_rate_that_comes_after_the_hour_is_waited_for() -> None:
    desk = opened()
    assert tick(desk, ONE_PM + 2 * SECOND) == []
    desk.at = ONE_PM + 90 * SECOND
    assert amounts(desk.hear(rate(ONE_PM, "0.0001"), TICK)) == [(1, D("-0.1"), FundingStatus.FINAL)]


def test_after_ten_minutes_the_last_rate_serves_as_an_estimate_and_is_corrected_when_the_right_one_comes() -> None:
    desk = opened()
    desk.hear(rate(NOON, "0.0002"))
    assert tick(desk, ONE_PM + 2 * SECOND) == []
    assert tick(desk, ONE_PM + 601 * SECOND) == []
    assert amounts(tick(desk, ONE_PM + 602 * SECOND)) == [(1, D("-0.2"), FundingStatus.ESTIMATED)]
    assert desk.hear(rate(ONE_PM, "0.0001")) == [
        FundingCorrected(
            product=BIP,
            boundary=ONE_PM,
            before=D("-0.2"),
            after=D("-0.1"),
            reason="the rate of the boundary was published: 0.0001",
        )
    ]
    assert desk.hear(rate(ONE_PM, "0.0001")) == []


def test_an_estimate_that_was_right_becomes_final() -> None:
    desk = opened()
    desk.hear(rate(NOON, "0.0001"))
    tick(desk, ONE_PM + 2 * SECOND)
    tick(desk, ONE_PM + 602 * SECOND)
    (corrected,) = of_kind(desk.hear(rate(ONE_PM, "0.0001")), FundingCorrected)
    assert (corrected.before, corrected.after, corrected.status) == (D("-0.1"), D("-0.1"), FundingStatus.FINAL)


def test_without_any_rate_nothing_is_paid_and_said_so() -> None:
    desk = opened()
    tick(desk, ONE_PM + 2 * SECOND)
    assert amounts(tick(desk, ONE_PM + 602 * SECOND)) == [(1, D(0), FundingStatus.NO_RATE)]
    (corrected,) = of_kind(desk.hear(rate(ONE_PM, "0.0001")), FundingCorrected)
    assert corrected.after == D("-0.1")


def test_an_hour_in_which_the_market_was_shut_has_no_rate_whatever_the_last_one_was() -> None:
    desk = opened()
    desk.hear(rate(NOON, "0.0001"), listed(session_open=False))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D(0), FundingStatus.NO_RATE)]


def test_three_missed_boundaries_are_three_entries() -> None:
    desk = opened()
    for hour in (1, 2, 3):
        desk.hear(rate(NOON + hour * HOUR, f"0.000{hour}"))
    assert amounts(tick(desk, NOON + 3 * HOUR + MINUTE)) == [
        (1, D("-0.1"), FundingStatus.FINAL),
        (2, D("-0.2"), FundingStatus.FINAL),
        (3, D("-0.3"), FundingStatus.FINAL),
    ]


def test_hours_that_nobody_watched_are_estimated_for_their_mark() -> None:
    desk = opened()
    tick(desk, NOON + MINUTE)
    desk.at = NOON + 2 * HOUR + MINUTE
    desk.hear(started(session="s-2"), marked("60000", desk.at))
    said = desk.hear(rate(ONE_PM, "0.0001"), rate(NOON + 2 * HOUR, "0.0001"), TICK)
    assert amounts(said) == [
        (1, D("-0.1"), FundingStatus.ESTIMATED),
        (2, D("-0.1"), FundingStatus.ESTIMATED),
    ]


def test_a_stale_mark_makes_an_estimate() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"), MarkWentStale(product=BIP, age_ms=1, reason="lost"))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.1"), FundingStatus.ESTIMATED)]


def test_staleness_after_the_boundary_does_not_touch_it() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    desk.at = ONE_PM + SECOND
    desk.hear(MarkWentStale(product=BIP, age_ms=1, reason="lost"))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.1"), FundingStatus.FINAL)]


def test_without_any_mark_the_amount_is_not_known_and_stays_zero_until_paid() -> None:
    desk = Desk(FundingBehaviour(), at=NOON)
    desk.hear(started(), listed(), bought("2", "50000", at=NOON), rate(ONE_PM, "0.0001"))
    assert tick(desk, ONE_PM + 2 * SECOND) == []
    assert amounts(tick(desk, ONE_PM + 602 * SECOND)) == [(1, D(0), FundingStatus.ESTIMATED)]
    (corrected,) = of_kind(desk.hear(paid("-0.1", ONE_PM)), FundingCorrected)
    assert corrected.after == D("-0.1")


def accrued_once() -> Desk:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"))
    tick(desk, ONE_PM + 2 * SECOND)
    return desk


def test_a_fill_from_before_the_boundary_that_comes_late_corrects_it() -> None:
    desk = accrued_once()
    assert desk.hear(bought("1", "50000", at=ONE_PM)) == [
        FundingCorrected(
            product=BIP,
            boundary=ONE_PM,
            before=D("-0.1"),
            after=D("-0.15"),
            reason="a fill from before the boundary came late",
        )
    ]


def test_a_late_fill_on_an_estimated_boundary_keeps_to_its_estimate() -> None:
    desk = opened()
    desk.hear(rate(NOON, "0.0002"))
    tick(desk, ONE_PM + 2 * SECOND)
    tick(desk, ONE_PM + 602 * SECOND)
    desk.hear(rate(ONE_PM + HOUR, "0.0007"))
    (corrected,) = of_kind(desk.hear(bought("1", "50000", at=ONE_PM)), FundingCorrected)
    assert (corrected.before, corrected.after, corrected.status) == (D("-0.2"), D("-0.3"), FundingStatus.ESTIMATED)


def test_two_late_fills_in_one_turn_correct_one_after_the_other() -> None:
    desk = accrued_once()
    fills = bought("1", "50000", at=ONE_PM), sold("2", "50000", at=ONE_PM)
    corrected = of_kind(desk.hear(*fills), FundingCorrected)
    assert [(c.before, c.after) for c in corrected] == [(D("-0.1"), D("-0.15")), (D("-0.15"), D("-0.05"))]


def test_a_fill_after_the_boundary_corrects_nothing() -> None:
    assert accrued_once().hear(bought("1", "50000", at=ONE_PM + 1)) == []


def test_a_late_fill_that_shows_that_something_was_held_is_accrued() -> None:
    desk = opened("0")
    desk.hear(rate(ONE_PM, "0.0001"))
    assert tick(desk, ONE_PM + 15 * MINUTE) == []
    assert amounts(desk.hear(bought("1", "50000", at=ONE_PM), TICK)) == [(1, D("-0.05"), FundingStatus.FINAL)]


def test_a_late_fill_that_shows_that_nothing_was_held_takes_the_accrual_back() -> None:
    (corrected,) = of_kind(accrued_once().hear(sold("2", "50000", at=ONE_PM)), FundingCorrected)
    assert corrected.after == D(0)


def test_an_adjustment_holds_from_when_it_was_made_and_its_reversal_too() -> None:
    desk = opened("0")
    applied = AdjustmentApplied(
        adjustment="a-1", product=BIP, qty=D(2), price=D(50_000), value=D(1_000), evidence=(1, 2)
    )
    desk.at = NOON + 30 * MINUTE
    desk.hear(applied, rate(ONE_PM, "0.0001"))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.1"), FundingStatus.FINAL)]
    reversal = AdjustmentReversed(adjustment="a-1", product=BIP, qty=D(-2), price=D(50_000), value=D(-1_000))
    said = desk.hear(bought("2", "50000", at=NOON + MINUTE), reversal)
    assert [(c.before, c.after) for c in of_kind(said, FundingCorrected)] == [
        (D("-0.1"), D("-0.2")),
        (D("-0.2"), D("-0.1")),
    ]


def test_a_payment_of_what_was_accrued_changes_nothing() -> None:
    assert accrued_once().hear(paid("-0.1", ONE_PM)) == []


def test_a_payment_of_another_amount_corrects_the_last_boundary_it_covers() -> None:
    assert accrued_once().hear(paid("-0.12", ONE_PM)) == [
        FundingCorrected(
            product=BIP,
            boundary=ONE_PM,
            before=D("-0.1"),
            after=D("-0.12"),
            reason="the exchange paid -0.12 where -0.1 was accrued",
        )
    ]


def test_a_payment_delivered_twice_counts_once() -> None:
    desk = accrued_once()
    assert len(desk.hear(paid("-0.12", ONE_PM), paid("-0.12", ONE_PM))) == 1
    assert desk.hear(paid("-0.12", ONE_PM)) == []


def test_a_second_payment_for_the_same_boundaries_adds_to_the_first() -> None:
    desk = accrued_once()
    desk.hear(paid("-0.06", ONE_PM))
    rest = FundingPaid(product=BIP, amount=D("-0.04"), through=ONE_PM, exchange_at=ONE_PM + MINUTE)
    (corrected,) = of_kind(desk.hear(rest), FundingCorrected)
    assert (corrected.before, corrected.after) == (D("-0.06"), D("-0.1"))


def test_a_payment_accrues_what_still_waits_for_its_rate() -> None:
    desk = opened()
    desk.hear(rate(NOON, "0.0002"))
    tick(desk, ONE_PM + 2 * SECOND)
    accrued, corrected = desk.hear(paid("-0.1", ONE_PM))
    assert amounts([accrued]) == [(1, D("-0.2"), FundingStatus.ESTIMATED)]
    assert isinstance(corrected, FundingCorrected)
    assert (corrected.before, corrected.after) == (D("-0.2"), D("-0.1"))
    assert desk.hear(rate(ONE_PM, "0.0003")) == []


def test_what_is_paid_is_settled_for_good() -> None:
    desk = accrued_once()
    desk.hear(paid("-0.1", ONE_PM))
    assert desk.hear(bought("5", "50000", at=ONE_PM), rate(ONE_PM, "0.5")) == []


def test_a_payment_for_what_was_never_accrued_is_entered() -> None:
    desk = opened("0")
    assert desk.hear(paid("0.3", ONE_PM)) == [
        FundingCorrected(
            product=BIP,
            boundary=ONE_PM,
            before=D(0),
            after=D("0.3"),
            reason="the exchange paid 0.3 where 0 was accrued",
        )
    ]


def test_boundaries_after_the_payment_stay_receivable() -> None:
    desk = accrued_once()
    desk.hear(rate(ONE_PM + HOUR, "0.0001"))
    tick(desk, ONE_PM + HOUR + 2 * SECOND)
    assert desk.hear(paid("-0.1", ONE_PM)) == []
    assert desk.hear(paid("-0.1", ONE_PM + HOUR)) == []


def test_a_product_without_a_funding_interval_pays_none() -> None:
    desk = Desk(FundingBehaviour(), at=NOON)
    desk.hear(started(), listed(ONE, contract_size="1", funding_interval_s=None))
    desk.hear(marked("5", NOON, product=ONE), bought("1", "5", at=NOON, product=ONE, contract_size="1"))
    assert tick(desk, NOON + 3 * HOUR) == []


def test_a_product_that_pays_every_eight_hours_has_its_boundaries_at_0_8_and_16() -> None:
    desk = Desk(FundingBehaviour(), at=NOON)
    desk.hear(started(), listed(funding_interval_s=8 * 3_600), marked("50000", NOON), bought("1", "50000", at=NOON))
    desk.hear(rate(MONDAY + 16 * HOUR, "0.0001"))
    assert amounts(tick(desk, MONDAY + 17 * HOUR)) == [(4, D("-0.05"), FundingStatus.FINAL)]


def test_a_year_without_a_position_is_no_work() -> None:
    desk = opened("0")
    assert tick(desk, NOON + 9_000 * HOUR) == []
    assert len(desk.seats["funding"].snapshot()) < 20_000


def test_a_mark_of_a_product_never_listed_moves_nothing() -> None:
    desk = opened()
    desk.hear(rate(ONE_PM, "0.0001"), marked("5", NOON + 1, product="ETP"))
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.1"), FundingStatus.FINAL)]


def test_a_product_listed_without_contract_size_accrues_nothing() -> None:
    desk = Desk(FundingBehaviour(), at=NOON)
    desk.hear(started(), listed(contract_size=None), marked("5", NOON), bought("1", "5", at=NOON))
    assert tick(desk, NOON + 3 * HOUR) == []


def test_the_later_word_on_a_rate_counts_and_an_older_one_delivered_again_does_not() -> None:
    desk = opened()
    first = replace(rate(ONE_PM, "0.0001"), exchange_at=1)
    second = replace(rate(ONE_PM, "0.0002"), exchange_at=2)
    desk.hear(first, second, first)
    assert amounts(tick(desk, ONE_PM + 2 * SECOND)) == [(1, D("-0.2"), FundingStatus.FINAL)]
    assert desk.hear(first) == []
    third = replace(rate(ONE_PM, "0.0003"), exchange_at=3)
    (corrected,) = of_kind(desk.hear(third), FundingCorrected)
    assert corrected.after == D("-0.3")
