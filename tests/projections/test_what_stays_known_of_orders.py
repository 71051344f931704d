"""What the desk knows of an order, word for word, at each station of its life: approved, told, closed, settled."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from projections.order import Order, Settled, Stage
from projections.orders import KEPT_NS
from tests.streams.desk import HOUR, MONDAY, SECOND
from tests.streams.facts import BIP, filled
from tests.streams.orders import order_reported
from tests.streams.whole_orders import (
    KEY,
    WHOLE,
    a_day_later,
    as_approved,
    confirmed,
    done,
    ended,
    fold,
    intent,
    line,
    lines,
    session,
)

D = Decimal


def test_an_approval_is_kept_word_for_word() -> None:
    assert session(WHOLE, at=MONDAY + 7).open == {KEY: as_approved(Stage.APPROVED, opened_at=MONDAY + 7)}


def test_an_intent_moves_its_approval_on_and_keeps_its_words() -> None:
    orders = fold(session(WHOLE), intent(), at=MONDAY + 7, first=3)
    assert orders.open == {KEY: as_approved(Stage.SUBMITTED, opened_at=MONDAY)}


def test_an_intent_without_an_approval_is_kept_word_for_word() -> None:
    assert session(intent(), at=MONDAY + 7).open == {KEY: as_approved(Stage.SUBMITTED, opened_at=MONDAY + 7)}


def test_an_intent_may_change_the_kind_and_the_end_of_what_was_approved() -> None:
    changed = msgspec.structs.replace(intent(), kind=OrderKind.LIMIT_GTD, good_until=MONDAY + 2 * HOUR)
    order = session(WHOLE, changed).open[KEY]
    assert (order.kind, order.good_until) == (OrderKind.LIMIT_GTD, MONDAY + 2 * HOUR)


@pytest.mark.parametrize(
    ("told", "kept"),
    [(Origin.OURS, Origin.FOREIGN), (Origin.FOREIGN, Origin.FOREIGN), (Origin.LIQUIDATION, Origin.LIQUIDATION)],
)
def test_an_order_that_we_did_not_place_is_never_called_ours(told: Origin, kept: Origin) -> None:
    report = order_reported("", exchange_order="x-1", side=Side.SELL, qty="3", origin=told, at=MONDAY + 3)
    assert session(report, at=MONDAY + 7).open == {
        "x-1": Order(
            order="x-1",
            exchange_order="x-1",
            product=BIP,
            side=Side.SELL,
            qty=D(3),
            kind=OrderKind.LIMIT_IOC,
            limit_price=D(50_250),
            origin=kept,
            status=OrderStatus.OPEN,
            told_at=MONDAY + 3,
            heard_at=MONDAY + 3,
            opened_at=MONDAY + 7,
        )
    }


def test_somebody_elses_order_under_our_id_leaves_ours_in_doubt() -> None:
    orders = session(WHOLE, intent(), order_reported(KEY, side=Side.BUY, exchange_order="x-1"))
    assert orders.open[KEY].stage is Stage.UNKNOWN
    assert (orders.open["x-1"].side, orders.open["x-1"].origin) == (Side.BUY, Origin.FOREIGN)


@pytest.mark.parametrize("is_settled", [False, True])
def test_somebody_elses_order_never_takes_the_place_of_one_that_is_over(is_settled: bool) -> None:
    orders = a_day_later(session(*done())) if is_settled else session(*done())
    fold(orders, order_reported("a", side=Side.SELL, exchange_order="x-1"), at=MONDAY + KEPT_NS)
    assert list(orders.open) == ["x-1"]
    assert list(orders.settled if is_settled else orders.closed) == ["a"]


def test_a_fill_of_an_order_never_heard_of_makes_it_known() -> None:
    fill = filled(Side.SELL, "2", "50000", at=MONDAY, order="a", fee="0.5", origin=Origin.FOREIGN)
    assert session(fill, at=MONDAY + 7).open == {
        "a": Order(
            order="a",
            product=BIP,
            side=Side.SELL,
            qty=D(2),
            exchange_order="x-a",
            strategy="baseline",
            origin=Origin.FOREIGN,
            filled_qty=D(2),
            filled_value=D(1_000),
            fees=D("0.5"),
            told_qty=D(2),
            told_value=D(1_000),
            told_fees=D("0.5"),
            opened_at=MONDAY + 7,
        )
    }


def test_what_is_settled_is_who_it_was_and_what_it_traded() -> None:
    fill = filled(Side.SELL, "2", "50000", at=MONDAY, order="a", fee="0.5", origin=Origin.FOREIGN)
    report = order_reported("a", OrderStatus.EXPIRED, "2", fees="0.5", side=Side.SELL, at=MONDAY + 3)
    orders = session(fill, report, ended(qty="2", status=OrderStatus.EXPIRED))
    fold(orders, lines(line("2", fee="0.5")), confirmed(qty="2", value="1000", fees="0.5"))
    list_of_it = orders.closed["a"].listed
    a_day_later(orders)
    assert orders.closed == {}
    assert orders.settled == {
        "a": Settled(
            product=BIP,
            side=Side.SELL,
            exchange_order="x-a",
            strategy="baseline",
            origin=Origin.FOREIGN,
            status=OrderStatus.EXPIRED,
            is_final=True,
            qty=D(2),
            told_qty=D(2),
            told_value=D(1_000),
            told_fees=D("0.5"),
            told_at=MONDAY + 3,
            listed=list_of_it,
            is_confirmed=True,
        )
    }
    assert list_of_it is not None
    assert list_of_it.qty == D(2)


def test_a_settled_order_spoken_of_again_is_closed_for_another_day_with_all_it_traded() -> None:
    orders = session(*done())
    fold(orders, lines(line("5")), confirmed())
    before = msgspec.structs.replace(orders.closed["a"])
    later = MONDAY + KEPT_NS + SECOND
    fold(a_day_later(orders), done()[0], at=later)
    assert orders.settled == {}
    order = orders.closed["a"]
    assert order == msgspec.structs.replace(
        before, kind=OrderKind.LIMIT_IOC, limit_price=D(50_250), opened_at=0, closed_at=later
    )
    assert (order.filled_qty, order.filled_value, order.is_confirmed) == (D(5), D(2_500), True)
    fold(orders, ClockTicked(), at=later + KEPT_NS - 1)
    assert list(orders.closed) == ["a"]
    fold(orders, ClockTicked(), at=later + KEPT_NS)
    assert list(orders.settled) == ["a"]


def test_a_settled_order_is_recalled_by_the_exchanges_name_for_it() -> None:
    orders = a_day_later(session(*done()))
    fold(orders, order_reported("", OrderStatus.FILLED, "5", exchange_order="x-a", fees="1"), at=MONDAY + KEPT_NS)
    assert (orders.open, list(orders.closed), orders.settled) == ({}, ["a"], {})
    assert orders.owing == {"a": MONDAY + KEPT_NS}


@pytest.mark.parametrize(("product", "side"), [(BIP, Side.SELL), ("ETP", Side.BUY)])
def test_a_report_of_another_product_or_side_recalls_nothing(product: str, side: Side) -> None:
    orders = a_day_later(session(*done()))
    fold(orders, order_reported("a", product=product, side=side))
    assert list(orders.settled) == ["a"]
    assert list(orders.open) == ["x-a"]
