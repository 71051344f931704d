"""Orders and fills as the exchange keeps them: an order is a running total, a fill is one line that never changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from events.ids import derived_id
from events.money import ZERO, quotient
from events.terms import OrderKind, Side
from projections.matching import Match
from replay.exchange.plans import AnyPlan, Attached, Bracket, Stop


class Status(StrEnum):
    """The exchange's words. A partly filled live order is OPEN."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"  # taken, and refused later
    QUEUED = "QUEUED"  # its time has not begun


class TimeInForce(StrEnum):
    GTC = "GOOD_UNTIL_CANCELLED"
    GTD = "GOOD_UNTIL_DATE_TIME"
    IOC = "IMMEDIATE_OR_CANCEL"
    FOK = "FILL_OR_KILL"


_LIVING = frozenset({Status.PENDING, Status.OPEN, Status.QUEUED})

#: An `order_configuration` as sent: one key, its fields as text or booleans.
OrderConfiguration = dict[str, dict[str, str | bool | int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a client asked for, read and of the right form; nothing is said yet about whether it may be."""

    client_order_id: str
    product: str  # the exchange's id
    side: Side
    configuration: OrderConfiguration
    kind: OrderKind
    qty: Decimal
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.IOC
    expires_at: int | None = None
    post_only: bool = False
    leverage: Decimal | None = None  # international products only
    margin_type: str = ""
    plan: AnyPlan | None = None
    attached: Attached | None = None
    self_trade_prevention_id: str = ""
    is_manual: bool = False  # placed by hand in the exchange's own application, not by a client


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order is not taken, in the exchange's two vocabularies; clients read both."""

    new_order: str
    preview: str
    message: str


@dataclass(slots=True, kw_only=True)
class Order:
    """One order. `number` counts from 1 in the order of acceptance; `value` is price x qty x contract_size, summed."""

    number: int
    order_id: str
    ticket: Ticket
    contract_size: Decimal
    created_at: int
    status: Status = Status.PENDING
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    fills: int = 0
    last_fill_at: int | None = None
    cancel_message: str = ""
    is_liquidation: bool = False
    is_triggered: bool = False  # its stop was reached
    is_cancel_queued: bool = False  # it will be cancelled, unless it is over before
    is_edit_queued: bool = False  # it will be changed, unless it is over before
    parts_begun: int = 0  # of an order over time
    reject_message: str = ""
    originating_order_id: str = ""  # the order that a bracket hangs on
    attached_order_id: str = ""  # the bracket that hangs on it, from its first fill on
    edits: tuple[tuple[Decimal, Decimal, int], ...] = ()  # price, size, and when it took them

    @property
    def is_open(self) -> bool:
        return self.status in _LIVING

    @property
    def is_waiting(self) -> bool:
        """Whether a trade may still trigger it."""
        return self.is_open and not self.is_triggered and isinstance(self.ticket.plan, Stop | Bracket)

    @property
    def shown_status(self) -> str:
        """As clients are told it."""
        if self.is_open and (self.is_cancel_queued or self.is_edit_queued):
            return "CANCEL_QUEUED" if self.is_cancel_queued else "EDIT_QUEUED"
        return self.status.value

    @property
    def reduces_only(self) -> bool:
        return isinstance(self.ticket.plan, Bracket)

    @property
    def leaves(self) -> Decimal:
        """What can still trade; nothing once the order is over, filled or not."""
        return self.ticket.qty - self.filled if self.is_open else ZERO

    @property
    def average_price(self) -> Decimal:
        """Shown with eight decimals; zero before the first fill."""
        return quotient(self.value, self.filled * self.contract_size, places=8) if self.filled else ZERO

    @property
    def completion(self) -> Decimal:
        return quotient(self.filled * 100, self.ticket.qty, places=2)

    @property
    def value_after_fees(self) -> Decimal:
        return self.value + self.fees if self.ticket.side is Side.BUY else self.value - self.fees


def as_created(order: Order) -> Order:
    """The order as it was before anything happened to it."""
    return Order(
        number=order.number,
        order_id=order.order_id,
        ticket=order.ticket,
        contract_size=order.contract_size,
        created_at=order.created_at,
        is_liquidation=order.is_liquidation,
        originating_order_id=order.originating_order_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of ours. `number` counts from 1; `entry_id` is the unique key."""

    number: int
    entry_id: str
    trade_id: str
    order: Order
    qty: Decimal
    price: Decimal
    fee: Decimal
    is_maker: bool
    at: int
    trade_type: str = "FILL"
    reverses: str = ""  # the entry that a REVERSAL takes back


@dataclass(slots=True)
class Ledger:
    """Every order and fill since the exchange started, in order, and the ways to find them."""

    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    by_id: dict[str, Order] = field(default_factory=dict)
    by_client_id: dict[str, Order] = field(default_factory=dict)
    open: dict[str, Order] = field(default_factory=dict)

    def add(self, order: Order) -> None:
        self.orders.append(order)
        self.by_id[order.order_id] = order
        if not order.is_liquidation:  # the exchange's own order has no client and no client's id
            self.by_client_id[order.ticket.client_order_id] = order
        self.open[order.order_id] = order

    def add_fill(self, order: Order, match: Match, *, fee: Decimal, at: int) -> None:
        """A trade of an order: counted in its totals, and a line of its own."""
        order.filled += match.qty
        order.fees += fee
        order.fills += 1
        order.last_fill_at = at
        number = len(self.fills) + 1
        self.fills.append(
            Fill(
                number=number,
                entry_id=_entry_id(number),
                trade_id=derived_id("exchange", "trade", number),
                order=order,
                qty=match.qty,
                price=match.price,
                fee=fee,
                is_maker=match.is_maker,
                at=at,
            )
        )

    def add_correction(self, fill: Fill, *, trade_type: str, price: Decimal, fee: Decimal, at: int) -> None:
        """A line that takes a fill back, or books it anew: the same trade, an entry of its own."""
        number = len(self.fills) + 1
        fill.order.fees += fee
        reverses = fill.entry_id if trade_type == "REVERSAL" else ""
        changed = replace(fill, number=number, entry_id=_entry_id(number), at=at, price=price, fee=fee)
        self.fills.append(replace(changed, trade_type=trade_type, reverses=reverses))


def _entry_id(number: int) -> str:
    return hashlib.sha256(f"exchange|entry|{number}".encode()).hexdigest()
