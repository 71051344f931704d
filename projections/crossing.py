"""Which of our own orders stand in the way of one that wants to leave: it waits until they are confirmed gone.

An order never trades with another of ours (trading rules A20), and an exit never waits behind a bracket that holds the
whole position already (A17): the bracket goes first, since both could fill.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from events.terms import OrderKind, Origin, Side
from projections.order import Order

#: Kinds that stand in the book at their limit; a stop and a bracket do not, before they are triggered.
_IN_THE_BOOK = frozenset({OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD, OrderKind.UNKNOWN})


def crossed_by(orders: Iterable[Order], side: Side, price: Decimal | None) -> list[Order]:
    """Those of one product's open orders that an order at `price` (None: at any) would trade with."""
    return [
        order
        for order in orders
        if order.side is not side
        and order.kind in _IN_THE_BOOK
        and order.limit_price is not None
        and (price is None or side.sign * (price - order.limit_price) >= 0)
        and order.origin is not Origin.LIQUIDATION
    ]


def brackets_of(orders: Iterable[Order], side: Side) -> list[Order]:
    """Those of one product's open orders that protect a position from this side, and are ours to take away."""
    return [order for order in orders if order.side is side and order.kind.is_bracket and order.origin is Origin.OURS]


def in_the_way(others: Iterable[Order], order: Order) -> list[Order]:
    """What an approved order must wait for among the open orders of its product, itself left out.

    Where nobody knows whether a bracket exists, and so cannot cancel it, the exchange may still be asked to close the
    position itself: it closes what there is.
    """
    standing = [other for other in others if other.order != order.order and other.rest]
    brackets = brackets_of(standing, order.side) if order.reduce_only and not order.kind.is_bracket else []
    if order.kind is OrderKind.CLOSE_POSITION:
        brackets = [bracket for bracket in brackets if bracket.exchange_order and not bracket.is_uncertain]
    crossed = [other for other in crossed_by(standing, order.side, order.limit_price) if not order.kind.is_bracket]
    return [*crossed, *brackets]
