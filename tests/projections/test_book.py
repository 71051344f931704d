"""The shown book: whole from a snapshot on, changed level by level, unknown once its feed is lost."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given

from events.codec import canonical_bytes
from events.market import BookChanged, BookSnapshotted, QuoteChanged
from events.terms import Level, Side
from projections.book import Book
from tests.streams.market import MarketEvent, market_streams

D = Decimal


def levels(*pairs: tuple[int | str, int]) -> tuple[Level, ...]:
    return tuple((D(price), D(size)) for price, size in pairs)


def snapshot(bids: tuple[Level, ...], asks: tuple[Level, ...], at: int = 1) -> BookSnapshotted:
    return BookSnapshotted(product="BIP", bids=bids, asks=asks, exchange_at=at)


def changed(bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = (), at: int = 2) -> BookChanged:
    return BookChanged(product="BIP", bids=bids, asks=asks, exchange_at=at)


def quoted(bid: int | None, bid_size: int | None, ask: int | None, ask_size: int | None, at: int = 1) -> QuoteChanged:
    return QuoteChanged(
        product="BIP",
        bid=None if bid is None else D(bid),
        bid_size=None if bid_size is None else D(bid_size),
        ask=None if ask is None else D(ask),
        ask_size=None if ask_size is None else D(ask_size),
        exchange_at=at,
    )


def a_book() -> Book:
    book = Book()
    book.fold(snapshot(levels((99, 5), (98, 7)), levels((101, 3), (102, 4))))
    return book


def test_a_snapshot_makes_the_book_whole_and_shows_the_best_first() -> None:
    book = a_book()
    assert book.is_whole
    assert (book.best_bid(), book.best_ask()) == ((D(99), D(5)), (D(101), D(3)))
    assert book.depth(Side.BUY) == list(levels((99, 5), (98, 7)))
    assert book.depth(Side.SELL, levels=1) == list(levels((101, 3)))


def test_the_best_of_a_side_is_the_highest_bid_or_the_lowest_ask() -> None:
    assert a_book().best(Side.BUY) == (D(99), D(5))
    assert a_book().best(Side.SELL) == (D(101), D(3))
    assert Book().best(Side.BUY) is None


def test_a_quote_alone_is_a_book_of_one_level_a_side_of_its_own_time() -> None:
    book = Book()
    book.fold(quoted(99, 5, 101, 3, at=7))
    assert (book.depth(Side.BUY), book.depth(Side.SELL)) == ([(D(99), D(5))], [(D(101), D(3))])
    assert book.exchange_at == 7


def test_a_side_that_is_quoted_no_more_is_empty() -> None:
    book = Book()
    book.fold(quoted(99, 5, 101, 3))
    book.fold(quoted(99, 5, None, None))
    assert (book.best_bid(), book.best_ask()) == ((D(99), D(5)), None)
    book.fold(quoted(None, None, 101, 3))
    assert (book.best_bid(), book.best_ask()) == (None, (D(101), D(3)))


def test_the_books_time_is_that_of_the_last_word_that_counted() -> None:
    book = a_book()
    book.fold(changed(bids=levels((99, 6)), at=9))
    assert book.exchange_at == 9
    book.fold(quoted(90, 1, 110, 1, at=12))
    assert book.exchange_at == 9


def test_changes_before_a_snapshot_are_dropped() -> None:
    book = Book()
    book.fold(changed(bids=levels((99, 5))))
    assert not book.is_whole
    assert book.best_bid() is None


def test_a_change_sets_adds_and_removes_levels() -> None:
    book = a_book()
    book.fold(changed(bids=levels((99, 0), (97, 2)), asks=levels(("100.5", 1), (102, 9), (120, 0))))
    assert book.depth(Side.BUY) == list(levels((98, 7), (97, 2)))
    assert book.depth(Side.SELL) == list(levels(("100.5", 1), (101, 3), (102, 9)))
    assert book.exchange_at == 2


def test_a_snapshot_replaces_all_that_was_known_and_drops_empty_levels() -> None:
    book = a_book()
    book.fold(snapshot(levels((90, 1), (89, 0)), ()))
    assert book.depth(Side.BUY) == list(levels((90, 1)))
    assert book.best_ask() is None


def test_a_lost_feed_leaves_no_book() -> None:
    book = a_book()
    book.lose()
    assert not book.is_whole
    assert book.best_bid() is None
    assert book.best_ask() is None


def test_a_quote_is_the_book_where_nothing_else_is_known_and_is_ignored_by_a_whole_one() -> None:
    book = Book()
    book.fold(quoted(99, 5, None, None))
    assert not book.is_whole
    assert (book.depth(Side.BUY), book.depth(Side.SELL)) == (list(levels((99, 5))), [])
    whole = a_book()
    whole.fold(quoted(97, 1, 98, 1))
    assert whole.best_bid() == (D(99), D(5))


def test_a_quote_without_a_size_offers_nothing() -> None:
    book = Book()
    book.fold(quoted(99, None, 101, 0))
    assert book.best_bid() is None
    assert book.best_ask() is None


def test_the_size_beyond_the_visible_part_is_unknown_and_between_its_levels_zero() -> None:
    book = a_book()
    assert book.size_at(Side.BUY, D(98)) == 7
    assert book.size_at(Side.BUY, D("98.5")) == 0
    assert book.size_at(Side.BUY, D(100)) == 0
    assert book.size_at(Side.BUY, D(97)) is None
    assert book.size_at(Side.SELL, D(103)) is None
    assert book.size_at(Side.SELL, D(100)) == 0
    assert Book().size_at(Side.SELL, D(100)) is None


def test_a_book_that_is_bid_at_its_offer_says_that_it_is_crossed() -> None:
    book = a_book()
    assert not book.is_crossed
    book.fold(changed(bids=levels((101, 1))))
    assert book.is_crossed


@given(market_streams())
def test_the_book_holds_what_a_plain_dictionary_of_levels_holds(stream: list[MarketEvent]) -> None:
    book = Book()
    naive: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
    for event in stream:
        book.fold(event)
        if isinstance(event, BookSnapshotted):
            naive = {Side.BUY: dict(event.bids), Side.SELL: dict(event.asks)}
        elif isinstance(event, BookChanged):
            naive[Side.BUY] |= dict(event.bids)
            naive[Side.SELL] |= dict(event.asks)
        for side in Side:
            shown = {price: size for price, size in naive[side].items() if size}
            assert book.depth(side) == sorted(shown.items(), reverse=side is Side.BUY)
        assert not book.is_crossed


@given(market_streams())
def test_a_book_survives_its_snapshot(stream: list[MarketEvent]) -> None:
    book = Book()
    for event in stream:
        book.fold(event)
    assert msgspec.json.decode(canonical_bytes(book), type=Book) == book
