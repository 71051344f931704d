"""One order: what is asked, what the exchange told of it, what of that has been counted.

The exchange's reports are cumulative and may come twice, late or out of order. What an order is known to have traded
is the greatest of its reports (`told_*`), until the exchange's list of its fills holds as much: then the list counts
(`due_*`). What has been counted is the sum of its `OrderFilled` (`filled_*`). The difference of the two is what still
has to be said, so that every report and every line of the list counts once, whatever the order they came in.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from events.money import ZERO
from events.orders import FillsReported, OrderFilled, OrderReported
from events.terms import OrderKind, OrderStatus, Origin, Side
from projections.fills_list import FillsList


class Stage(StrEnum):
    """How far an order of ours has come, by what the log says."""

    APPROVED = "approved"  # risk let it pass; the intent is not said yet
    SUBMITTED = "submitted"  # the intent is durable; the exchange has not spoken
    WORKING = "working"  # the exchange knows it
    UNKNOWN = "unknown"  # sent, and nothing certain came back
    CLOSED = "closed"


class Order(msgspec.Struct, kw_only=True):
    """One order. Quantities in the exchange's unit, values and fees in quote currency, times in nanoseconds UTC."""

    order: str
    product: str
    side: Side
    qty: Decimal
    exchange_order: str = ""
    proposal: str = ""
    strategy: str = ""
    kind: OrderKind = OrderKind.UNKNOWN
    limit_price: Decimal | None = None
    reference_price: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False
    leverage: Decimal | None = None
    stop_price: Decimal | None = None
    good_until: int | None = None
    origin: Origin = Origin.OURS
    expires_at: int = 0
    stage: Stage = Stage.WORKING
    status: OrderStatus = OrderStatus.PENDING
    is_final: bool = False  # the exchange said its last word, not only we
    is_unconfirmed: bool = False  # of an earlier session, and not reported in this one
    given_up_at: int = 0  # the exchange did not know it then; 0: it was not looked for in vain
    turned_up: bool = False  # it was given up, and it lives: nobody wants it any more
    filled_qty: Decimal = ZERO  # counted by OrderFilled
    filled_value: Decimal = ZERO
    fees: Decimal = ZERO
    told_qty: Decimal = ZERO  # the greatest report
    told_value: Decimal = ZERO
    told_fees: Decimal = ZERO
    told_at: int = 0
    listed: FillsList | None = None  # what the exchange's list of its fills says
    is_confirmed: bool = False  # what is counted is what the list adds up to
    heard_at: int = 0  # exchange time of the latest status
    opened_at: int = 0
    closed_at: int = 0
    reason: str = ""

    @property
    def leaves(self) -> Decimal:
        """What can still trade; of a closed order nothing."""
        if self.stage is Stage.CLOSED or self.filled_qty >= self.qty:
            return ZERO
        return self.qty - self.filled_qty

    @property
    def rest(self) -> Decimal:
        """What can still trade by the exchange's latest word, though its fills and its end may not be said yet."""
        if self.is_final or self.stage is Stage.CLOSED:
            return ZERO
        return max(self.qty - max(self.told_qty, self.filled_qty), ZERO)

    @property
    def unsaid(self) -> Decimal:
        """The signed quantity that the exchange told and no fill has said: it is in the position already."""
        return (self.due_qty - self.filled_qty) * self.side.sign

    @property
    def is_listed(self) -> bool:
        """Whether the list of its fills holds as much as its reports told; it may be late, never early."""
        return self.listed is not None and self.listed.qty >= self.told_qty

    @property
    def due_qty(self) -> Decimal:
        """What it has traded, by the best that is known: the list, or what was told and what the list changes of it."""
        if self.listed is None:
            return self.told_qty
        return max(self.listed.qty, self.told_qty) + self.listed.changed_qty

    @property
    def due_value(self) -> Decimal:
        if self.listed is None:
            return self.told_value
        return (self.listed.value if self.is_listed else self.told_value) + self.listed.changed_value

    @property
    def due_fees(self) -> Decimal:
        if self.listed is None:
            return self.told_fees
        return (self.listed.fees if self.is_listed else self.told_fees) + self.listed.changed_fees

    @property
    def is_open(self) -> bool:
        return self.stage is not Stage.CLOSED

    @property
    def is_uncertain(self) -> bool:
        """Nobody can say whether it exists: its exposure counts, and its product takes no entries."""
        return self.stage is Stage.UNKNOWN or (self.is_unconfirmed and self.stage is not Stage.CLOSED)

    @property
    def is_said(self) -> bool:
        """Everything that the exchange told of it has been said: its fills, and its end."""
        return (
            self.filled_qty == self.due_qty
            and self.fees == self.due_fees
            and self.filled_value == self.due_value
            and self.is_listed <= self.is_confirmed
            and self.is_final <= (self.stage is Stage.CLOSED)
        )

    def hear(self, report: OrderReported) -> None:
        """Take what is new in a report. In whatever order reports are heard, the outcome is the same."""
        self.exchange_order = report.exchange_order or self.exchange_order
        self.limit_price = self.limit_price if report.limit_price is None else report.limit_price
        if self.kind is OrderKind.UNKNOWN:
            self.kind = report.kind
        if report.status.is_final:
            self.status, self.is_final, self.reason = report.status, True, report.reason or self.reason
        elif not self.is_final and report.exchange_at >= self.heard_at:
            self.status = report.status
            if self.origin is not Origin.OURS:
                self.qty = report.qty
        self.heard_at = max(self.heard_at, report.exchange_at)
        told = (report.filled_qty, report.exchange_at, report.fees, report.filled_value)
        if told > (self.told_qty, self.told_at, self.told_fees, self.told_value):
            self.told_qty, self.told_at, self.told_fees, self.told_value = told
            self.is_confirmed = self.is_confirmed and self.is_listed
        if self.stage is not Stage.CLOSED:
            self.stage = Stage.WORKING
        self.is_unconfirmed = False

    def list_fills(self, event: FillsReported, contract_size: Decimal) -> bool:
        """Count lines of the list; whether any was new."""
        listed = self.listed or FillsList()
        is_new = [listed.take(entry, contract_size) for entry in event.entries]
        if any(is_new):
            self.listed, self.is_confirmed = listed, False
        return any(is_new)


