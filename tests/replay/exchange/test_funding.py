"""Funding and settlements: each boundary once, on what was held and marked as of it, paid in cash when cash settles."""

from __future__ import annotations

from decimal import Decimal

from events.configuration import FeeSetting
from events.money import ZERO
from events.terms import Side
from replay.exchange.rules import VenueRules
from tests.replay.exchange.market import HOUR, Trader, at, change, rate, snapshot, told, trade

FREE = VenueRules(fees=FeeSetting(maker_rate=ZERO, taker_rate=ZERO))


def holder(qty: int = 10) -> Trader:
    """Long `qty` from 14:00:01 on, at a mark of 60,010."""
    one = Trader(rules=FREE).hear(snapshot(0), trade(1, 60_010))
    if qty:
        one.buy(qty) if qty > 0 else one.sell(-qty)
    return one


def amounts(one: Trader) -> list[tuple[int, Decimal]]:
    return [(entry.boundary, entry.amount) for entry in one.venue.books.fundings]


def test_an_hour_pays_its_rate_on_what_is_held_at_its_end() -> None:
    one = holder().hear(rate(HOUR, HOUR, "0.0001"), trade(HOUR + 1, 60_010))
    assert amounts(one) == [(at(HOUR), Decimal("-0.6001"))]


def test_the_mark_is_that_of_the_boundary_with_all_that_happened_at_it() -> None:
    one = holder()
    one.hear(rate(HOUR, HOUR, "0.0001"), change(HOUR, bids=[(60_000, 0), (60_010, 0), (59_995, 0), (50_000, 1)]))
    one.hear(trade(HOUR, 50_000), snapshot(HOUR + 1, bids=((70_000, 1),), asks=((70_010, 1),)))
    assert amounts(one) == [(at(HOUR), Decimal("-0.5"))]


def test_a_fill_at_the_boundary_counts_and_one_after_it_does_not() -> None:
    one = holder(0)
    one.buy(4, 60_005)
    one.hear(rate(HOUR, HOUR, "0.0001"), trade(HOUR, 60_005, 1, Side.SELL), trade(HOUR + 1, 60_005, 3, Side.SELL))
    assert [entry.qty for entry in one.venue.books.fundings] == [1]


def test_a_rate_that_is_published_late_pays_on_what_was_held_then() -> None:
    one = holder().hear(trade(HOUR + 1, 60_010))
    one.sell(10)
    assert amounts(one) == []
    one.hear(rate(HOUR + 30, HOUR, "0.0001"))
    assert amounts(one) == [(at(HOUR), Decimal("-0.6001"))]


def test_an_hour_without_a_rate_pays_nothing() -> None:
    one = holder().hear(trade(2 * HOUR + 1, 60_010), rate(2 * HOUR + 2, 2 * HOUR, "0.0001"))
    assert [boundary for boundary, _ in amounts(one)] == [at(2 * HOUR)]


def test_three_hours_that_pass_at_once_are_three_entries() -> None:
    one = holder()
    one.hear(*(rate(2 + hour, hour * HOUR, "0.0001") for hour in (1, 2, 3)), trade(3 * HOUR + 1, 60_010))
    assert [boundary for boundary, _ in amounts(one)] == [at(HOUR), at(2 * HOUR), at(3 * HOUR)]


def test_a_rate_said_twice_pays_once() -> None:
    one = holder().hear(rate(HOUR, HOUR, "0.0001"), trade(HOUR + 1, 60_010), rate(HOUR + 2, HOUR, "0.0009"))
    assert amounts(one) == [(at(HOUR), Decimal("-0.6001"))]
    assert one.venue.funding.published is not None
    assert one.venue.funding.published.rate == Decimal("0.0001")


def test_who_is_flat_at_the_boundary_pays_nothing() -> None:
    one = holder()
    one.sell(10)
    assert amounts(one.hear(rate(HOUR, HOUR, "0.0001"), trade(HOUR + 1, 60_010))) == []


def test_shorts_get_what_longs_pay() -> None:
    long, short = (holder(qty).hear(rate(HOUR, HOUR, "0.0001"), trade(HOUR + 1, 60_010)) for qty in (10, -10))
    assert long.venue.books.funding_accrued == -short.venue.books.funding_accrued


def test_funding_becomes_cash_at_the_settlement_with_the_hour_that_ends_there() -> None:
    """14:00 is two hours before 16:00: the hours to 15:00 and 16:00 are paid at 16:00, the one to 17:00 is not."""
    one = holder()
    one.hear(*(rate(2 + hour, hour * HOUR, "0.0001") for hour in (1, 2, 3)), trade(HOUR + 1, 60_010))
    assert told(one.venue.books.funding_paid, one.venue.books.funding_accrued) == (0, Decimal("-0.6001"))
    one.hear(trade(3 * HOUR + 1, 60_010))
    assert one.venue.books.funding_paid == Decimal("-1.2002")
    assert one.venue.books.funding_accrued == Decimal("-0.6001")
    assert one.venue.books.settled_at == at(2 * HOUR)


def test_variation_margin_is_cash_after_the_settlement() -> None:
    one = holder().hear(trade(2 * HOUR - 1, 60_010), snapshot(2 * HOUR, bids=((61_000, 9),), asks=((61_010, 9),)))
    one.hear(trade(2 * HOUR, 61_000), trade(2 * HOUR + 1, 61_000))
    venue = one.venue
    assert venue.books.cash == 100_000 + 99
    assert venue.books.day_unrealized(venue.marks()) == 0
    assert venue.books.unrealized(venue.marks()) == 99
