"""Matching, rule by rule: what is shown is taken once, a resting order waits its turn, nothing is ever generous."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.terms import OrderKind, Side
from projections.matching import Matching, Placement

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def showing(bids: dict[int, int], asks: dict[int, int], at: int = 1) -> Matching:
    matching = Matching(product="BIP")
    matching.market(snapshot(bids, asks, at=at))
    return matching


def snapshot(bids: dict[int, int], asks: dict[int, int], at: int = 1) -> BookSnapshotted:
    return BookSnapshotted(
        product="BIP",
        bids=tuple((D(p), D(s)) for p, s in sorted(bids.items(), reverse=True)),
        asks=tuple((D(p), D(s)) for p, s in sorted(asks.items())),
        exchange_at=at,
    )


def changed(
    matching: Matching, *, bids: dict[int, int] | None = None, asks: dict[int, int] | None = None, at: int
) -> None:
    event = BookChanged(
        product="BIP",
        bids=tuple((D(p), D(s)) for p, s in (bids or {}).items()),
        asks=tuple((D(p), D(s)) for p, s in (asks or {}).items()),
        exchange_at=at,
    )
    assert matching.market(event) == []


def quote(matching: Matching, bid: tuple[int, int], ask: tuple[int, int]) -> None:
    event = QuoteChanged(
        product="BIP", bid=D(bid[0]), bid_size=D(bid[1]), ask=D(ask[0]), ask_size=D(ask[1]), exchange_at=1
    )
    assert matching.market(event) == []


def place(
    matching: Matching,
    side: Side,
    qty: int,
    limit: int | None = None,
    kind: OrderKind | None = None,
    *,
    order: str = "o",
    at: int = 10,
    post_only: bool = False,
    expires_at: int | None = None,
) -> Placement:
    return matching.place(
        order,
        side=side,
        qty=D(qty),
        kind=kind or (OrderKind.MARKET_IOC if limit is None else OrderKind.LIMIT_IOC),
        limit_price=None if limit is None else D(limit),
        at=at,
        post_only=post_only,
        expires_at=expires_at,
    )


def traded(placement: Placement) -> list[tuple[int, int]]:
    """(quantity, price) in order."""
    return [(int(match.qty), int(match.price)) for match in placement.matches]


def printed(
    matching: Matching, price: int, size: int, aggressor: Side | None, at: int = 20
) -> list[tuple[str, int, int]]:
    """A trade: (order, quantity, price) of our fills."""
    event = TradePrinted(product="BIP", trade_id="t", price=D(price), size=D(size), aggressor=aggressor, exchange_at=at)
    return [(match.order, int(match.qty), int(match.price)) for match in matching.market(event)]


# Takers.


def test_a_market_order_walks_the_levels_and_pays_each_its_price() -> None:
    placement = place(showing({99: 5}, {101: 2, 102: 9}), BUY, 5)
    assert traded(placement) == [(2, 101), (3, 102)]
    assert placement.resting == placement.cancelled == 0
    assert not any(match.is_maker for match in placement.matches)


def test_a_seller_walks_the_bids_downwards() -> None:
    assert traded(place(showing({99: 2, 97: 9}, {101: 1}), SELL, 4)) == [(2, 99), (2, 97)]


def test_an_ioc_takes_better_prices_up_to_its_limit_and_the_rest_is_cancelled() -> None:
    placement = place(showing({}, {101: 2, 102: 2, 103: 9}), BUY, 9, 102)
    assert traded(placement) == [(2, 101), (2, 102)]
    assert placement.cancelled == 5


def test_an_ioc_that_meets_nobody_is_accepted_and_cancelled_whole() -> None:
    placement = place(showing({}, {101: 2}), BUY, 3, 100)
    assert placement.is_accepted
    assert traded(placement) == []
    assert placement.cancelled == 3


def test_a_market_order_into_an_empty_book_is_refused() -> None:
    assert place(showing({99: 5}, {}), BUY, 1).code == "INVALID_NO_LIQUIDITY"
    assert place(Matching(), SELL, 1).code == "INVALID_NO_LIQUIDITY"


def test_a_fill_or_kill_fills_whole_or_not_at_all() -> None:
    matching = showing({}, {101: 2, 102: 2})
    killed = place(matching, BUY, 5, 102, OrderKind.LIMIT_FOK)
    assert killed.is_accepted
    assert traded(killed) == []
    assert killed.cancelled == 5
    assert traded(place(matching, BUY, 4, 102, OrderKind.LIMIT_FOK)) == [(2, 101), (2, 102)]


def test_depth_is_consumed_once_until_the_market_names_that_level_again() -> None:
    matching = showing({}, {101: 2, 102: 3})
    assert traded(place(matching, BUY, 3)) == [(2, 101), (1, 102)]
    assert traded(place(matching, BUY, 9)) == [(2, 102)]
    changed(matching, asks={101: 1}, at=11)
    assert traded(place(matching, BUY, 9)) == [(1, 101)]
    matching.market(snapshot({}, {101: 2, 102: 3}, at=12))
    assert traded(place(matching, BUY, 9)) == [(2, 101), (3, 102)]


def test_a_quote_is_the_depth_where_no_book_is_known_and_says_nothing_new_while_it_stays_the_same() -> None:
    matching = Matching()
    quote(matching, (99, 4), (101, 2))
    assert traded(place(matching, BUY, 5)) == [(2, 101)]
    quote(matching, (99, 3), (101, 2))  # the bid changed, the ask did not
    assert place(matching, BUY, 1).code == "INVALID_NO_LIQUIDITY"
    quote(matching, (99, 3), (101, 1))
    assert traded(place(matching, BUY, 5)) == [(1, 101)]


def test_a_quote_adds_nothing_to_a_whole_book() -> None:
    matching = showing({}, {101: 2})
    place(matching, BUY, 2)
    quote(matching, (99, 3), (100, 7))
    assert place(matching, BUY, 1).code == "INVALID_NO_LIQUIDITY"


def test_nothing_can_be_taken_from_a_book_whose_feed_is_lost() -> None:
    matching = showing({99: 5}, {101: 5})
    matching.lose()
    assert place(matching, BUY, 1).code == "INVALID_NO_LIQUIDITY"


# Post-only, self-trade, kinds.


def test_a_post_only_order_that_would_take_is_refused_even_where_the_depth_is_already_ours() -> None:
    matching = showing({99: 5}, {101: 2})
    assert place(matching, BUY, 1, 101, OrderKind.LIMIT_GTC, post_only=True).code == "INVALID_LIMIT_PRICE_POST_ONLY"
    place(matching, BUY, 2)
    assert place(matching, BUY, 1, 101, OrderKind.LIMIT_GTC, post_only=True).code == "INVALID_LIMIT_PRICE_POST_ONLY"
    assert place(matching, BUY, 1, 100, OrderKind.LIMIT_GTC, post_only=True).resting == 1


def test_an_order_that_would_meet_our_own_is_refused() -> None:
    matching = showing({99: 5}, {101: 5})
    place(matching, SELL, 2, 103, OrderKind.LIMIT_GTC, order="ours")
    refused = place(matching, BUY, 1, 103)
    assert not refused.is_accepted
    assert "ours" in refused.message
    assert place(matching, BUY, 1, 102).is_accepted


def test_a_market_order_is_refused_only_if_it_would_reach_our_own() -> None:
    matching = showing({99: 5}, {101: 2, 102: 2, 104: 9})
    place(matching, SELL, 2, 103, OrderKind.LIMIT_GTC)
    assert not place(matching, BUY, 5).is_accepted  # the fifth contract stands at 104, behind ours
    assert traded(place(matching, BUY, 4)) == [(2, 101), (2, 102)]


def test_a_market_order_that_exhausts_the_book_would_meet_our_own() -> None:
    matching = showing({99: 5}, {101: 2})
    place(matching, SELL, 2, 103, OrderKind.LIMIT_GTC)
    assert not place(matching, BUY, 3).is_accepted


@pytest.mark.parametrize("kind", [OrderKind.STOP_LIMIT_GTC, OrderKind.TRIGGER_BRACKET_GTC, OrderKind.UNKNOWN])
def test_kinds_that_are_not_matched_here_are_refused_by_name(kind: OrderKind) -> None:
    assert place(showing({}, {101: 2}), BUY, 1, 101, kind).code == "UNSUPPORTED_ORDER_CONFIGURATION"


def test_a_limit_order_needs_its_limit() -> None:
    assert place(showing({}, {101: 2}), BUY, 1, None, OrderKind.LIMIT_GTC).code == "UNSUPPORTED_ORDER_CONFIGURATION"


# Makers.


def test_what_a_limit_order_cannot_take_rests_at_its_limit() -> None:
    matching = showing({99: 5}, {101: 2})
    placement = place(matching, BUY, 5, 101, OrderKind.LIMIT_GTC)
    assert traded(placement) == [(2, 101)]
    assert placement.resting == 3
    resting = matching.get("o")
    assert resting is not None
    assert resting.leaves == 3
    assert resting.price == 101


def test_a_resting_order_waits_for_the_size_shown_ahead_of_it_and_fills_at_its_limit() -> None:
    matching = showing({99: 5, 98: 7}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    assert printed(matching, 99, 4, SELL) == []
    assert printed(matching, 99, 3, SELL, at=21) == [("o", 2, 99)]
    assert printed(matching, 99, 9, SELL, at=22) == [("o", 1, 99)]
    assert matching.get("o") is None


def test_a_trade_through_its_price_fills_a_resting_order_by_no_more_than_it_traded() -> None:
    matching = showing({99: 50}, {101: 2})
    place(matching, BUY, 5, 99, OrderKind.LIMIT_GTC)
    assert printed(matching, 98, 2, SELL) == [("o", 2, 99)]
    assert printed(matching, 97, 9, BUY, at=21) == [("o", 3, 99)]


def test_a_sell_rests_and_fills_by_the_mirrored_rules() -> None:
    matching = showing({99: 5}, {101: 5})
    place(matching, SELL, 3, 101, OrderKind.LIMIT_GTC)
    assert printed(matching, 101, 6, BUY) == [("o", 1, 101)]
    assert printed(matching, 102, 1, BUY, at=21) == [("o", 1, 101)]
    assert printed(matching, 100, 9, SELL, at=22) == []


def test_a_trade_by_takers_of_its_own_side_at_its_price_does_not_reach_a_resting_order() -> None:
    matching = showing({98: 1}, {101: 5})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    assert printed(matching, 99, 5, BUY) == []
    assert printed(matching, 99, 5, None, at=21) == [("o", 3, 99)]


def test_a_trade_not_later_than_its_arrival_does_not_reach_a_resting_order() -> None:
    matching = showing({98: 1}, {101: 5})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC, at=10)
    assert printed(matching, 99, 5, SELL, at=10) == []
    assert printed(matching, 98, 5, SELL, at=9) == []
    assert printed(matching, 99, 1, SELL, at=11) == [("o", 1, 99)]


def test_the_queue_ahead_is_no_longer_than_what_is_still_shown() -> None:
    matching = showing({99: 9}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    changed(matching, bids={99: 2}, at=12)  # seven were cancelled
    assert printed(matching, 99, 3, SELL, at=13) == [("o", 1, 99)]


def test_a_book_of_the_trades_own_moment_does_not_move_the_queue_twice() -> None:
    matching = showing({99: 10}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    changed(matching, bids={99: 6}, at=12)  # the trade of four, told by the book first
    assert printed(matching, 99, 4, SELL, at=12) == []
    assert printed(matching, 99, 7, SELL, at=13) == [("o", 1, 99)]


def test_a_level_that_grows_again_puts_nobody_before_us() -> None:
    matching = showing({99: 5}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    changed(matching, bids={99: 50}, at=12)
    assert printed(matching, 99, 6, SELL, at=13) == [("o", 1, 99)]


def test_where_the_depth_is_not_known_only_trades_through_the_price_fill() -> None:
    matching = showing({99: 5}, {101: 2})
    place(matching, BUY, 3, 97, OrderKind.LIMIT_GTC)  # below all that is shown
    assert printed(matching, 97, 50, SELL) == []
    assert printed(matching, 96, 1, SELL, at=21) == [("o", 1, 97)]


def test_an_order_beyond_the_visible_depth_takes_its_place_when_its_level_comes_into_view() -> None:
    matching = showing({99: 5}, {101: 2})
    place(matching, BUY, 3, 97, OrderKind.LIMIT_GTC)
    changed(matching, bids={99: 0, 97: 4}, at=12)
    assert printed(matching, 97, 5, SELL, at=13) == [("o", 1, 97)]


def test_our_orders_share_a_trade_by_price_and_then_by_age() -> None:
    matching = showing({97: 2}, {101: 2})
    place(matching, BUY, 2, 98, OrderKind.LIMIT_GTC, order="second")
    place(matching, BUY, 2, 98, OrderKind.LIMIT_GTC, order="third")
    place(matching, BUY, 2, 99, OrderKind.LIMIT_GTC, order="first")
    place(matching, BUY, 2, 97, OrderKind.LIMIT_GTC, order="not reached")
    assert printed(matching, 98, 5, SELL) == [("first", 2, 99), ("second", 2, 98), ("third", 1, 98)]


def test_a_cancelled_order_leaves_its_leaves_and_fills_no_more() -> None:
    matching = showing({98: 1}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    printed(matching, 99, 1, SELL)
    assert matching.cancel("o") == 2
    assert matching.cancel("o") is None
    assert printed(matching, 90, 9, SELL, at=21) == []


def test_an_order_good_till_a_date_leaves_when_that_has_come() -> None:
    matching = showing({98: 1}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTD, expires_at=50)
    place(matching, SELL, 3, 105, OrderKind.LIMIT_GTC, order="stays")
    assert matching.expire(49) == []
    assert [resting.order for resting in matching.expire(50)] == ["o"]
    assert matching.get("o") is None
    assert matching.get("stays") is not None


def test_orders_outlive_a_lost_feed_and_fill_again_afterwards() -> None:
    matching = showing({98: 1}, {101: 2})
    place(matching, BUY, 3, 99, OrderKind.LIMIT_GTC)
    matching.lose()
    assert printed(matching, 98, 1, SELL) == [("o", 1, 99)]


# The mark.


def test_the_mark_is_the_median_of_best_bid_best_ask_and_last_trade() -> None:
    matching = showing({99: 1}, {103: 1})
    assert matching.mark() == 101
    printed(matching, 107, 1, BUY)
    assert matching.mark() == 103
    matching.lose()
    assert matching.mark() == 107
    assert Matching().mark() is None


def test_an_order_trades_with_what_is_shown_unless_it_is_said_to_be_post_only() -> None:
    matching = showing({100: 5}, {101: 5})
    taking = matching.preview("o", side=BUY, qty=D(2), kind=OrderKind.LIMIT_GTC, limit_price=D(101))
    assert taking.matched == D(2)
    placed = matching.place("o", side=BUY, qty=D(2), kind=OrderKind.LIMIT_GTC, limit_price=D(101), at=10)
    assert placed.matched == D(2)


def test_our_orders_stand_best_price_first_and_of_one_price_the_oldest_first() -> None:
    matching = showing({90: 5}, {110: 5})
    for order, price in (("one", 100), ("two", 98), ("three", 99), ("four", 100), ("five", 101)):
        matching.rest(order, side=BUY, price=D(price), leaves=D(1), at=10)
        matching.rest(f"s-{order}", side=SELL, price=D(209 - price), leaves=D(1), at=10)
    assert [resting.order for resting in matching.bids] == ["five", "one", "four", "three", "two"]
    assert [resting.order for resting in matching.asks] == ["s-five", "s-one", "s-four", "s-three", "s-two"]


@pytest.mark.parametrize(("last", "median"), [(90, 100), (101, 101), (110, 102)])
def test_the_mark_is_the_median_of_the_touch_and_the_last_trade(last: int, median: int) -> None:
    matching = showing({100: 5}, {102: 5})
    matching.market(TradePrinted(product="BIP", trade_id="t", price=D(last), size=D(1), aggressor=BUY, exchange_at=2))
    assert matching.mark() == median
