"""Orders as a fold: what is open, what is unknown, and which of them could increase a position."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.codec import canonical_bytes
from events.orders import OrderClosed, OrderFilled
from events.record import AnyEvent, Record
from events.session import ClockTicked
from events.terms import OrderStatus, Side
from projections.fitting import increasing
from projections.order import Order
from projections.orders import KEPT_NS, Orders
from tests.streams.desk import MONDAY, SECOND
from tests.streams.facts import BIP, filled, started
from tests.streams.orders import approved, order_reported

D = Decimal


def fold(orders: Orders, *events: AnyEvent, at: int = MONDAY, first: int = 1) -> Orders:
    for seq, event in enumerate(events, first):
        orders.fold(Record(seq=seq, at=at, by="test", event=event))
    return orders


def resting(side: Side, qty: str, *, filled_qty: str = "0") -> Order:
    return Order(order=f"{side}-{qty}", product=BIP, side=side, qty=D(qty), filled_qty=D(filled_qty))


def test_an_approval_counts_as_an_open_order_before_its_intent_is_said() -> None:
    orders = fold(Orders(), started(), approved(qty="5"))
    (order,) = orders.open_orders(BIP)
    assert (order.leaves, order.side, order.proposal) == (D(5), Side.BUY, "p-1")


def test_products_do_not_see_each_others_orders() -> None:
    orders = fold(Orders(), started(), approved(product=BIP), approved(product="ETP", proposal="p-2"))
    assert [order.product for order in orders.open_orders(BIP)] == [BIP]
    assert len(orders.open_orders()) == 2


def test_leaves_shrink_by_fills_and_not_by_reports() -> None:
    orders = fold(Orders(), started(), order_reported("a", filled="2", qty="5"))
    assert orders.open["a"].leaves == D(5)
    fold(orders, filled(Side.BUY, "2", "50000", at=MONDAY, order="a"))
    assert orders.open["a"].leaves == D(3)


def test_a_fill_that_does_not_add_up_is_a_bug_and_raises() -> None:
    orders = fold(Orders(), started(), order_reported("a"))
    fill = msgspec.structs.replace(filled(Side.BUY, "2", "50000", at=MONDAY, order="a"), filled_qty=D(3))
    with pytest.raises(AssertionError, match="missing or counted twice"):
        fold(orders, fill)


def test_a_reader_that_hears_fills_alone_knows_what_was_traded() -> None:
    orders = fold(Orders(), started(), filled(Side.SELL, "2", "50000", at=MONDAY, order="a"))
    assert orders.open["a"].filled_qty == D(2)
    assert orders.owing == {}


def test_the_end_of_an_order_nobody_knows_is_ignored() -> None:
    end = OrderClosed(order="?", exchange_order="", product=BIP, status=OrderStatus.CANCELLED, filled_qty=D(0))
    assert fold(Orders(), started(), end) == fold(Orders(), started())


def test_only_a_days_worth_of_closed_orders_stays_in_full() -> None:
    orders = fold(Orders(), started())
    for i in range(5):
        order = f"o-{i}"
        closed = OrderClosed(order=order, exchange_order="", product=BIP, status=OrderStatus.CANCELLED, filled_qty=D(0))
        fold(orders, order_reported(order, OrderStatus.CANCELLED), closed, at=MONDAY + i * SECOND)
    fold(orders, ClockTicked(), at=MONDAY + KEPT_NS + 2 * SECOND)
    assert list(orders.closed) == ["o-3", "o-4"]
    assert list(orders.settled) == ["o-0", "o-1", "o-2"]


def test_orders_survive_a_snapshot_unchanged() -> None:
    orders = fold(Orders(), started(), approved(), order_reported("a", filled="2"))
    fold(orders, filled(Side.BUY, "2", "50000", at=MONDAY, order="a"), first=10)
    assert msgspec.json.decode(canonical_bytes(orders), type=Orders) == orders


@pytest.mark.parametrize(
    ("position", "orders", "expected"),
    [
        ("0", [resting(Side.BUY, "1")], ["buy-1"]),
        ("5", [resting(Side.BUY, "1")], ["buy-1"]),
        ("5", [resting(Side.SELL, "5")], []),
        ("5", [resting(Side.SELL, "6")], ["sell-6"]),
        ("5", [resting(Side.SELL, "3"), resting(Side.SELL, "4"), resting(Side.SELL, "2")], ["sell-4"]),
        ("-5", [resting(Side.BUY, "5"), resting(Side.SELL, "1")], ["sell-1"]),
        ("5", [resting(Side.SELL, "9", filled_qty="4")], []),
    ],
)
def test_what_could_increase_is_all_that_does_not_fit_whole_into_the_position(
    position: str, orders: list[Order], expected: list[str]
) -> None:
    assert [order.order for order in increasing(orders, D(position))] == expected


def test_a_fill_event_is_the_only_thing_that_counts_a_trade() -> None:
    orders = fold(Orders(), started(), order_reported("a", OrderStatus.FILLED, "5"))
    assert orders.open["a"].filled_qty == D(0)
    assert list(orders.owing) == ["a"]
    fill = filled(Side.BUY, "5", "50000", at=MONDAY, order="a")
    assert isinstance(fill, OrderFilled)
    closed = OrderClosed(order="a", exchange_order="x-a", product=BIP, status=OrderStatus.FILLED, filled_qty=D(5))
    fold(orders, fill, closed)
    assert orders.owing == {}
