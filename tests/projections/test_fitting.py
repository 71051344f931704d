"""Orders held against a position: what fits into it, what has become too large, what could increase it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.terms import OrderKind, Side
from projections.fitting import cut_to_fit, increasing
from projections.order import Order


def order(name: str, side: Side, qty: str, *, told: str = "0", kind: OrderKind = OrderKind.LIMIT_GTC) -> Order:
    """An order that reduces, on the account of a long."""
    return Order(
        order=name,
        product="BTC-PERP",
        side=side,
        qty=Decimal(qty),
        told_qty=Decimal(told),
        kind=kind,
        reduce_only=True,
    )


def cuts(orders: list[Order], position: str) -> list[tuple[str, Decimal]]:
    return [(cut.order, left) for cut, left in cut_to_fit(orders, Decimal(position))]


def could_increase(orders: list[Order], position: str) -> list[str]:
    return [each.order for each in increasing(orders, Decimal(position))]


@pytest.mark.parametrize(
    ("position", "left"),
    [
        ("5", []),
        ("4", [("new", 1)]),
        ("3", [("new", 0)]),
        ("2", [("old", 2), ("new", 0)]),
        ("0", [("old", 0), ("new", 0)]),
    ],
)
def test_the_oldest_exits_are_kept_and_the_newest_cut(position: str, left: list[tuple[str, int]]) -> None:
    exits = [order("old", Side.SELL, "3"), order("new", Side.SELL, "2")]
    assert cuts(exits, position) == [(name, Decimal(size)) for name, size in left]


def test_what_is_done_and_what_adds_takes_no_room_from_an_exit() -> None:
    orders = [order("done", Side.SELL, "3", told="3"), order("adds", Side.BUY, "1"), order("exit", Side.SELL, "2")]
    assert cuts(orders, "1") == [("exit", Decimal(1))]
    assert cuts(orders, "2") == []


def test_an_order_that_does_not_reduce_is_nobodys_to_cut_and_fills_the_room_all_the_same() -> None:
    free = order("free", Side.SELL, "2")
    free.reduce_only = False
    assert cuts([free, order("exit", Side.SELL, "2")], "3") == [("exit", Decimal(1))]
    assert cuts([free], "1") == []


def test_orders_against_the_position_do_not_increase_while_they_fit_whole() -> None:
    orders = [order("a", Side.SELL, "2"), order("b", Side.SELL, "2"), order("c", Side.SELL, "1")]
    assert could_increase(orders, "3") == ["b"]
    assert could_increase(orders, "5") == []
    assert could_increase(orders, "0") == ["a", "b", "c"]


def test_what_adds_increases_however_small_the_position() -> None:
    assert could_increase([order("a", Side.BUY, "0.3")], "0.5") == ["a"]
    assert could_increase([order("a", Side.BUY, "0.3", told="0.3")], "0.5") == []


def test_a_bracket_never_counts_and_hides_nothing_behind_it() -> None:
    orders = [order("bracket", Side.SELL, "5", kind=OrderKind.TRIGGER_BRACKET_GTC), order("entry", Side.BUY, "1")]
    assert could_increase(orders, "5") == ["entry"]
