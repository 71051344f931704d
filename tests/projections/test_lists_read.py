"""The exchange's list of an order's fills: when it is read, whom it speaks of, what it makes provisional."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.orders import (
    FillsReported,
    FillsWanted,
)
from events.terms import OrderStatus, Side
from projections.orders import KEPT_NS, Orders
from tests.streams.desk import MONDAY, SECOND
from tests.streams.facts import BIP, filled, listed, started
from tests.streams.orders import order_reported
from tests.streams.whole_orders import a_day_later, confirmed, done, ended, fold, line, lines, session

D = Decimal


def test_lines_known_by_the_exchanges_name_alone_recall_a_settled_order() -> None:
    orders = a_day_later(session(*done()))
    later = MONDAY + KEPT_NS + SECOND
    fold(orders, lines(line("5", "49000"), order="", known_as="x-a"), at=later)
    assert (list(orders.closed), orders.settled, orders.closed["a"].closed_at) == (["a"], {}, later)
    assert orders.owing == {"a": later}
    assert (orders.closed["a"].exchange_order, orders.closed["a"].due_value) == ("x-a", D(2_450))


@pytest.mark.parametrize(
    "wrong", [lines(line("5"), order="?", known_as="?"), lines(line("5"), product="ETP"), lines(order="a")]
)
def test_lines_of_nobody_of_another_product_or_none_at_all_change_nothing(wrong: FillsReported) -> None:
    orders = session(listed("ETP"), *done())
    before = msgspec.json.encode(orders)
    assert msgspec.json.encode(fold(orders, wrong)) == before


def test_a_settled_order_that_only_its_list_speaks_of_is_all_that_it_was() -> None:
    report = order_reported("a", OrderStatus.EXPIRED, "2", at=MONDAY + 3)
    orders = session(filled(Side.BUY, "2", "50000", at=MONDAY, order="a"), report)
    fold(orders, ended(qty="2", status=OrderStatus.EXPIRED))
    was = orders.closed["a"]
    fold(a_day_later(orders), lines(line("2", "49000"), order="", known_as="x-a"), at=MONDAY + KEPT_NS + 7)
    order = orders.closed["a"]
    assert (was.strategy, was.status, was.is_final, was.told_at) == ("baseline", OrderStatus.EXPIRED, True, MONDAY + 3)
    assert (order.strategy, order.status, order.is_final) == (was.strategy, was.status, was.is_final)
    assert (order.told_at, order.heard_at, order.filled_value) == (was.told_at, was.told_at, D(1_000))


def test_a_fill_beyond_the_list_is_owed_from_then_on() -> None:
    orders = session(*done(), lines(line("5")), confirmed())
    more = msgspec.structs.replace(filled(Side.BUY, "1", "50000", at=MONDAY, order="a"), filled_qty=D(6))
    assert fold(orders, more, at=MONDAY + 7).owing == {"a": MONDAY + 7}


def test_lines_wait_until_the_size_of_a_contract_is_known() -> None:
    orders = fold(Orders(), started(), listed(contract_size=None), *done(), lines(line("5")))
    assert (orders.contract_sizes, orders.closed["a"].listed) == ({}, None)


def test_new_lines_make_what_was_confirmed_provisional_and_the_same_again_do_not() -> None:
    orders = session(*done(), lines(line("5")), confirmed())
    assert fold(orders, lines(line("5"))).closed["a"].is_confirmed
    fold(orders, lines(line("5"), line("1", entry="e-2")))
    assert not orders.closed["a"].is_confirmed
    assert orders.owing == {"a": MONDAY}


def test_a_live_order_that_traded_has_its_list_read_when_it_is_over_and_not_again_once_confirmed() -> None:
    orders = session(*done(), at=MONDAY + 7)
    assert orders.confirming.due == {"a": MONDAY + 7}
    fold(orders, lines(line("5")), confirmed())
    assert (orders.confirming.due, orders.owing, orders.closed["a"].is_confirmed) == ({}, {}, True)
    fold(orders, ended(qty="5", status=OrderStatus.FILLED))
    assert orders.confirming.due == {}


def test_on_paper_and_for_an_order_that_never_traded_no_list_is_read() -> None:
    assert session(*done(), mode="paper").confirming.due == {}
    assert session(order_reported("a", OrderStatus.CANCELLED), ended()).confirming.due == {}


def test_a_list_that_was_asked_for_is_asked_for_again_after_a_pause() -> None:
    wanted = FillsWanted(order="a", exchange_order="x-a", product=BIP, filled_qty=D(5))
    orders = fold(session(*done()), wanted, at=MONDAY + SECOND)
    assert orders.confirming.due == {"a": MONDAY + 6 * SECOND}


def test_the_same_lines_again_of_a_confirmed_order_end_the_reading() -> None:
    orders = session(*done(), lines(line("5")), confirmed())
    fold(orders, order_reported("a", OrderStatus.FILLED, "5", fees="1", at=MONDAY + SECOND), at=MONDAY + 7)
    assert orders.confirming.due == {"a": MONDAY + 7}
    fold(orders, lines(line("5")))
    assert orders.confirming.due == {}


def test_the_same_last_word_again_of_a_confirmed_order_wants_no_reading() -> None:
    orders = session(*done(), lines(line("5")), confirmed(), done()[0])
    assert orders.confirming.due == {}


def test_a_confirmation_of_an_order_nobody_knows_ends_its_reading_alone() -> None:
    orders = session(*done())
    fold(orders, confirmed("?"))
    assert (list(orders.confirming.due), orders.closed["a"].is_confirmed) == (["a"], False)


def test_a_confirmed_order_that_trades_more_than_its_list_holds_is_provisional_again() -> None:
    first = filled(Side.BUY, "2", "50000", at=MONDAY, order="a")
    listed_whole = lines(line("2")), confirmed(qty="2", value="1000")
    orders = session(order_reported("a", filled="2"), first, *listed_whole)
    assert fold(orders, order_reported("a", filled="2", fees="1", at=MONDAY + 1)).open["a"].is_confirmed
    assert not fold(orders, order_reported("a", filled="3", at=MONDAY + 2)).open["a"].is_confirmed
