"""An order's life: proposed, approved or refused, submitted (the durable intent), reported, filled, closed.

`order` is our client order id (a UUID derived from session, actor, cause, index), `exchange_order` the exchange's.
`qty` is in the exchange's unit and positive; `side` gives the direction.
"""

from __future__ import annotations

from decimal import Decimal

from events.event import Event, Part
from events.terms import FillKind, OrderKind, OrderStatus, Origin, Side


class OrderProposed(Event, frozen=True):
    """A strategy wants an order. `as_of` is the exchange time of what the decision rests on."""

    proposal: str
    strategy: str
    product: str
    side: Side
    qty: Decimal
    kind: OrderKind
    limit_price: Decimal | None
    reduce_only: bool
    as_of: int
    reason: str
    mark: Decimal | None = None
    post_only: bool = False
    leverage: Decimal | None = None
    stop_price: Decimal | None = None  # what triggers a stop order, or the stop leg of a bracket
    good_until: int | None = None  # nanoseconds UTC; for kinds that end by themselves at a time


class OrderWanted(Event, frozen=True):
    """A strategy that shares its product wants an order. What crosses another's wish is netted, not sent.

    Fields as of `OrderProposed`; `netting` proposes what is left of it, under the same `proposal` (trading rules A19).
    """

    proposal: str
    strategy: str
    product: str
    side: Side
    qty: Decimal
    kind: OrderKind
    limit_price: Decimal | None
    reduce_only: bool
    as_of: int
    reason: str
    mark: Decimal | None = None
    post_only: bool = False
    leverage: Decimal | None = None
    stop_price: Decimal | None = None  # what triggers a stop order, or the stop leg of a bracket
    good_until: int | None = None  # nanoseconds UTC; for kinds that end by themselves at a time


class WishesGathered(Event, frozen=True):
    """Everything that strategies wanted of a product in one wave is here: it can be netted."""

    product: str


class InternalCrossed(Event, frozen=True):
    """Two strategies traded with each other at the mark; nothing was sent and the account did not move.

    `qty` is positive: the buyer's virtual position grows by it, the seller's shrinks. `value` is qty x price x
    contract_size, exact. Positions are signed, of each strategy after the cross.
    """

    product: str
    buyer: str
    seller: str
    buy_proposal: str
    sell_proposal: str
    qty: Decimal
    price: Decimal
    value: Decimal
    buyer_qty: Decimal
    seller_qty: Decimal


class CancelProposed(Event, frozen=True):
    strategy: str
    order: str
    reason: str


class Breach(Part, frozen=True):
    """One check that failed: its code, the limit and the value held against it, and the sentence for people."""

    code: str
    limit: str
    value: str
    message: str


class OrderApproved(Event, frozen=True):
    """Risk lets an order pass, with the size it may have. `asked` is the size proposed."""

    proposal: str
    strategy: str
    product: str
    side: Side
    asked: Decimal
    qty: Decimal
    kind: OrderKind
    limit_price: Decimal | None
    reduce_only: bool  # true also where reduce-only was forced by a mode
    expires_at: int
    reference_price: Decimal  # the mark that the approval counted with
    post_only: bool = False
    leverage: Decimal | None = None
    stop_price: Decimal | None = None  # what triggers a stop order, or the stop leg of a bracket
    good_until: int | None = None  # nanoseconds UTC; for kinds that end by themselves at a time
    cut: tuple[Breach, ...] = ()  # why less passes than was asked: the limits that its opening part would break


class OrderRefused(Event, frozen=True):
    """Risk refuses an order. Every breached check is listed; the first gives `code` and `message`."""

    proposal: str
    strategy: str
    product: str
    side: Side
    asked: Decimal
    code: str
    message: str
    breaches: tuple[Breach, ...]


class CancelApproved(Event, frozen=True):
    order: str
    reason: str
    keeps: Decimal | None = None  # so much of it is placed again when it is gone: it is cut, not given up


class CancelAllOrdered(Event, frozen=True):
    """Risk wants every resting order gone that could increase; `product` None means all products."""

    product: str | None
    reason: str


class OrderSubmitted(Event, frozen=True):
    """The intent: durable before anything is sent. The gateway may send exactly this, once, until `expires_at`."""

    order: str
    proposal: str
    strategy: str
    product: str
    side: Side
    qty: Decimal
    kind: OrderKind
    limit_price: Decimal | None
    reduce_only: bool
    expires_at: int
    reference_price: Decimal
    post_only: bool = False
    leverage: Decimal | None = None
    stop_price: Decimal | None = None  # what triggers a stop order, or the stop leg of a bracket
    good_until: int | None = None  # nanoseconds UTC; for kinds that end by themselves at a time


