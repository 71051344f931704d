"""What an order could take right now: the shown book less what our own orders took of levels not named anew."""

from __future__ import annotations

from decimal import Decimal

from events.market import BookChanged, BookSnapshotted, QuoteChanged
from events.terms import Level, Side
from projections.liquidity import Liquidity

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    return tuple((D(price), D(size)) for price, size in pairs)


BIDS, ASKS = levels((99, 5), (98, 7)), levels((101, 3), (102, 4))


def snapshot() -> BookSnapshotted:
    return BookSnapshotted(product="BIP", bids=BIDS, asks=ASKS, exchange_at=1)


def changed(bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = ()) -> BookChanged:
    return BookChanged(product="BIP", bids=bids, asks=asks, exchange_at=2)


def quote(bid: int, bid_size: int, ask: int, ask_size: int) -> QuoteChanged:
    return QuoteChanged(
        product="BIP", bid=D(bid), bid_size=D(bid_size), ask=D(ask), ask_size=D(ask_size), exchange_at=1
    )


def shown() -> Liquidity:
    liquidity = Liquidity()
    liquidity.hear(snapshot())
    return liquidity


def taken() -> Liquidity:
    """Of each side the best level is taken whole, and 1 of the second."""
    liquidity = shown()
    liquidity.take(BUY, D(4), limit_price=None)
    liquidity.take(SELL, D(6), limit_price=None)
    return liquidity


def test_an_order_takes_the_best_levels_first_and_no_worse_than_its_limit() -> None:
    assert shown().walk(BUY, D(5), limit_price=None) == (list(levels((101, 3), (102, 2))), D(0))
    assert shown().walk(BUY, D(5), limit_price=D(101)) == (list(levels((101, 3))), D(2))
    assert shown().walk(SELL, D(20), limit_price=None) == (list(levels((99, 5), (98, 7))), D(8))
    assert shown().walk(SELL, D(6), limit_price=D(99)) == (list(levels((99, 5))), D(1))
    assert shown().walk(SELL, D(0), limit_price=None) == ([], D(0))


def test_what_was_taken_is_not_there_again_though_it_is_still_shown() -> None:
    liquidity = taken()
    assert liquidity.walk(BUY, D(9), limit_price=None) == (list(levels((102, 3))), D(6))
    assert liquidity.walk(SELL, D(9), limit_price=None) == (list(levels((98, 6))), D(3))
    liquidity.take(BUY, D(1), limit_price=D(102))
    assert liquidity.walk(BUY, D(9), limit_price=None) == (list(levels((102, 2))), D(7))


def test_a_take_stops_at_the_limit() -> None:
    liquidity = shown()
    liquidity.take(BUY, D(5), limit_price=D(101))
    liquidity.take(SELL, D(7), limit_price=D(99))
    assert liquidity.taken_asks == list(levels((101, 3)))
    assert liquidity.taken_bids == list(levels((99, 5)))


def test_a_level_named_anew_is_there_again_and_no_other() -> None:
    liquidity = taken()
    liquidity.hear(changed(asks=levels((101, 2))))
    assert liquidity.walk(BUY, D(9), limit_price=None) == (list(levels((101, 2), (102, 3))), D(4))
    assert liquidity.taken_bids == list(levels((99, 5), (98, 1)))
    liquidity.hear(changed(bids=levels((98, 9))))
    assert liquidity.walk(SELL, D(20), limit_price=None) == (list(levels((98, 9))), D(11))
    assert liquidity.taken_asks == list(levels((102, 1)))


def test_a_snapshot_names_every_level_anew() -> None:
    liquidity = taken()
    liquidity.hear(snapshot())
    assert (liquidity.taken_bids, liquidity.taken_asks) == ([], [])
    assert liquidity.walk(BUY, D(5), limit_price=None)[1] == 0


def test_what_was_taken_of_one_side_alone_is_given_back_too() -> None:
    for side in (BUY, SELL):
        liquidity = shown()
        liquidity.take(side, D(2), limit_price=None)
        liquidity.hear(snapshot())
        assert (liquidity.taken_bids, liquidity.taken_asks) == ([], [])


def test_a_whole_book_is_told_nothing_by_a_quote() -> None:
    liquidity = taken()
    liquidity.hear(quote(90, 1, 110, 1))
    assert liquidity.walk(BUY, D(9), limit_price=None) == (list(levels((102, 3))), D(6))


def test_a_quote_gives_back_the_side_on_which_it_differs() -> None:
    liquidity = Liquidity()
    liquidity.hear(quote(99, 5, 101, 3))
    liquidity.take(BUY, D(3), limit_price=None)
    liquidity.take(SELL, D(5), limit_price=None)
    liquidity.hear(quote(99, 5, 101, 3))
    assert [liquidity.walk(side, D(1), limit_price=None)[1] for side in (BUY, SELL)] == [1, 1]
    liquidity.hear(quote(99, 5, 101, 4))
    assert [liquidity.walk(side, D(1), limit_price=None)[1] for side in (BUY, SELL)] == [0, 1]
    liquidity.hear(quote(99, 6, 101, 4))
    assert [liquidity.walk(side, D(1), limit_price=None)[1] for side in (BUY, SELL)] == [0, 0]


def test_an_order_meets_the_other_side_from_its_best_price_on() -> None:
    assert [shown().is_crossed_by(BUY, D(price)) for price in (100, 101, 102)] == [False, True, True]
    assert [shown().is_crossed_by(SELL, D(price)) for price in (100, 99, 98)] == [False, True, True]
    assert shown().is_crossed_by(BUY, None)
    assert not Liquidity().is_crossed_by(BUY, None)


def test_with_the_feed_goes_all_that_was_known() -> None:
    liquidity = taken()
    liquidity.lose()
    assert (liquidity.taken_bids, liquidity.taken_asks) == ([], [])
    assert liquidity.walk(BUY, D(5), limit_price=None) == ([], D(5))


def test_what_is_taken_from_a_copy_is_still_there() -> None:
    liquidity = shown()
    liquidity.take(BUY, D(1), limit_price=None)
    liquidity.take(SELL, D(1), limit_price=None)
    copy = liquidity.scratch()
    assert copy == liquidity
    copy.take(BUY, D(2), limit_price=None)
    copy.take(SELL, D(2), limit_price=None)
    assert (liquidity.taken_asks, liquidity.taken_bids) == (list(levels((101, 1))), list(levels((99, 1))))


def test_a_copy_shows_the_same_book() -> None:
    assert shown().scratch().walk(BUY, D(3), limit_price=None) == (list(levels((101, 3))), D(0))


def test_a_bid_named_anew_is_there_again_where_nothing_was_taken_of_the_asks() -> None:
    liquidity = shown()
    liquidity.take(SELL, D(6), limit_price=None)
    liquidity.hear(changed(bids=levels((99, 2))))
    assert (liquidity.taken_bids, liquidity.taken_asks) == (list(levels((98, 1))), [])
