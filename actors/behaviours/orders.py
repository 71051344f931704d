"""The life of every order: from approval to the durable intent, from the exchange's reports to fills and an end.

An approval becomes an intent (`OrderSubmitted`), and nothing else ever does. A report is cumulative: what it shows
beyond what was counted is said as `OrderFilled`, so a report that comes twice, late or out of order counts once,
whoever brings it. Once the exchange's list of an order's fills holds as much, the list is what counts: what was said
is corrected to it, and confirmed. An order whose outcome is unknown stays unknown until there is evidence. A cancel
that is wanted is asked for as soon as the exchange's id is known, and again every few seconds until the order is
confirmed gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from events.event import Event
from events.ids import derived_id
from events.money import ZERO, plain, quotient
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelSubmitted,
    FillCorrected,
    FillsConfirmed,
    FillsReported,
    FillsWanted,
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderLapsed,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
    OrderWithheld,
)
from events.record import Record
from events.session import ClockTicked, StopRequested
from events.terms import NANOSECONDS, OrderStatus
from projections.cancels import Cancels
from projections.order import Order, Stage
from projections.orders import Orders
from projections.positions import PRICE_PLACES, Positions

NAME = "orders"
#: So many orders' fills are asked for in one second at most.
FILLS_ASKED_AT_ONCE = 20
#: An order that two listings did not contain keeps its exposure this much longer (trading rules B9).
GIVEN_UP_KEPT_NS = 60 * NANOSECONDS


class State(msgspec.Struct, kw_only=True):
    orders: Orders = msgspec.field(default_factory=Orders)
    positions: Positions = msgspec.field(default_factory=Positions)
    cancels: Cancels = msgspec.field(default_factory=Cancels)


class OrdersBehaviour:
    """Says OrderSubmitted, OrderFilled, OrderClosed, OrderLapsed, CancelSubmitted, and what becomes of fills."""

    name = NAME
    hears: frozenset[type[Event]] = Orders.hears | Positions.hears | Cancels.hears | {OrderRejected, OrderWithheld}

    def __init__(self) -> None:
        self.state = State()

    @property
    def answers(self) -> frozenset[type[Event]]:
        return frozenset(_ANSWERS)

    def fold(self, record: Record) -> None:
        state = self.state
        state.orders.fold(record)
        state.positions.fold(record)
        state.cancels.fold(record, state.orders, state.positions)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        answer = _ANSWERS.get(type(record.event))
        return () if answer is None else answer(self.state, record, record.event, outstanding)


def _submit(state: State, record: Record, event: OrderApproved, _outstanding: Sequence[Event]) -> Sequence[Event]:
    order = state.orders.open[derived_id(state.orders.session, NAME, record.seq)]
    if record.at > event.expires_at:
        return _lapse(order, "the approval expired before it became an intent")
    if event.reduce_only and _exceeds_position(state, order):
        return _lapse(order, "the position shrank since the approval")
    return [
        OrderSubmitted(
            order=order.order,
            proposal=event.proposal,
            strategy=event.strategy,
            product=event.product,
            side=event.side,
            qty=event.qty,
            kind=event.kind,
            limit_price=event.limit_price,
            reduce_only=event.reduce_only,
            expires_at=event.expires_at,
            reference_price=event.reference_price,
            post_only=event.post_only,
            leverage=event.leverage,
        )
    ]


def _report(state: State, record: Record, event: OrderReported, outstanding: Sequence[Event]) -> Sequence[Event]:
    order = state.orders.find(event)
    assert order is not None, "a report that was folded has its order"
    events = _told(state, order, outstanding)
    return events + _cancels(state, record.at, [order], [*outstanding, *events])


def _listed(state: State, _record: Record, event: FillsReported, outstanding: Sequence[Event]) -> Sequence[Event]:
    order = state.orders.find_listed(event)
    return () if order is None else _told(state, order, outstanding)


def _told(state: State, order: Order, outstanding: Sequence[Event]) -> list[Event]:
    """What the exchange told of an order and nobody has said: the rest of its fills, its end, their confirmation."""
    qty, value, fee = (
        order.due_qty - order.filled_qty,
        order.due_value - order.filled_value,
        order.due_fees - order.fees,
    )
    is_closed, is_confirmed = not order.is_open, order.is_confirmed
    for said in outstanding:
        if isinstance(said, OrderFilled) and said.order == order.order:
            qty, value, fee = qty - said.qty, value - said.value, fee - said.fee
        elif isinstance(said, OrderClosed) and said.order == order.order:
            is_closed = True
        elif isinstance(said, FillsConfirmed) and said.order == order.order:
            is_confirmed = is_confirmed or said == _confirmed(order)
    events: list[Event] = []
    if qty or value or fee:
        fill = _fill(state, order, qty, value, fee)
        events.append(fill)
        is_closed = is_closed and isinstance(fill, FillCorrected)
    if order.is_final and not is_closed:
        events.append(_close(order, order.status, order.reason))
    if order.is_listed and not is_confirmed:
        events.append(_confirmed(order))
    return events


def _fill(state: State, order: Order, qty: Decimal, value: Decimal, fee: Decimal) -> OrderFilled:
    listed = order.listed
    why = "" if listed is None else "a fill was taken back or booked anew" if listed.is_changed else "the list of fills"
    is_correction = bool(why) and (qty <= 0 or (listed is not None and listed.is_changed and order.is_listed))
    fill = OrderFilled(
        order=order.order,
        exchange_order=order.exchange_order,
        strategy=order.strategy,
        product=order.product,
        side=order.side,
        qty=qty,
        value=value,
        price=_price(state, order, qty, value),
        fee=fee,
        filled_qty=order.due_qty,
        exchange_at=max(order.told_at, 0 if listed is None else listed.through),
        origin=order.origin,
    )
    return FillCorrected(**msgspec.structs.asdict(fill), why=why) if is_correction else fill


def _confirmed(order: Order) -> FillsConfirmed:
    assert order.listed is not None
    return FillsConfirmed(
        order=order.order,
        exchange_order=order.exchange_order,
        product=order.product,
        qty=order.due_qty,
        value=order.due_value,
        fees=order.due_fees,
        entries=len(order.listed.entries),
    )


def _price(state: State, order: Order, qty: Decimal, value: Decimal) -> Decimal:
    """The average price of the part, for show; of a mere correction, that of the whole order."""
    if not qty:
        qty, value = order.due_qty, order.due_value
    contract_size = state.positions.of(order.product).contract_size
    if not qty or contract_size is None:
        return order.limit_price or ZERO
    return plain(quotient(value, qty * contract_size, places=PRICE_PLACES))


def _close(order: Order, status: OrderStatus, reason: str) -> OrderClosed:
    return OrderClosed(
        order=order.order,
        exchange_order=order.exchange_order,
        product=order.product,
        status=status,
        filled_qty=order.due_qty,
        reason=reason,
    )


def _exceeds_position(state: State, order: Order) -> bool:
    """Whether the open orders of its side, this one included, are more than there is to reduce."""
    product, side = order.product, order.side
    held = state.positions.of(product).qty + state.orders.unsaid(product)
    asked = sum((each.rest for each in state.orders.open_orders(product) if each.side is side), ZERO)
    return asked > max(-side.sign * held, ZERO)


def _lapse(order: Order, reason: str) -> list[Event]:
    return [OrderLapsed(order=order.order, reason=reason), _close(order, OrderStatus.CANCELLED, reason)]


def _reject(state: State, _record: Record, event: OrderRejected, outstanding: Sequence[Event]) -> Sequence[Event]:
    return _never_existed(state, event.order, OrderStatus.FAILED, f"{event.code}: {event.message}", outstanding)


def _withhold(state: State, _record: Record, event: OrderWithheld, outstanding: Sequence[Event]) -> Sequence[Event]:
    return _never_existed(state, event.order, OrderStatus.CANCELLED, f"not sent: {event.reason}", outstanding)


def _never_existed(
    state: State, key: str, status: OrderStatus, reason: str, outstanding: Sequence[Event]
) -> Sequence[Event]:
    """The end of an order that the exchange never had. What the exchange itself reported in this session exists."""
    order = state.orders.open.get(key)
    if order is None or _is_closing(key, outstanding):
        return ()
    if order.stage is Stage.WORKING and not order.is_unconfirmed:
        return ()
    return [_close(order, status, reason)]


def _cancel_all(state: State, record: Record, _event: Event, outstanding: Sequence[Event]) -> Sequence[Event]:
    return _cancels(state, record.at, state.orders.open.values(), outstanding)


def _cancels(state: State, at: int, orders: Iterable[Order], outstanding: Sequence[Event]) -> list[Event]:
    """The intents to cancel that are due among `orders`."""
    if not state.cancels.wanted:
        return []
    said = {said.order for said in outstanding if isinstance(said, CancelSubmitted | OrderClosed)}
    return [
        CancelSubmitted(
            order=order.order, exchange_order=order.exchange_order, product=order.product, reason=cancel.reason
        )
        for order in orders
        if order.order not in said and (cancel := state.cancels.due(order, at)) is not None
    ]


def _tick(state: State, record: Record, _event: ClockTicked, outstanding: Sequence[Event]) -> Sequence[Event]:
    events: list[Event] = []
    for order in state.orders.open.values():
        if _is_closing(order.order, outstanding):
            continue
        if order.stage is Stage.APPROVED and record.at > order.expires_at:
            events += _lapse(order, "the approval expired before it became an intent")
        elif order.given_up_at and not order.turned_up and record.at >= order.given_up_at + GIVEN_UP_KEPT_NS:
            events.append(_close(order, OrderStatus.CANCELLED, "not found at the exchange"))
    for key, since in state.orders.owing.items():
        owed = state.orders.get(key)
        if owed is not None and since < record.at:  # whoever should have said it was out
            events += _told(state, owed, outstanding)
    events += _ask_for_fills(state, record.at, [*outstanding, *events])
    return events + _cancels(state, record.at, state.orders.open.values(), [*outstanding, *events])


def _ask_for_fills(state: State, at: int, outstanding: Sequence[Event]) -> list[FillsWanted]:
    """The orders that are over and whose fills are still provisional, when the exchange's list is due to be read."""
    asked = {said.order for said in outstanding if isinstance(said, FillsWanted | FillsConfirmed)}
    due = [key for key, since in state.orders.confirming.due.items() if since <= at and key not in asked]
    orders = [order for key in due[:FILLS_ASKED_AT_ONCE] if (order := state.orders.get(key)) is not None]
    return [
        FillsWanted(
            order=order.order,
            exchange_order=order.exchange_order,
            product=order.product,
            filled_qty=order.filled_qty,
        )
        for order in orders
    ]


def _is_closing(key: str, outstanding: Sequence[Event]) -> bool:
    return any(isinstance(said, OrderClosed) and said.order == key for said in outstanding)


_ANSWERS: dict[type[Event], Callable[[State, Record, Any, Sequence[Event]], Sequence[Event]]] = {
    ClockTicked: _tick,
    OrderReported: _report,
    FillsReported: _listed,
    OrderApproved: _submit,
    OrderRejected: _reject,
    OrderWithheld: _withhold,
    CancelApproved: _cancel_all,
    CancelAllOrdered: _cancel_all,
    StopRequested: _cancel_all,
}
