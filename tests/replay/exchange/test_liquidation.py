"""Liquidation: when what backs a position falls to its maintenance margin, the exchange closes it, at a price."""

from __future__ import annotations

from decimal import Decimal

from events.configuration import FeeSetting
from events.terms import Side
from replay.exchange.orders import Refusal, Status
from replay.exchange.rules import VenueRules
from tests.replay.exchange.market import Trader, change, snapshot, told, trade

#: Long 9 at 60,010 binds 1,350 (maintenance 900); with 1,360 of cash the price may fall by some 6,000.
RULES = VenueRules(
    start_cash=Decimal(1_360),
    fees=FeeSetting(maker_rate=Decimal(0), taker_rate=Decimal("0.001")),
    liquidation_rate=Decimal("0.01"),
)


def holder() -> Trader:
    one = Trader(rules=RULES).hear(snapshot(0), trade(1, 60_010))
    one.buy(9)
    return one


def fallen(one: Trader, price: int, size: int) -> Trader:
    """The market stands at `price` on both sides, `size` contracts deep."""
    return one.hear(snapshot(2, bids=((price, size),), asks=((price + 5, size),)), trade(3, price))


def test_a_position_that_is_backed_is_left_alone() -> None:
    one = fallen(holder(), 56_000, 100)
    assert (one.venue.holding.qty, one.venue.in_liquidation) == told(9, False)


def test_a_position_that_is_not_is_closed_by_an_order_of_the_exchange_with_its_fee() -> None:
    one = fallen(holder(), 53_000, 100)
    order = one.venue.ledger.orders[-1]
    assert told(order.is_liquidation, order.status, order.ticket.side, order.filled) == (
        True,
        Status.FILLED,
        Side.SELL,
        9,
    )
    assert order.fees == Decimal("0.011") * 9 * 530
    assert one.venue.holding.qty == 0
    assert one.venue.in_liquidation is False


def test_what_rests_is_cancelled_before_the_position_is_closed() -> None:
    one = holder()
    exit_order = one.sell(3, 61_000)
    one.venue.take_reports()
    fallen(one, 53_000, 100)
    assert exit_order.status is Status.CANCELLED
    assert one.venue.take_reports()[0].order_id == exit_order.order_id


def test_a_thin_book_is_sold_into_as_it_fills_and_no_order_is_taken_meanwhile() -> None:
    one = fallen(holder(), 53_000, 4)
    assert (one.venue.holding.qty, one.venue.in_liquidation) == told(5, True)
    refusal = one.venue.create(one.ticket(Side.SELL, 1, 53_100))
    assert isinstance(refusal, Refusal)
    assert told(refusal.new_order, refusal.preview) == ("IN_LIQUIDATION", "PREVIEW_IN_LIQUIDATION")
    one.hear(trade(4, 53_000))
    assert one.venue.holding.qty == 5
    one.hear(change(5, bids=[(52_995, 50)]))
    assert (one.venue.holding.qty, one.venue.in_liquidation) == told(0, False)
    assert all(order.is_liquidation for order in one.venue.ledger.orders[1:])


def test_a_short_is_liquidated_when_the_price_rises() -> None:
    one = Trader(rules=RULES).hear(snapshot(0), trade(1, 60_000))
    one.sell(7)
    one.hear(snapshot(2, bids=((75_000, 90),), asks=((75_005, 90),)), trade(3, 75_000))
    assert told(one.venue.holding.qty, one.venue.ledger.orders[-1].ticket.side) == (0, Side.BUY)


def test_a_limit_far_through_the_market_is_refused_where_the_exchange_has_a_band() -> None:
    one = Trader(rules=VenueRules(price_band=Decimal("0.1"))).hear(snapshot(0), trade(1, 60_010))
    for side, far, near in ((Side.BUY, 66_015, 66_010), (Side.SELL, 54_005, 54_010)):
        refusal = one.venue.create(one.ticket(side, 1, far))
        assert isinstance(refusal, Refusal)
        assert refusal.new_order == f"LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_{side.name}"
        assert one.venue.check(one.ticket(side, 1, near)) is None
