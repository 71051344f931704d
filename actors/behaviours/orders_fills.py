"""What the exchange told of an order and nobody has said: its fills, its end, and that the fills are sure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from actors.behaviours.orders_state import State
from events.event import Event
from events.money import ZERO, plain, quotient
from events.orders import FillCorrected, FillsConfirmed, FillsWanted, OrderClosed, OrderFilled
from events.terms import OrderStatus
from projections.order import Order
from projections.positions import PRICE_PLACES

#: So many orders' fills are asked for in one second at most.
FILLS_ASKED_AT_ONCE = 20


def told(state: State, order: Order, outstanding: Sequence[Event]) -> list[Event]:
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
        events.append(closed(order, order.status, order.reason))
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


def closed(order: Order, status: OrderStatus, reason: str) -> OrderClosed:
    return OrderClosed(
        order=order.order,
        exchange_order=order.exchange_order,
        product=order.product,
        status=status,
        filled_qty=order.due_qty,
        reason=reason,
    )


def asked_for(state: State, at: int, outstanding: Sequence[Event]) -> list[FillsWanted]:
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
