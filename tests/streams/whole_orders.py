"""Orders folded in a session, from an approval with every word set to the list of its fills."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.ids import derived_id
from events.orders import (
    FillEntry,
    FillsConfirmed,
    FillsReported,
    OrderApproved,
    OrderClosed,
    OrderSubmitted,
)
from events.record import AnyEvent, Record
from events.session import ClockTicked
from events.terms import FillKind, OrderKind, OrderStatus, Side
from projections.order import Order, Stage
from projections.orders import KEPT_NS, Orders
from tests.streams.desk import HOUR, MONDAY, SECOND
from tests.streams.facts import BIP, filled, listed, started
from tests.streams.orders import order_reported

D = Decimal

#: An approval in which every word differs from what an order has by itself.
WHOLE = OrderApproved(
    proposal="p-9",
    strategy="carry",
    product=BIP,
    side=Side.SELL,
    asked=D(9),
    qty=D(7),
    kind=OrderKind.TRIGGER_BRACKET_GTD,
    limit_price=D(51_000),
    reduce_only=True,
    expires_at=MONDAY + SECOND,
    reference_price=D(50_500),
    post_only=True,
    leverage=D(2),
    stop_price=D(49_000),
    good_until=MONDAY + HOUR,
)
#: Whose order it is, as everything below has it.
KEY = derived_id("s-1", "orders", 2)


def fold(orders: Orders, *events: AnyEvent, at: int = MONDAY, first: int = 1) -> Orders:
    for seq, event in enumerate(events, first):
        orders.fold(Record(seq=seq, at=at, by="test", event=event))
    return orders


def session(*events: AnyEvent, at: int = MONDAY, mode: str = "live") -> Orders:
    """A session that knows the size of a contract; what comes first of `events` is line 2 of its log."""
    orders = Orders()
    orders.fold(Record(seq=0, at=MONDAY, by="session", event=started(mode=mode)))
    orders.fold(Record(seq=1, at=MONDAY, by="market", event=listed()))
    return fold(orders, *events, at=at, first=2)


def intent(order: str = KEY) -> OrderSubmitted:
    words = msgspec.structs.asdict(WHOLE)
    return OrderSubmitted(order=order, **{name: words[name] for name in words if name not in ("asked", "cut")})


def as_approved(stage: Stage, *, opened_at: int) -> Order:
    words = msgspec.structs.asdict(WHOLE)
    kept = {name: words[name] for name in words if name not in ("asked", "cut")}
    return Order(order=KEY, stage=stage, opened_at=opened_at, **kept)


def ended(
    order: str = "a", *, qty: str = "0", status: OrderStatus = OrderStatus.CANCELLED, why: str = ""
) -> OrderClosed:
    return OrderClosed(
        order=order, exchange_order=f"x-{order}", product=BIP, status=status, filled_qty=D(qty), reason=why
    )


def lines(*entries: FillEntry, order: str = "a", known_as: str | None = None, product: str = BIP) -> FillsReported:
    exchange_order = f"x-{order}" if known_as is None else known_as
    return FillsReported(order=order, exchange_order=exchange_order, product=product, entries=entries)


def line(qty: str, price: str = "50000", *, entry: str = "e-1", fee: str = "0") -> FillEntry:
    return FillEntry(
        entry=entry, trade="t-1", kind=FillKind.FILL, qty=D(qty), price=D(price), fee=D(fee), exchange_at=MONDAY
    )


def confirmed(order: str = "a", *, qty: str = "5", value: str = "2500", fees: str = "0") -> FillsConfirmed:
    return FillsConfirmed(
        order=order, exchange_order=f"x-{order}", product=BIP, qty=D(qty), value=D(value), fees=D(fees), entries=1
    )


def done() -> tuple[AnyEvent, ...]:
    """Order a: 5 bought at 50,000, told, filled and closed."""
    fill = filled(Side.BUY, "5", "50000", at=MONDAY, order="a")
    return order_reported("a", OrderStatus.FILLED, "5"), fill, ended(qty="5", status=OrderStatus.FILLED)


def a_day_later(orders: Orders) -> Orders:
    return fold(orders, ClockTicked(), at=MONDAY + KEPT_NS)
