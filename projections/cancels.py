"""Cancels that are wanted: why, since when, and whether the exchange was asked.

A request to cancel frees nothing and may fail; what counts is that the order is gone. So a cancel stays wanted until
its order is closed, and is due again whenever it was not confirmed in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from events.event import Event
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelRejected,
    CancelSubmitted,
    OrderClosed,
    OrderReported,
)
from events.record import Record
from events.session import StopRequested
from events.terms import NANOSECONDS, OrderKind, Origin
from projections.fitting import increasing
from projections.order import Order
from projections.orders import Orders
from projections.positions import Positions

#: A cancel that is not confirmed is asked for again after this long.
RETRY_NS = 5 * NANOSECONDS


class Cancel(msgspec.Struct, kw_only=True):
    """One cancel that is wanted. `asked_at` (ns) is 0 while the exchange was not asked yet."""

    reason: str
    asked_at: int = 0
    times: int = 0
    refused: str = ""  # the code of the exchange's last refusal


class Cancels(msgspec.Struct, kw_only=True):
    """All of them, by order, in the order in which they came to be wanted."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {CancelApproved, CancelAllOrdered, CancelSubmitted, CancelRejected, OrderReported, OrderClosed, StopRequested}
    )

    wanted: dict[str, Cancel] = msgspec.field(default_factory=dict)

    def fold(self, record: Record, orders: Orders, positions: Positions) -> None:
        """Take a record that `orders` and `positions` have folded already."""
        step = _FOLDS.get(type(record.event))
        if step is not None:
            step(self, record, orders, positions)

    def due(self, order: Order, at: int) -> Cancel | None:
        """The cancel to ask for now: the exchange's id is known, and no answer is being awaited."""
        cancel = self.wanted.get(order.order)
        if cancel is None or not order.exchange_order:
            return None
        return cancel if not cancel.asked_at or at - cancel.asked_at >= RETRY_NS else None

    def _want(self, orders: Iterable[Order], reason: str) -> None:
        for order in orders:
            self.wanted.setdefault(order.order, Cancel(reason=reason))

    def _approved(self, record: Record, orders: Orders, _positions: Positions) -> None:
        event: Any = record.event
        if event.order in orders.open:
            self._want([orders.open[event.order]], event.reason)

    def _all(self, record: Record, orders: Orders, positions: Positions) -> None:
        """Everything that could increase; what only reduces is kept."""
        event: Any = record.event
        found = orders.open_orders(event.product)
        for product in dict.fromkeys(order.product for order in found):
            of_product = [order for order in found if order.product == product]
            held = positions.of(product).qty + orders.unsaid(product)
            self._want(increasing(of_product, held), event.reason)

    def _stopped(self, record: Record, orders: Orders, _positions: Positions) -> None:
        """A stop takes along what rests, but for the protection that shall outlive the process."""
        event: Any = record.event
        if event.cancel_resting:
            ours = [order for order in orders.open.values() if order.origin is Origin.OURS]
            self._want([order for order in ours if order.kind is not OrderKind.TRIGGER_BRACKET_GTC], event.reason)

    def _asked(self, record: Record, _orders: Orders, _positions: Positions) -> None:
        event: Any = record.event
        cancel = self.wanted.get(event.order)
        if cancel is not None:
            cancel.asked_at = record.at
            cancel.times += 1

    def _refused(self, record: Record, _orders: Orders, _positions: Positions) -> None:
        event: Any = record.event
        cancel = self.wanted.get(event.order)
        if cancel is not None:
            cancel.refused = event.code

    def _reported(self, record: Record, orders: Orders, _positions: Positions) -> None:
        event: Any = record.event
        order = orders.find(event)
        if order is None or not order.is_open:
            return
        if order.turned_up:
            self._want([order], "it had been given up and turned up")
        elif order.kind is OrderKind.LIMIT_IOC and event.kind is OrderKind.LIMIT_GTC and not order.is_final:
            self._want([order], "it left as an order that rests, and shall not")

    def _closed(self, record: Record, _orders: Orders, _positions: Positions) -> None:
        event: Any = record.event
        self.wanted.pop(event.order, None)


_FOLDS: dict[type[Event], Callable[[Cancels, Record, Orders, Positions], None]] = {
    OrderReported: Cancels._reported,
    OrderClosed: Cancels._closed,
    CancelApproved: Cancels._approved,
    CancelAllOrdered: Cancels._all,
    CancelSubmitted: Cancels._asked,
    CancelRejected: Cancels._refused,
    StopRequested: Cancels._stopped,
}
assert frozenset(_FOLDS) == Cancels.hears
