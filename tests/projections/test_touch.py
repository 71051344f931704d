"""The price that follows from best bid, best ask and last trade."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.market import BookChanged, BookSnapshotted
from events.terms import MarkSource
from projections.touch import Touch
from tests.streams.facts import BIP, D, quoted, traded


def priced(touch: Touch, spell: int = 1) -> tuple[Decimal, MarkSource] | None:
    price = touch.price(spell)
    return None if price is None else price[:2]


@pytest.mark.parametrize(("last", "median"), [("99", "100"), ("101", "101"), ("105", "102")])
def test_the_mark_is_the_median_of_bid_ask_and_last_trade(last: str, median: str) -> None:
    touch = Touch()
    touch.quote(quoted("100", "102", at=1), 1)
    touch.print(traded(last, at=2), 1)
    assert priced(touch) == (D(median), MarkSource.BOOK_AND_TRADE)


def test_the_middle_serves_while_nothing_has_traded() -> None:
    touch = Touch()
    touch.quote(quoted("100", "103", at=1), 1)
    assert priced(touch) == (D("101.5"), MarkSource.MID)


@pytest.mark.parametrize(("bid", "ask"), [("102", "100"), ("100", "100"), (None, "100"), ("100", None)])
def test_the_last_trade_serves_while_the_touch_is_crossed_or_one_sided(bid: str | None, ask: str | None) -> None:
    touch = Touch()
    touch.quote(quoted(bid, ask, at=1), 1)
    assert priced(touch) is None
    touch.print(traded("101", at=2), 1)
    assert priced(touch) == (D(101), MarkSource.TRADE)


def test_a_touch_of_an_earlier_spell_says_nothing() -> None:
    touch = Touch()
    touch.quote(quoted("100", "102", at=1), 1)
    assert priced(touch, spell=2) is None


def test_a_trade_of_an_earlier_spell_is_no_mark_alone_but_still_counts_in_the_median() -> None:
    touch = Touch()
    touch.print(traded("101", at=1), 1)
    assert priced(touch, spell=2) is None
    touch.quote(quoted("100", "103", at=2), 2)
    assert priced(touch, spell=2) == (D(101), MarkSource.BOOK_AND_TRADE)


def test_an_older_trade_does_not_replace_a_newer_one() -> None:
    touch = Touch()
    touch.print(traded("101", at=5), 1)
    touch.print(traded("99", at=4), 1)
    assert priced(touch) == (D(101), MarkSource.TRADE)


def test_the_newer_word_on_the_touch_counts_be_it_a_quote_or_a_book() -> None:
    touch = Touch()
    touch.snapshot(BookSnapshotted(product=BIP, bids=((D(100), D(1)),), asks=((D(104), D(1)),), exchange_at=5), 1)
    touch.quote(quoted("90", "91", at=4), 1)
    assert priced(touch) == (D(102), MarkSource.MID)
    touch.quote(quoted("101", "104", at=6), 1)
    assert priced(touch) == (D("102.5"), MarkSource.MID)
    touch.change(BookChanged(product=BIP, bids=((D(102), D(1)),), asks=(), exchange_at=7), 1)
    assert priced(touch) == (D(103), MarkSource.MID)


def test_changes_without_a_whole_book_are_no_touch() -> None:
    touch = Touch()
    touch.change(BookChanged(product=BIP, bids=((D(102), D(1)),), asks=((D(103), D(1)),), exchange_at=7), 1)
    assert priced(touch) is None


def test_an_emptied_side_leaves_no_touch() -> None:
    touch = Touch()
    touch.snapshot(BookSnapshotted(product=BIP, bids=((D(100), D(1)),), asks=((D(104), D(1)),), exchange_at=5), 1)
    touch.change(BookChanged(product=BIP, bids=((D(100), D(0)),), asks=((D(104), D(0)),), exchange_at=6), 1)
    assert priced(touch) is None


def test_a_price_carries_the_time_of_what_it_rests_on() -> None:
    touch = Touch()
    touch.quote(quoted("100", "102", at=1), 1)
    touch.print(traded("101", at=9), 1)
    assert touch.price(1) == (D(101), MarkSource.BOOK_AND_TRADE, 9)
    assert touch.seen_at == 9


def test_a_trade_that_a_crossed_touch_leaves_alone_is_the_price_since_the_crossing() -> None:
    touch = Touch()
    touch.print(traded("101", at=1), 1)
    assert touch.price(1) == (D(101), MarkSource.TRADE, 1)
    touch.quote(quoted("105", "104", at=7), 1)
    assert touch.price(1) == (D(101), MarkSource.TRADE, 7)


def test_a_trade_alone_beside_a_touch_of_an_earlier_spell_bears_its_own_time() -> None:
    touch = Touch()
    touch.quote(quoted("100", "102", at=7), 1)
    touch.print(traded("101", at=5), 2)
    assert touch.price(2) == (D(101), MarkSource.TRADE, 5)


def test_a_book_older_than_the_touch_counts_in_a_new_spell_only() -> None:
    older = BookSnapshotted(product=BIP, bids=((D(90), D(1)),), asks=((D(92), D(1)),), exchange_at=5)
    touch = Touch()
    touch.quote(quoted("100", "102", at=6), 1)
    touch.snapshot(older, 1)
    assert priced(touch) == (D(101), MarkSource.MID)
    touch.snapshot(older, 2)
    assert priced(touch, spell=2) == (D(91), MarkSource.MID)
