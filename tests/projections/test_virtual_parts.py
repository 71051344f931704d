"""Whose the rest is when what nobody of ours ordered takes more than stands against it, and what a restart repeats."""

from __future__ import annotations

from decimal import Decimal

from events.position import AdjustmentApplied, AdjustmentReversed
from events.terms import Origin
from projections.virtual import EXTERNAL
from tests.projections.test_virtual import Book
from tests.streams.desk import HOUR, MINUTE, MONDAY
from tests.streams.facts import BIP, D, listed
from tests.streams.orders import marked


def adjusted(name: str, qty: str) -> AdjustmentApplied:
    return AdjustmentApplied(
        adjustment=name, product=BIP, qty=D(qty), price=D(50_000), value=D(qty) * 500, evidence=(1, 2)
    )


def taken_back(name: str, qty: str) -> AdjustmentReversed:
    return AdjustmentReversed(adjustment=name, product=BIP, qty=D(qty), price=D(50_000), value=D(qty) * 500)


def test_a_purchase_nobody_ordered_covers_the_largest_short_first() -> None:
    book = Book("a", "b")
    book.trade("a", "-2")
    book.trade("b", "-5")
    book.trade("", "6", "50000", origin=Origin.FOREIGN)
    assert book.held() == {"a": D(-1)}


def test_what_is_left_after_all_that_stood_against_it_is_external() -> None:
    book = Book("a", "b")
    book.trade("a", "2")
    book.trade("", "-5", origin=Origin.FOREIGN)
    assert book.held() == {EXTERNAL: D(-3)}
    book.trade("a", "-1")
    book.trade("", "7", origin=Origin.FOREIGN)
    assert book.held() == {EXTERNAL: D(3)}


def test_a_strategy_alone_that_trades_through_all_that_was_there_holds_the_rest() -> None:
    book = Book("a")
    book.trade("a", "-1")
    book.trade("", "-3", origin=Origin.FOREIGN)
    book.trade("a", "6")
    assert book.held() == {"a": D(2)}


def test_a_product_listed_anew_leaves_every_part_its_worth() -> None:
    book = Book("a", "b")
    book.trade("a", "5", "50000")
    book.say(listed(BIP), marked("51000"))
    assert (book.row("a").entry, book.row("a").unrealized) == (D(50_000), D(50))


def test_taking_back_an_adjustment_that_nobody_knows_changes_nobodys_part() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.trade("b", "-2")
    book.say(taken_back("unheard of", "-4"))
    assert book.portfolio.positions.of(BIP).qty == D(3)
    assert book.held() == {"a": D(5), "b": D(-2)}


def test_each_of_two_adjustments_can_be_taken_back_whatever_came_between() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.trade("b", "2")
    book.say(adjusted("one", "-4"), adjusted("two", "-3"))
    assert book.held() == {}
    book.say(taken_back("one", "4"))
    assert book.held() == {"a": D(4)}
    book.say(taken_back("two", "3"))
    assert book.held() == {"a": D(5), "b": D(2)}


def shares(book: Book) -> tuple[Decimal, Decimal]:
    return book.row("a").funding, book.row("b").funding


def test_funding_of_another_interval_is_shared_at_its_own_boundaries() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.say(after=30 * MINUTE)
    book.say(listed(BIP, funding_interval_s=7_200))
    book.say(after=2 * HOUR)
    book.trade("b", "5")
    book.accrue(MONDAY + 2 * HOUR, "-10")
    assert shares(book) == (D(-10), D(0))


def test_a_boundary_of_late_is_shared_by_what_was_held_then_however_long_nothing_was_traded() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.say(after=200 * HOUR + 30 * MINUTE)
    book.trade("b", "5")
    book.accrue(MONDAY + 200 * HOUR, "-10")
    assert shares(book) == (D(-10), D(0))


def test_who_traded_at_the_boundary_itself_held_it_not_before() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.say(after=HOUR)
    book.trade("b", "5")
    book.say(after=MINUTE)
    book.accrue(MONDAY + HOUR, "-10")
    assert sum(shares(book)) == D(-10)
    assert shares(book) == (D(-5), D(-5))
