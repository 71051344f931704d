"""The life of every order: from approval to the durable intent, from the exchange's reports to fills and an end.

An approval becomes an intent (`OrderSubmitted`), and nothing else ever does; where another order of ours stands in its
way it waits until that one is confirmed gone, or lapses. A report is cumulative: what it shows beyond what was counted
is said as `OrderFilled`, so a report that comes twice, late or out of order counts once, whoever brings it. Once the
exchange's list of an order's fills holds as much, the list is what counts: what was said is corrected to it, and
confirmed. An order whose outcome is unknown stays unknown until there is evidence. A cancel that is wanted is asked
for as soon as the exchange's id is known, and again every few seconds until the order is confirmed gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from actors.behaviours.orders_fills import asked_for, closed, told
from actors.behaviours.orders_state import State
from events.event import Event
from events.ids import derived_id
from events.money import ZERO
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelSubmitted,
    FillsReported,
    OrderApproved,
    OrderClosed,
    OrderLapsed,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
    OrderWithheld,
)
from events.record import Record
from events.session import ClockTicked, SessionStarted, StopRequested
from events.terms import NANOSECONDS, OrderKind, OrderStatus
from projections.cancels import Cancels
from projections.crossing import in_the_way
from projections.order import Order, Stage
from projections.orders import Orders
from projections.positions import Positions

NAME = "orders"
#: An order that two listings did not contain keeps its exposure this much longer (trading rules B9).
GIVEN_UP_KEPT_NS = 60 * NANOSECONDS


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
        if isinstance(record.event, SessionStarted):
            state.setting = record.event.configuration.orders
        state.orders.fold(record)
        state.positions.fold(record)
        state.cancels.fold(record, state.orders, state.positions)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        answer = _ANSWERS.get(type(record.event))
        return () if answer is None else answer(self.state, record, record.event, outstanding)


def _approve(state: State, record: Record, event: OrderApproved, outstanding: Sequence[Event]) -> Sequence[Event]:
    order = state.orders.open[derived_id(state.orders.session, NAME, record.seq)]
    if record.at > event.expires_at:
        return _lapse(order, "the approval expired before it became an intent")
    return _submit(state, record.at, order, outstanding)


def _submit(state: State, at: int, order: Order, outstanding: Sequence[Event]) -> list[Event]:
    """The intent of an approved order; nothing while it waits for another of ours to be gone."""
    if _waits(state, order, outstanding):
        return []
    if order.reduce_only and _exceeds_position(state, order):
        return _lapse(order, "the position shrank since the approval")
    kind, good_until = order.kind, order.good_until
    if state.setting.protective_bracket and kind is OrderKind.LIMIT_GTC and not order.reduce_only:
        # Nobody would protect what fills while we are gone (trading rules A17).
        kind, good_until = OrderKind.LIMIT_GTD, at + state.setting.entry_rests_s * NANOSECONDS
    return [
        OrderSubmitted(
            order=order.order,
            proposal=order.proposal,
            strategy=order.strategy,
            product=order.product,
            side=order.side,
            qty=order.qty,
            kind=kind,
            limit_price=order.limit_price,
            reduce_only=order.reduce_only,
            expires_at=order.expires_at,
            reference_price=order.reference_price or ZERO,
            post_only=order.post_only,
            leverage=order.leverage,
            stop_price=order.stop_price,
            good_until=good_until,
        )
    ]


def _waits(state: State, order: Order, outstanding: Sequence[Event]) -> bool:
    """Whether another of ours must be confirmed gone first (trading rules A17, A20)."""
    closing = {said.order for said in outstanding if isinstance(said, OrderClosed)}
    standing = in_the_way(state.orders.open_orders(order.product), order)
    return any(other.order not in closing for other in standing)


def _go_on(state: State, at: int, outstanding: Sequence[Event], product: str | None = None) -> list[Event]:
    """The intents of approved orders that waited and need not any more."""
    said = {each.order for each in outstanding if isinstance(each, OrderSubmitted | OrderClosed)}
    events: list[Event] = []
    for order in state.orders.open_orders(product):
        is_waiting = order.stage is Stage.APPROVED and not order.is_unconfirmed and at <= order.expires_at
        if not is_waiting or order.order in said:
            continue
        if order.order in state.cancels.wanted:  # a kill, say: nothing that could increase leaves behind it
            events += _lapse(order, f"cancelled while it waited: {state.cancels.wanted[order.order].reason}")
        else:
            events += _submit(state, at, order, [*outstanding, *events])
    return events


def _over(state: State, record: Record, event: OrderClosed, outstanding: Sequence[Event]) -> Sequence[Event]:
    """Somebody may have waited for this."""
    return _go_on(state, record.at, outstanding, event.product)


def _report(state: State, record: Record, event: OrderReported, outstanding: Sequence[Event]) -> Sequence[Event]:
    order = state.orders.find(event)
    assert order is not None, "a report that was folded has its order"
    events = told(state, order, outstanding)
    return events + _cancels(state, record.at, [order], [*outstanding, *events])


def _listed(state: State, _record: Record, event: FillsReported, outstanding: Sequence[Event]) -> Sequence[Event]:
    order = state.orders.find_listed(event)
    return () if order is None else told(state, order, outstanding)


def _exceeds_position(state: State, order: Order) -> bool:
    """Whether the open orders of its side, this one included, are more than there is to reduce.

    A bracket does not count where the exchange itself closes the position: it would be asked for what is there.
    """
    product, side = order.product, order.side
    held = state.positions.of(product).qty + state.orders.unsaid(product)
    orders = [each for each in state.orders.open_orders(product) if each.side is side]
    if order.kind is OrderKind.CLOSE_POSITION:
        orders = [each for each in orders if not each.kind.is_bracket]
    asked = sum((each.rest for each in orders), ZERO)
    return asked > max(-side.sign * held, ZERO)


def _lapse(order: Order, reason: str) -> list[Event]:
    return [OrderLapsed(order=order.order, reason=reason), closed(order, OrderStatus.CANCELLED, reason)]


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
    return [closed(order, status, reason)]


def _cancel_all(state: State, record: Record, _event: Event, outstanding: Sequence[Event]) -> Sequence[Event]:
    events = _go_on(state, record.at, outstanding)
    return events + _cancels(state, record.at, state.orders.open.values(), [*outstanding, *events])


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
            events.append(closed(order, OrderStatus.CANCELLED, "not found at the exchange"))
    for key, since in state.orders.owing.items():
        owed = state.orders.get(key)
        if owed is not None and since < record.at:  # whoever should have said it was out
            events += told(state, owed, outstanding)
    events += _go_on(state, record.at, [*outstanding, *events])
    events += asked_for(state, record.at, [*outstanding, *events])
    return events + _cancels(state, record.at, state.orders.open.values(), [*outstanding, *events])


def _is_closing(key: str, outstanding: Sequence[Event]) -> bool:
    return any(isinstance(said, OrderClosed) and said.order == key for said in outstanding)


_ANSWERS: dict[type[Event], Callable[[State, Record, Any, Sequence[Event]], Sequence[Event]]] = {
    ClockTicked: _tick,
    OrderReported: _report,
    FillsReported: _listed,
    OrderApproved: _approve,
    OrderClosed: _over,
    OrderRejected: _reject,
    OrderWithheld: _withhold,
    CancelApproved: _cancel_all,
    CancelAllOrdered: _cancel_all,
    StopRequested: _cancel_all,
}
