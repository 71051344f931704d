"""What a report, a silence or an end changes of an order, and what it may never take back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.orders import (
    OrderLapsed,
    OrderNotFound,
    OrderOutcomeUnknown,
)
from events.record import AnyEvent
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from projections.order import Stage
from projections.orders import KEPT_NS
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, filled, started
from tests.streams.orders import approved, order_reported
from tests.streams.whole_orders import KEY, WHOLE, a_day_later, done, ended, fold, intent, session

D = Decimal


def test_an_order_thought_gone_that_still_works_is_open_again_and_nobody_wants_it() -> None:
    orders = session(WHOLE, intent(), ended(KEY, why="given up"), at=MONDAY)
    assert (orders.closed[KEY].stage, orders.closed[KEY].reason) == (Stage.CLOSED, "given up")
    fold(orders, order_reported(KEY, side=Side.SELL, qty="7"))
    order = orders.open[KEY]
    assert (orders.closed, order.stage, order.turned_up) == ({}, Stage.WORKING, True)
    assert orders.known_as == {f"x-{KEY}": KEY}


@pytest.mark.parametrize("last", [OrderStatus.OPEN, OrderStatus.CANCELLED])
def test_an_order_whose_end_the_exchange_said_stays_closed(last: OrderStatus) -> None:
    orders = session(order_reported("a", OrderStatus.CANCELLED), ended(), order_reported("a", last))
    assert (orders.open, orders.closed["a"].turned_up, orders.closed["a"].stage) == ({}, False, Stage.CLOSED)


def test_an_order_given_up_turns_up_when_it_is_told_of_and_another_does_not() -> None:
    gone = OrderNotFound(order=KEY, listings=2)
    orders = fold(session(WHOLE, intent()), gone, at=MONDAY + 7)
    fold(orders, gone, at=MONDAY + 9)
    assert orders.open[KEY].given_up_at == MONDAY + 7
    assert fold(orders, order_reported(KEY, side=Side.SELL)).open[KEY].turned_up
    assert not session(WHOLE, intent(), order_reported(KEY, side=Side.SELL)).open[KEY].turned_up


def test_an_order_that_works_is_not_given_up_unless_an_earlier_session_left_it() -> None:
    gone = OrderNotFound(order="a", listings=2)
    orders = session(order_reported("a"), gone)
    assert orders.open["a"].given_up_at == 0
    fold(orders, started(session="s-2"), gone, at=MONDAY + 7)
    assert (orders.session, orders.open["a"].given_up_at, orders.open["a"].is_uncertain) == ("s-2", MONDAY + 7, True)
    fold(orders, ended())
    assert not orders.closed["a"].is_unconfirmed


def test_only_an_order_not_heard_of_yet_falls_into_doubt() -> None:
    lost = OrderOutcomeUnknown(order=KEY, error="timeout")
    for events in ((WHOLE,), (WHOLE, intent())):
        order = session(*events, lost).open[KEY]
        assert (order.stage, order.reason) == (Stage.UNKNOWN, "timeout")
    order = session(WHOLE, intent(), order_reported(KEY, side=Side.SELL), lost).open[KEY]
    assert (order.stage, order.reason) == (Stage.WORKING, "")


def test_words_about_orders_nobody_knows_change_nothing() -> None:
    said = (
        OrderOutcomeUnknown(order="?", error="e"),
        OrderNotFound(order="?", listings=2),
        OrderLapsed(order="?", reason="late"),
    )
    assert session(WHOLE, *said) == session(WHOLE)


def test_a_lapsed_order_keeps_its_reason_where_its_end_gives_none() -> None:
    lapsed = OrderLapsed(order=KEY, reason="too late")
    assert session(WHOLE, lapsed, ended(KEY)).closed[KEY].reason == "too late"
    assert session(WHOLE, lapsed, ended(KEY, why="late")).closed[KEY].reason == "late"


def test_an_end_is_kept_with_its_status_and_time_and_said_again_moves_it() -> None:
    orders = fold(session(WHOLE), ended(KEY), at=MONDAY + 7)
    order = orders.closed[KEY]
    assert (order.status, order.closed_at, order.stage) == (OrderStatus.CANCELLED, MONDAY + 7, Stage.CLOSED)
    fold(orders, ended(KEY, status=OrderStatus.EXPIRED), at=MONDAY + 9)
    assert (orders.closed[KEY].status, orders.closed[KEY].closed_at) == (OrderStatus.EXPIRED, MONDAY + 9)


def test_what_is_owed_is_owed_since_it_was_first_told() -> None:
    orders = fold(session(), order_reported("a", filled="1"), at=MONDAY + 7)
    fold(orders, order_reported("a", filled="2", at=MONDAY + 1), at=MONDAY + 9)
    assert orders.owing == {"a": MONDAY + 7}
    assert (orders.unsaid(BIP), orders.unsaid("ETP")) == (D(2), D(0))
    assert isinstance(orders.unsaid("ETP"), Decimal)


def test_an_order_of_ours_is_known_by_the_exchanges_name_alone() -> None:
    orders = session(WHOLE, intent(), order_reported(KEY, side=Side.SELL, exchange_order="x-1"))
    fold(orders, order_reported("", side=Side.SELL, exchange_order="x-1", filled="2", at=MONDAY + 1))
    assert list(orders.open) == [KEY]
    assert orders.open[KEY].told_qty == D(2)


def test_a_closed_order_is_kept_for_a_day_to_the_nanosecond_and_its_reading_ends_with_it() -> None:
    orders = session(*done())
    fold(orders, ClockTicked(), at=MONDAY + KEPT_NS - 1)
    assert list(orders.closed) == ["a"]
    a_day_later(orders)
    assert (orders.closed, list(orders.settled), orders.confirming.due) == ({}, ["a"], {})


def test_orders_in_doubt_are_found_by_product() -> None:
    other = approved(product="ETP", proposal="p-2")
    orders = session(WHOLE, other, OrderOutcomeUnknown(order=KEY, error="timeout"))
    assert ([order.order for order in orders.unknown(BIP)], orders.unknown("ETP")) == ([KEY], [])
    assert [order.order for order in orders.unknown()] == [KEY]


def test_a_report_says_what_kind_an_order_is_only_where_nobody_knew() -> None:
    known = session(WHOLE, intent(), order_reported(KEY, side=Side.SELL, kind=OrderKind.LIMIT_IOC))
    assert known.open[KEY].kind is OrderKind.TRIGGER_BRACKET_GTD
    assert session(order_reported("a", kind=OrderKind.LIMIT_GTD)).open["a"].kind is OrderKind.LIMIT_GTD


def test_a_report_that_leaves_out_price_name_and_reason_takes_none_away() -> None:
    orders = session(order_reported("a", OrderStatus.CANCELLED, limit_price="50100", reason="by hand"))
    fold(orders, order_reported("a", OrderStatus.CANCELLED, limit_price=None, exchange_order=""))
    order = orders.open["a"]
    assert (order.limit_price, order.exchange_order, order.reason) == (D(50_100), "x-a", "by hand")
    fold(orders, order_reported("a", OrderStatus.CANCELLED, limit_price="50105", exchange_order="x-b", reason="edited"))
    assert (order.limit_price, order.exchange_order, order.reason) == (D(50_105), "x-b", "edited")


def test_an_older_report_never_takes_back_the_status_and_one_of_the_same_time_does() -> None:
    orders = session(order_reported("a", OrderStatus.OPEN, at=MONDAY + 5, qty="5"))
    fold(orders, order_reported("a", OrderStatus.PENDING, at=MONDAY + 4, qty="6"))
    order = orders.open["a"]
    assert (order.status, order.qty, order.heard_at) == (OrderStatus.OPEN, D(5), MONDAY + 5)
    fold(orders, order_reported("a", OrderStatus.PENDING, at=MONDAY + 5, qty="7"))
    assert (order.status, order.qty, order.heard_at) == (OrderStatus.PENDING, D(7), MONDAY + 5)


def test_the_size_of_an_order_of_ours_is_what_we_asked_whatever_a_report_says() -> None:
    assert session(WHOLE, intent(), order_reported(KEY, side=Side.SELL, qty="9")).open[KEY].qty == D(7)


def test_the_end_that_the_exchange_said_is_not_taken_back_by_a_later_report() -> None:
    orders = session(order_reported("a", OrderStatus.CANCELLED), order_reported("a", at=MONDAY + 5))
    assert (orders.open["a"].status, orders.open["a"].is_final) == (OrderStatus.CANCELLED, True)


@pytest.mark.parametrize(
    ("later", "counted"),
    [
        (order_reported("a", filled="1", value="600", fees="9", at=MONDAY + 9), (D(2), D(1_000), D(1), MONDAY + 5)),
        (order_reported("a", filled="2", value="999", fees="1", at=MONDAY + 6), (D(2), D(999), D(1), MONDAY + 6)),
        (order_reported("a", filled="2", value="1001", fees="2", at=MONDAY + 4), (D(2), D(1_000), D(1), MONDAY + 5)),
        (order_reported("a", filled="2", value="999", fees="2", at=MONDAY + 5), (D(2), D(999), D(2), MONDAY + 5)),
        (order_reported("a", filled="2", value="1001", fees="1", at=MONDAY + 5), (D(2), D(1_001), D(1), MONDAY + 5)),
    ],
)
def test_the_greatest_report_counts_then_the_latest(
    later: AnyEvent, counted: tuple[Decimal, Decimal, Decimal, int]
) -> None:
    order = session(order_reported("a", filled="2", value="1000", fees="1", at=MONDAY + 5), later).open["a"]
    assert (order.told_qty, order.told_value, order.told_fees, order.told_at) == counted


def test_a_report_takes_an_order_of_an_earlier_session_out_of_doubt() -> None:
    orders = session(order_reported("a"), started(session="s-2"))
    assert orders.open["a"].is_unconfirmed
    assert not fold(orders, order_reported("a")).open["a"].is_unconfirmed


def test_fills_beyond_what_reports_told_count_as_told_and_those_within_do_not() -> None:
    within = session(
        order_reported("a", filled="3", value="1500"), filled(Side.BUY, "2", "49000", at=MONDAY, order="a")
    )
    assert (within.open["a"].told_qty, within.open["a"].told_value) == (D(3), D(1_500))
    level = session(order_reported("a", filled="2", value="1000"), filled(Side.BUY, "2", "49000", at=MONDAY, order="a"))
    assert (level.open["a"].told_value, level.open["a"].filled_value) == (D(1_000), D(980))
    assert level.owing == {"a": MONDAY}
