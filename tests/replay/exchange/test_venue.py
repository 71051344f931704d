"""The exchange without sockets: what becomes of orders, in which order, at which price, and what is said of it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.configuration import FeeSetting
from events.feeds import FeedGapFound
from events.terms import OrderKind, Side
from replay.exchange.orders import Refusal, Status
from replay.exchange.rules import VenueRules
from replay.exchange.venue import Venue
from tests.replay.exchange.market import BIP, START, Trader, at, change, quote, snapshot, told, trade

FREE = VenueRules(fees=FeeSetting(maker_rate=Decimal(0), taker_rate=Decimal(0)))


def trader(rules: VenueRules = FREE) -> Trader:
    return Trader(rules=rules).hear(snapshot(0), trade(1, 60_010))


def statuses(one: Trader) -> list[tuple[object, ...]]:
    return [told(r.ticket.client_order_id, r.status.value, r.filled) for r in one.venue.take_reports()]


def test_a_market_order_takes_the_levels_shown_and_is_reported_pending_then_filled() -> None:
    one = trader()
    order = one.buy(15)
    assert told(order.status, order.filled, order.fills) == (Status.FILLED, 15, 2)
    assert order.value == Decimal("0.01") * (10 * 60_010 + 5 * 60_015)
    assert statuses(one) == [("mine-1", "PENDING", 0), ("mine-1", "FILLED", 15)]


def test_depth_that_was_taken_is_gone_until_the_market_shows_it_anew() -> None:
    one = trader()
    one.buy(10)
    assert one.buy(1).average_price == 60_015
    one.hear(change(2, asks=[(60_010, 3)]))
    assert one.buy(1).average_price == 60_010


def test_an_immediate_order_that_finds_too_little_is_cancelled_with_what_it_filled() -> None:
    one = trader()
    order = one.order(one.ticket(Side.BUY, 25, 60_010, kind=OrderKind.LIMIT_IOC))
    assert told(order.status, order.filled, order.leaves) == (Status.CANCELLED, 10, 0)


@pytest.mark.parametrize("price", [None, 60_015])
def test_fill_or_kill_trades_all_or_nothing(price: int | None) -> None:
    one = trader()
    kind = OrderKind.MARKET_IOC if price is None else OrderKind.LIMIT_FOK
    killed = one.order(one.ticket(Side.BUY, 31, price, kind=kind, fill_or_kill=True))
    filled = one.order(one.ticket(Side.BUY, 30, price, kind=kind, fill_or_kill=True))
    assert told(killed.status, killed.filled) == (Status.CANCELLED, 0)
    assert told(filled.status, filled.filled) == (Status.FILLED, 30)


def test_a_resting_order_waits_behind_what_stood_there_and_fills_as_a_maker() -> None:
    one = trader(VenueRules(fees=FeeSetting(maker_rate=Decimal("0.0001"), taker_rate=Decimal("0.001"))))
    order = one.buy(4, 60_000)
    one.hear(trade(2, 60_000, 10, Side.SELL))
    assert told(order.status, order.filled) == (Status.OPEN, 0)
    one.hear(trade(3, 60_000, 3, Side.SELL))
    assert told(order.status, order.filled) == (Status.OPEN, 3)
    one.hear(trade(4, 59_990, 9, Side.SELL))
    assert told(order.status, order.filled, order.last_fill_at) == (Status.FILLED, 4, at(4))
    assert order.fees == Decimal("0.0001") * order.value
    assert [entry.is_maker for entry in one.venue.ledger.fills] == [True, True]


def test_reports_are_running_totals_one_for_each_change() -> None:
    one = trader()
    one.buy(4, 60_000)
    one.hear(trade(2, 60_000, 12, Side.SELL), trade(3, 59_990, 9, Side.SELL))
    assert statuses(one) == [
        ("mine-1", "PENDING", 0),
        ("mine-1", "OPEN", 0),
        ("mine-1", "OPEN", 2),
        ("mine-1", "FILLED", 4),
    ]


def test_a_fee_is_a_rate_on_notional_and_an_amount_for_each_contract() -> None:
    fees = FeeSetting(maker_rate=Decimal(0), taker_rate=Decimal("0.0008"), per_contract=Decimal("0.14"))
    order = trader(VenueRules(fees=fees)).buy(10)
    assert order.fees == Decimal("0.0008") * 6_001 + Decimal("1.4")


def test_post_only_is_refused_where_it_would_take() -> None:
    one = trader()
    refusal = one.venue.create(one.ticket(Side.BUY, 1, 60_010, post_only=True))
    assert isinstance(refusal, Refusal)
    assert refusal.new_order == "INVALID_LIMIT_PRICE_POST_ONLY"
    assert refusal.preview == "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"
    assert one.order(one.ticket(Side.BUY, 1, 60_005, post_only=True)).status is Status.OPEN


def test_a_refused_order_never_existed() -> None:
    one = trader()
    one.venue.create(one.ticket(Side.BUY, 1, 60_010, post_only=True))
    assert (one.venue.ledger.orders, list(one.venue.take_reports())) == ([], [])


def test_an_order_good_until_a_time_expires_after_what_happened_at_that_time() -> None:
    one = trader()
    order = one.order(one.ticket(Side.BUY, 2, 60_005, kind=OrderKind.LIMIT_GTD, ends_s=10))
    later = one.order(one.ticket(Side.BUY, 1, 60_005, kind=OrderKind.LIMIT_GTD, ends_s=20))
    one.hear(trade(10, 60_005, 1, Side.SELL))
    assert told(order.status, order.filled) == (Status.OPEN, 1)
    one.venue.advance(at(10) + 1)
    assert (order.status, later.status) == (Status.EXPIRED, Status.OPEN)
    one.hear(trade(12, 60_000, 9, Side.SELL))
    assert told(order.filled, later.status) == (1, Status.FILLED)


def test_a_cancelled_order_fills_no_more() -> None:
    one = trader()
    order = one.buy(2, 60_005)
    assert one.venue.cancel(order.order_id) == ""
    one.hear(trade(2, 60_000, 9, Side.SELL))
    assert told(order.status, order.filled) == (Status.CANCELLED, 0)


def test_what_cannot_be_cancelled_is_said_with_the_exchanges_reason() -> None:
    one = trader()
    filled, cancelled = one.buy(1), one.buy(1, 60_000)
    expired = one.order(one.ticket(Side.BUY, 1, 60_000, kind=OrderKind.LIMIT_GTD, ends_s=2))
    one.venue.cancel(cancelled.order_id)
    one.venue.advance(at(3))
    orders = ("nobody", filled.order_id, cancelled.order_id, expired.order_id)
    assert [one.venue.cancel(order_id) for order_id in orders] == [
        "UNKNOWN_CANCEL_ORDER",
        "ORDER_IS_FULLY_FILLED",
        "DUPLICATE_CANCEL_REQUEST",
        "NOT_ALLOWED_TO_CANCEL",
    ]


def test_a_used_client_id_gives_the_old_order_and_places_nothing() -> None:
    one = trader()
    ticket = one.ticket(Side.BUY, 1, 60_000)
    order = one.order(ticket)
    again = one.venue.create(ticket)
    assert again is order
    assert len(one.venue.ledger.orders) == 1


def test_a_used_client_id_is_refused_where_the_exchange_is_set_to() -> None:
    one = trader(VenueRules(refuse_used_client_ids=True))
    ticket = one.ticket(Side.BUY, 1, 60_000)
    one.order(ticket)
    refusal = one.venue.create(ticket)
    assert isinstance(refusal, Refusal)
    assert refusal.new_order == "DUPLICATE_CLIENT_ORDER_ID"


@pytest.mark.parametrize(
    ("qty", "price", "reason"),
    [
        ("0", "60000", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ("-1", "60000", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ("5001", "60000", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
        ("1.5", "60000", "PREVIEW_INVALID_SIZE_PRECISION"),
        ("1", "60001", "PREVIEW_INVALID_PRICE_PRECISION"),
        ("1000", "60000", "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES"),
    ],
)
def test_an_order_off_the_grid_or_over_the_means_is_refused_never_rounded(qty: str, price: str, reason: str) -> None:
    one = trader()
    ticket = one.ticket(Side.BUY, 1, 60_000)
    ticket = type(ticket)(
        client_order_id="x",
        product=ticket.product,
        side=ticket.side,
        configuration={},
        kind=ticket.kind,
        qty=Decimal(qty),
        limit_price=Decimal(price),
    )
    refusal = one.venue.create(ticket)
    assert isinstance(refusal, Refusal)
    assert refusal.preview == reason


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"trading_disabled": True}, "TRADING_DISABLED"),
        ({"cancel_only": True}, "UNTRADABLE_PRODUCT"),
        ({"session_open": False}, "INVALID_FCM_TRADING_SESSION"),
        ({"post_only": True}, "UNTRADABLE_PRODUCT"),
        ({"limit_only": True}, "UNTRADABLE_PRODUCT"),
    ],
)
def test_a_product_that_is_not_open_takes_no_order(flags: dict[str, bool], reason: str) -> None:
    one = trader()
    one.hear((at(2), msgspec.structs.replace(BIP, **flags)))
    refusal = one.venue.create(one.ticket(Side.BUY, 1))
    assert isinstance(refusal, Refusal)
    assert refusal.new_order == reason


def test_an_order_worth_less_than_the_product_asks_for_is_refused() -> None:
    one = Trader(rules=FREE, product=msgspec.structs.replace(BIP, min_notional=Decimal(1_500)))
    one.hear(snapshot(0), trade(1, 60_010))
    for ticket in (one.ticket(Side.BUY, 2), one.ticket(Side.BUY, 2, 60_000)):
        refusal = one.venue.create(ticket)
        assert isinstance(refusal, Refusal)
        assert refusal.preview == "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"
    assert one.buy(3).filled == 3


def test_an_order_cannot_outlive_its_contract() -> None:
    one = trader()
    assert BIP.contract_expiry is not None
    ends_s = (BIP.contract_expiry - START) / 1e9 + 60
    refusal = one.venue.create(one.ticket(Side.BUY, 1, 60_000, kind=OrderKind.LIMIT_GTD, ends_s=ends_s))
    assert isinstance(refusal, Refusal)
    assert refusal.new_order == "END_TIME_AFTER_CONTRACT_EXPIRATION"


def test_before_any_price_is_known_an_order_rests_and_is_backed_at_its_limit() -> None:
    one = Trader(rules=FREE)
    assert one.venue.mark() is None
    assert one.buy(1, 60_000).status is Status.OPEN
    assert isinstance(one.venue.create(one.ticket(Side.BUY, 700, 60_000)), Refusal)


def test_where_the_recording_has_a_gap_the_book_is_empty_and_the_mark_is_the_last_trade() -> None:
    one = trader()
    gap = FeedGapFound(feed="market", connection=1, last_seq=1, next_seq=3)
    seen = one.venue.hear(at(2), gap)
    assert seen == snapshot(2, bids=(), asks=())[1]
    assert one.venue.mark() == 60_010
    assert one.venue.hear(*change(3, bids=[(60_000, 5)])) is None
    assert isinstance(one.venue.create(one.ticket(Side.BUY, 1)), Refusal)
    one.hear(snapshot(4))
    assert one.buy(1).status is Status.FILLED


def test_a_market_order_into_an_empty_book_is_refused() -> None:
    one = Trader()
    refusal = one.venue.create(one.ticket(Side.BUY, 1))
    assert isinstance(refusal, Refusal)
    assert refusal.new_order == "INVALID_NO_LIQUIDITY"


def test_margin_is_asked_of_the_worst_side_by_overnight_rates() -> None:
    """A long contract binds 150, a short one 180. Long 10, 3 asked for and 9 offered: the longs are the worse side."""
    one = trader(VenueRules(start_cash=Decimal(2_000), fees=FREE.fees))
    one.buy(10)
    one.buy(3, 60_000)
    assert isinstance(one.venue.create(one.ticket(Side.BUY, 1, 60_000)), Refusal)
    assert one.sell(20, 60_100).status is Status.OPEN
    assert isinstance(one.venue.create(one.ticket(Side.SELL, 2, 60_100)), Refusal)


def test_margin_for_the_rest_of_the_means_is_given_to_the_contract() -> None:
    rules = VenueRules(start_cash=Decimal(1_500), fees=FREE.fees)
    one = trader(rules)
    assert isinstance(one.venue.create(one.ticket(Side.BUY, 10, 60_010)), Refusal)
    assert one.order(one.ticket(Side.BUY, 9, 60_010)).filled == 9


def test_a_position_without_means_left_can_still_be_reduced() -> None:
    one = trader(VenueRules(start_cash=Decimal(1_360), fees=FREE.fees))
    one.buy(9)
    one.hear(snapshot(2, bids=((55_000, 100),), asks=((55_010, 100),)), trade(3, 55_000))
    assert isinstance(one.venue.create(one.ticket(Side.BUY, 1)), Refusal)
    assert one.sell(9).status is Status.FILLED
    assert one.venue.holding.qty == 0


def test_intraday_rates_bind_only_who_asked_for_them_and_only_in_their_hours() -> None:
    """At 14:00 UTC it is nine in New York: a tenth is enough where the account has opted in."""
    cash = Decimal(700)
    standard = trader(VenueRules(start_cash=cash, fees=FREE.fees))
    opted_in = trader(VenueRules(start_cash=cash, fees=FREE.fees, intraday_margin=True))
    assert isinstance(standard.venue.create(standard.ticket(Side.BUY, 10)), Refusal)
    assert opted_in.buy(10).filled == 10


def test_closing_takes_the_other_side_for_no_more_than_is_held() -> None:
    one = trader()
    assert one.venue.closing_ticket("c", None) is None
    one.sell(4)
    some, most = one.venue.closing_ticket("c", Decimal(3)), one.venue.closing_ticket("c", Decimal(9))
    assert some is not None
    assert most is not None
    assert told(some.side, some.qty, most.qty) == (Side.BUY, 3, 4)


def test_a_tape_of_quotes_is_shown_as_a_book_of_one_level_a_side() -> None:
    one = Trader()
    one.hear(quote(0, (60_000, 5), (60_010, 5)))
    seen = one.venue.hear(*quote(1, (60_005, 7), (60_010, 4)))
    assert seen == change(1, bids=[(60_000, 0), (60_005, 7)], asks=[(60_010, 4)])[1]
    assert one.venue.hear(*quote(2, (60_005, 7), (60_010, 4))) is None
    assert one.buy(3).average_price == 60_010


def test_a_whole_book_does_not_hear_quotes() -> None:
    one = trader()
    assert one.venue.hear(*quote(2, (1, 1), (2, 2))) is None
    assert one.venue.mark() == 60_010


def test_the_mark_is_the_median_of_bid_ask_and_last_trade() -> None:
    one = Trader().hear(snapshot(0))
    assert one.venue.mark() == 60_005
    one.hear(trade(1, 60_500))
    assert one.venue.mark() == 60_010
    one.hear(snapshot(2, bids=()))
    assert one.venue.mark() == 60_500


def test_time_never_goes_back() -> None:
    venue = Venue(BIP, VenueRules(), now=START)
    venue.advance(START + 5)
    venue.advance(START + 1)
    assert venue.now == START + 5


def test_a_product_without_contract_size_cannot_be_traded() -> None:
    with pytest.raises(ValueError, match="no contract size"):
        Venue(msgspec.structs.replace(BIP, contract_size=None), VenueRules(), now=START)