class CancelSubmitted(Event, frozen=True):
    """The intent to cancel. `exchange_order` is what the exchange is asked to cancel."""

    order: str
    exchange_order: str
    product: str
    reason: str


class OrderLapsed(Event, frozen=True):
    """An approval or an intent was not carried out in time and never will be."""

    order: str
    reason: str


class OrderReported(Event, frozen=True):
    """The exchange's cumulative view of one order. A report may come twice, late or out of order; it is applied once.

    `filled_value` is the sum of price x qty x contract_size over its fills, in quote currency; `fees` their sum.
    """

    order: str  # "" for an order that was not placed with an id of ours
    exchange_order: str
    product: str
    side: Side
    status: OrderStatus
    kind: OrderKind
    qty: Decimal
    filled_qty: Decimal
    filled_value: Decimal
    fees: Decimal
    limit_price: Decimal | None
    exchange_at: int
    origin: Origin = Origin.OURS
    reason: str = ""


class OrderRejected(Event, frozen=True):
    """The exchange refused to take an order; it never existed there."""

    order: str
    code: str
    message: str


class OrderOutcomeUnknown(Event, frozen=True):
    """An order was sent and nothing certain came back. It may exist; only the exchange's word resolves it."""

    order: str
    error: str


class OrderWithheld(Event, frozen=True):
    """The gateway did not send an intent, and never will: it stood behind a kill, a lapse or a lost feed."""

    order: str
    reason: str


class OrderNotFound(Event, frozen=True):
    """The exchange does not know an order of ours: complete listings since the intent do not contain it.

    Evidence for an unknown outcome: said by the gateway after two listings by the rule of late arrival.
    """

    order: str
    listings: int
    listed_at: tuple[int, ...] = ()  # session time of each listing, nanoseconds UTC


class CancelRejected(Event, frozen=True):
    order: str
    code: str
    message: str


class OrderFilled(Event, frozen=True):
    """A part of an order traded: the difference of two cumulative reports.

    `value` is exact: price x qty x contract_size summed over the part, in quote currency. `price` is shown, rounded
    where a part covers several prices, and never computed with.
    """

    order: str
    exchange_order: str
    strategy: str
    product: str
    side: Side
    qty: Decimal
    value: Decimal
    price: Decimal
    fee: Decimal
    filled_qty: Decimal  # cumulative, after this fill
    exchange_at: int
    origin: Origin = Origin.OURS


class FillEntry(Part, frozen=True):
    """One line of the exchange's list of fills. `entry` is its unique key; one trade can have several.

    `qty` is above zero, of a reversal too; `fee` is what this line charges, below zero where it gives back.
    """

    entry: str
    trade: str
    kind: FillKind
    qty: Decimal
    price: Decimal
    fee: Decimal
    exchange_at: int  # of the line, not of the trade
    is_maker: bool | None = None


class FillsWanted(Event, frozen=True):
    """The exchange is to be asked for the fills of an order: what was counted from its reports is provisional."""

    order: str
    exchange_order: str
    product: str
    filled_qty: Decimal  # as counted


class FillsReported(Event, frozen=True):
    """Lines of the exchange's list of fills, of one order. A line that comes twice or late counts once, by its key."""

    order: str  # "" where only the exchange's id is known
    exchange_order: str
    product: str
    entries: tuple[FillEntry, ...]


class FillCorrected(OrderFilled, frozen=True):
    """What was counted of an order is moved to the exchange's list of fills, by what this event adds.

    A fill that was taken back, booked anew at another price, or told differently by the order's reports. Folded like
    any fill: a reversal is the opposite trade at the same value.
    """

    why: str = ""


class FillsConfirmed(Event, frozen=True):
    """What is counted of an order is what the exchange's list of its fills adds up to, to the last digit."""

    order: str
    exchange_order: str
    product: str
    qty: Decimal
    value: Decimal
    fees: Decimal
    entries: int


class OrderClosed(Event, frozen=True):
    """An order is over; nothing more can fill, but for a late report, which reopens it."""

    order: str
    exchange_order: str
    product: str
    status: OrderStatus
    filled_qty: Decimal
    reason: str = ""
