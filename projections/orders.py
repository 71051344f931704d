"""Every order on the account, ours and others': what is asked, what has traded, what the exchange last said.

An order is open, then closed for a day, then settled: only its cumulative numbers stay known, for late reports.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from events.catalog import ProductListed
from events.event import Event
from events.ids import derived_id
from events.money import ZERO
from events.orders import (
    FillCorrected,
    FillsConfirmed,
    FillsReported,
    FillsWanted,
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderLapsed,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderReported,
    OrderSubmitted,
)
from events.record import Record
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS, Origin
from projections.fills_list import Confirming
from projections.order import Order, Settled, Stage, order_of_a_fill, recalled, settled

#: How long a closed order stays in full.
KEPT_NS = 86_400 * NANOSECONDS


class Orders(msgspec.Struct, kw_only=True):
    """All orders of the account, folded from what was approved, submitted, reported, filled and closed."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            SessionStarted,
            ClockTicked,
            OrderApproved,
            OrderSubmitted,
            OrderReported,
            OrderFilled,
            OrderClosed,
            OrderOutcomeUnknown,
            OrderNotFound,
            OrderLapsed,
            ProductListed,
            FillsWanted,
            FillsReported,
            FillCorrected,
            FillsConfirmed,
        }
    )

    session: str = ""
    open: dict[str, Order] = msgspec.field(default_factory=dict)
    closed: dict[str, Order] = msgspec.field(default_factory=dict)  # in the order of closing
    settled: dict[str, Settled] = msgspec.field(default_factory=dict)
    known_as: dict[str, str] = msgspec.field(default_factory=dict)  # the exchange's id -> the key here
    owing: dict[str, int] = msgspec.field(default_factory=dict)  # told, and not yet said in full -> since when
    confirming: Confirming = msgspec.field(default_factory=Confirming)
    contract_sizes: dict[str, Decimal] = msgspec.field(default_factory=dict)  # by product

    def fold(self, record: Record) -> None:
        fold = _FOLDS.get(type(record.event))
        if fold is not None:
            fold(self, record, record.event)

    def open_orders(self, product: str | None = None) -> list[Order]:
        """What may still trade: approved, submitted, working, or nobody knows. Oldest first."""
        return [order for order in self.open.values() if product is None or order.product == product]

    def get(self, order: str) -> Order | None:
        """By our id, open or closed within the last day."""
        return self.open.get(order) or self.closed.get(order)

    def unsaid(self, product: str) -> Decimal:
        """The signed quantity by which the exchange moved our position, and no fill has said so yet."""
        if not self.owing:
            return ZERO
        owing = (self.get(key) for key in self.owing)
        return sum((order.unsaid for order in owing if order is not None and order.product == product), ZERO)

    def unknown(self, product: str | None = None) -> list[Order]:
        """Orders of which nobody can say whether they exist."""
        return [order for order in self.open_orders(product) if order.is_uncertain]

    def find(self, report: OrderReported) -> Order | None:
        """The order that a report speaks of; None when it is new to us.

        A report under our id but for another product or side speaks of somebody else's order: the exchange answers a
        reused id with the order that had it first.
        """
        for key in (report.order, self.known_as.get(report.exchange_order, ""), report.exchange_order):
            order = self.get(key) if key else None
            if order is not None and (order.product, order.side) == (report.product, report.side):
                return order
        return None

    def _started(self, _record: Record, event: SessionStarted) -> None:
        """A session does not speak for the one before: what was open there is unconfirmed until it is reported here."""
        self.session = event.session
        self.confirming.begin(is_live=event.configuration.mode == "live")
        for order in self.open.values():
            order.is_unconfirmed = True

    def _ticked(self, record: Record, _event: ClockTicked) -> None:
        while self.closed:
            key, order = next(iter(self.closed.items()))
            if order.closed_at + KEPT_NS > record.at:
                break
            del self.closed[key]
            self.settled[key] = settled(order)
            self.confirming.done(key)

    def _approved(self, record: Record, event: OrderApproved) -> None:
        key = derived_id(self.session, "orders", record.seq)
        self.open[key] = Order(
            order=key,
            proposal=event.proposal,
            strategy=event.strategy,
            product=event.product,
            side=event.side,
            qty=event.qty,
            kind=event.kind,
            limit_price=event.limit_price,
            reference_price=event.reference_price,
            reduce_only=event.reduce_only,
            post_only=event.post_only,
            leverage=event.leverage,
            stop_price=event.stop_price,
            good_until=event.good_until,
            expires_at=event.expires_at,
            stage=Stage.APPROVED,
            opened_at=record.at,
        )

    def _submitted(self, record: Record, event: OrderSubmitted) -> None:
        order = self.open.get(event.order)
        if order is None:
            order = self.open[event.order] = Order(
                order=event.order,
                proposal=event.proposal,
                strategy=event.strategy,
                product=event.product,
                side=event.side,
                qty=event.qty,
                kind=event.kind,
                limit_price=event.limit_price,
                reference_price=event.reference_price,
                reduce_only=event.reduce_only,
                post_only=event.post_only,
                leverage=event.leverage,
                stop_price=event.stop_price,
                expires_at=event.expires_at,
                opened_at=record.at,
            )
        order.stage, order.kind, order.good_until = Stage.SUBMITTED, event.kind, event.good_until

    def _reported(self, record: Record, report: OrderReported) -> None:
        order = self.find(report) or self._recalled(record, report)
        if order is None:
            order = self._adopted(record, report)
        elif order.stage is Stage.CLOSED and not order.is_final and not report.status.is_final:
            order.stage = Stage.WORKING  # we believed that it never existed, or was gone: it lives
            del self.closed[order.order]
            self.open[order.order] = order
            order.turned_up = True
        elif order.given_up_at and order.is_open:
            order.turned_up = True
        order.hear(report)
        if order.exchange_order:
            self.known_as[order.exchange_order] = order.order
        self._owe(order, record.at)
        told = (report.filled_qty, report.filled_value, report.fees)
        if report.status.is_final and order.is_confirmed and told != (order.due_qty, order.due_value, order.due_fees):
            self.confirming.want(order.order, record.at)  # the exchange has come to another number since

    def _listed(self, record: Record, event: FillsReported) -> None:
        order = self.find_listed(event) or self._recalled_by(event.exchange_order, record.at)
        contract_size = self.contract_sizes.get(event.product)
        if order is None or contract_size is None or order.product != event.product:
            return
        if order.list_fills(event, contract_size):
            self._owe(order, record.at)
        elif order.is_confirmed:
            self.confirming.done(order.order)

    def find_listed(self, event: FillsReported) -> Order | None:
        """The order, open or closed within a day, that lines of the list speak of."""
        return self.get(self.known_as.get(event.exchange_order, "")) or self.get(event.order)

    def _recalled_by(self, exchange_order: str, at: int) -> Order | None:
        key = self.known_as.get(exchange_order, "")
        old = self.settled.pop(key, None)
        if old is None:
            return None
        order = self.closed[key] = recalled(key, old, at)
        return order

    def _confirmed(self, record: Record, event: FillsConfirmed) -> None:
        order = self.get(event.order)
        self.confirming.done(event.order)
        if order is not None:
            order.is_confirmed = True
            self._owe(order, record.at)

    def _wanted(self, record: Record, event: FillsWanted) -> None:
        self.confirming.asked(event.order, record.at)

    def _product(self, _record: Record, event: ProductListed) -> None:
        if event.contract_size is not None:
            self.contract_sizes[event.product] = event.contract_size

    def _recalled(self, record: Record, report: OrderReported) -> Order | None:
        """A settled order that is spoken of again comes back among the closed ones for another day."""
        for key in (report.order, self.known_as.get(report.exchange_order, ""), report.exchange_order):
            old = self.settled.get(key) if key else None
            if old is not None and (old.product, old.side) == (report.product, report.side):
                del self.settled[key]
                order = self.closed[key] = recalled(key, old, record.at)
                return order
        return None

    def _adopted(self, record: Record, report: OrderReported) -> Order:
        """An order that we did not place: a manual trade, another program's, or a liquidation."""
        mine = self.open.get(report.order)
        if mine is not None:
            mine.stage = Stage.UNKNOWN  # somebody else's order stands under our id
        is_taken = report.order == "" or self.get(report.order) is not None or report.order in self.settled
        key = report.exchange_order if is_taken else report.order
        order = self.open[key] = Order(
            order=key,
            product=report.product,
            side=report.side,
            qty=report.qty,
            origin=Origin.FOREIGN if report.origin is Origin.OURS else report.origin,
            opened_at=record.at,
        )
        return order

    def _unknown(self, _record: Record, event: OrderOutcomeUnknown) -> None:
        order = self.open.get(event.order)
        if order is not None and order.stage in _UNHEARD:
            order.stage, order.reason = Stage.UNKNOWN, event.error

    def _not_found(self, record: Record, event: OrderNotFound) -> None:
        order = self.open.get(event.order)
        if order is not None and (order.stage is not Stage.WORKING or order.is_unconfirmed):
            order.given_up_at = order.given_up_at or record.at

    def _lapsed(self, _record: Record, event: OrderLapsed) -> None:
        order = self.open.get(event.order)
        if order is not None:
            order.reason = event.reason

    def _filled(self, record: Record, event: OrderFilled) -> None:
        order = self.get(event.order)
        if order is None:
            order = self.open[event.order] = order_of_a_fill(event, record.at)
        assert order.filled_qty + event.qty == event.filled_qty, (
            f"order {event.order}: a fill is missing or counted twice"
        )
        order.filled_qty = event.filled_qty
        order.filled_value += event.value
        order.fees += event.fee
        is_beyond = order.told_qty < order.filled_qty or isinstance(event, FillCorrected)
        if order.listed is None and is_beyond:  # a reader that hears fills and no reports
            order.told_qty, order.told_value, order.told_fees = order.filled_qty, order.filled_value, order.fees
        self._owe(order, record.at)

    def _closed(self, record: Record, event: OrderClosed) -> None:
        order = self.open.pop(event.order, None) or self.closed.pop(event.order, None)
        if order is None:
            return
        order.stage, order.status, order.closed_at = Stage.CLOSED, event.status, record.at
        order.is_unconfirmed = False
        order.reason = event.reason or order.reason
        self.closed[event.order] = order
        if order.due_qty and not order.is_confirmed:
            self.confirming.want(order.order, record.at)
        self._owe(order, record.at)

    def _owe(self, order: Order, at: int) -> None:
        """Keep in mind whose fills or end the exchange told and nobody has said yet."""
        if order.is_said:
            self.owing.pop(order.order, None)
        else:
            self.owing.setdefault(order.order, at)


_UNHEARD = frozenset({Stage.APPROVED, Stage.SUBMITTED})

_FOLDS: dict[type[Event], Callable[[Orders, Record, Any], None]] = {
    ClockTicked: Orders._ticked,
    OrderReported: Orders._reported,
    OrderFilled: Orders._filled,
    OrderApproved: Orders._approved,
    OrderSubmitted: Orders._submitted,
    OrderClosed: Orders._closed,
    OrderOutcomeUnknown: Orders._unknown,
    OrderNotFound: Orders._not_found,
    OrderLapsed: Orders._lapsed,
    ProductListed: Orders._product,
    FillsWanted: Orders._wanted,
    FillsReported: Orders._listed,
    FillCorrected: Orders._filled,
    FillsConfirmed: Orders._confirmed,
    SessionStarted: Orders._started,
}

assert frozenset(_FOLDS) == Orders.hears