class Settled(msgspec.Struct, kw_only=True, array_like=True):
    """What stays known of an order for ever: who it was, and what it has traded."""

    product: str
    side: Side
    exchange_order: str
    strategy: str
    origin: Origin
    status: OrderStatus
    is_final: bool
    qty: Decimal
    told_qty: Decimal
    told_value: Decimal
    told_fees: Decimal
    told_at: int
    listed: FillsList | None = None
    is_confirmed: bool = False


def settled(order: Order) -> Settled:
    """What stays of a closed order."""
    return Settled(
        product=order.product,
        side=order.side,
        exchange_order=order.exchange_order,
        strategy=order.strategy,
        origin=order.origin,
        status=order.status,
        is_final=order.is_final,
        qty=order.qty,
        told_qty=order.told_qty,
        told_value=order.told_value,
        told_fees=order.told_fees,
        told_at=order.told_at,
        listed=order.listed,
        is_confirmed=order.is_confirmed,
    )


def recalled(key: str, old: Settled, at: int) -> Order:
    """A settled order as a closed one again, since it is spoken of."""
    order = Order(
        order=key,
        product=old.product,
        side=old.side,
        qty=old.qty,
        exchange_order=old.exchange_order,
        strategy=old.strategy,
        origin=old.origin,
        stage=Stage.CLOSED,
        status=old.status,
        is_final=old.is_final,
        told_qty=old.told_qty,
        told_value=old.told_value,
        told_fees=old.told_fees,
        told_at=old.told_at,
        listed=old.listed,
        is_confirmed=old.is_confirmed,
        heard_at=old.told_at,
        closed_at=at,
    )
    order.filled_qty, order.filled_value, order.fees = order.due_qty, order.due_value, order.due_fees
    return order


def order_of_a_fill(event: OrderFilled, at: int) -> Order:
    """An order of which a reader first hears by its fill."""
    return Order(
        order=event.order,
        product=event.product,
        side=event.side,
        qty=event.filled_qty,
        exchange_order=event.exchange_order,
        strategy=event.strategy,
        origin=event.origin,
        opened_at=at,
    )
