"""Orders with a plan: how each begins, and what a trade, the time or a fill makes of it.

A bracket never closes more than there is: when the position shrinks the youngest bracket is cut first, and one with
nothing left to close is cancelled. A part of an order over time that finds nobody goes on with the next part.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

from events.ids import derived_id
from events.money import ZERO
from events.terms import OrderKind, Side
from projections.parts import entered_by
from projections.triggers import is_reached
from replay.exchange.editing import edited
from replay.exchange.orders import Order, Status, Ticket, TimeInForce
from replay.exchange.plans import Attached, Bracket, Ladder, Stop, Twap

if TYPE_CHECKING:
    from replay.exchange.floor import Floor


def begin(floor: Floor, order: Order) -> None:
    """An order with a plan was taken."""
    plan = order.ticket.plan
    order.status = Status.OPEN
    match plan:
        case Stop():
            pass
        case Bracket():
            _begin_bracket(floor, order)
        case Twap():
            order.status = Status.QUEUED
            go_on(floor, order)
        case Ladder():
            _begin_ladder(floor, order, plan)
        case None:
            raise AssertionError("an order without a plan goes to the market")
        case _:
            assert_never(plan)


def heard_trade(floor: Floor, price: Decimal) -> None:
    """Trigger what this trade reaches, oldest first."""
    for order in list(floor.waiting.values()):
        if order.is_waiting and _is_reached(order, price):
            _trigger(floor, order)
            floor.tell(order)


def go_on(floor: Floor, order: Order) -> None:
    """Enter the part of an order over time that is due, with what earlier parts left."""
    plan, ticket, now = order.ticket.plan, order.ticket, floor.venue.now
    assert isinstance(plan, Twap), "no other plan has parts over time"
    order.parts_begun = plan.begun(now)
    if not order.parts_begun:
        return
    order.status = Status.OPEN
    floor.withdraw(order)
    increment = floor.venue.product.size_increment
    due = entered_by(ticket.qty, order.parts_begun, of=plan.buckets, increment=increment) - order.filled
    if due > 0:
        floor.put(order, due, limit_price=ticket.limit_price)  # refused (a self-trade): it goes on with the next


def next_begin(order: Order, at: int) -> bool:
    """Whether a part of the order begins at a time or before it."""
    plan = order.ticket.plan
    if not isinstance(plan, Twap):
        return False
    begins = plan.next_begin(order.parts_begun)
    return begins is not None and begins <= at


def dues(order: Order) -> Iterator[int]:
    """When something of the order falls due."""
    plan = order.ticket.plan
    if order.ticket.expires_at is not None:
        yield order.ticket.expires_at
    if isinstance(plan, Twap):
        begins = plan.next_begin(order.parts_begun)
        if begins is not None:
            yield begins


def grow_attached(floor: Floor, parent: Order) -> None:
    """The bracket that hangs on an order covers what of it has filled."""
    attached, bracket = parent.ticket.attached, floor.ledger.by_id.get(parent.attached_order_id)
    assert attached is not None, "an order with a bracket"
    if bracket is None:
        floor.enter(_attached_ticket(parent, attached), hangs_on=parent)
    elif bracket.is_open and not bracket.is_triggered:
        _resize(floor, bracket, parent.filled)


def cut_brackets(floor: Floor) -> None:
    """No bracket closes more than there is: the youngest are cut first."""
    room, held = abs(floor.venue.holding.qty), floor.venue.holding.qty
    for order in [order for order in floor.ledger.open.values() if order.reduces_only]:
        kept = min(order.leaves, room) if order.ticket.side.sign * held < 0 else ZERO
        room -= kept
        if not kept:
            floor.end(order, Status.CANCELLED, "The position it closes is gone")
        elif kept < order.leaves:
            _resize(floor, order, order.filled + kept)


def _resize(floor: Floor, order: Order, qty: Decimal) -> None:
    """A bracket's size changes, in its order as in the book; smaller keeps its place, larger begins anew."""
    assert order.ticket.limit_price is not None, "a bracket has a limit"
    grows = qty > order.ticket.qty
    order.ticket = edited(order.ticket, price=order.ticket.limit_price, size=qty)
    resting = floor.matching.get(order.order_id)
    if resting is not None and not grows:
        resting.leaves = order.leaves
    elif grows:
        floor.withdraw(order)
        _begin_bracket(floor, order)
    floor.tell(order)


def _begin_bracket(floor: Floor, order: Order) -> None:
    """The profit leg rests; unless the loss was reached before it could."""
    last = floor.matching.last_trade
    if last is not None and _is_reached(order, last):
        _trigger(floor, order)
    elif not floor.put(order, order.leaves, limit_price=order.ticket.limit_price).is_accepted:
        order.status = Status.FAILED
        order.reject_message = "It would trade with an order of the same account"


def _begin_ladder(floor: Floor, order: Order, plan: Ladder) -> None:
    product = floor.venue.product
    rungs = plan.rungs(order.ticket.qty, price_increment=product.price_increment, size_increment=product.size_increment)
    for part, (price, qty) in enumerate(rungs):
        placed = floor.put(order, qty, limit_price=price, part=part)
        assert placed.is_accepted, f"checked a moment ago, refused now: {placed.code}"


def _is_reached(order: Order, last: Decimal) -> bool:
    plan = order.ticket.plan
    if isinstance(plan, Stop):
        return is_reached(last, plan.price, rises=plan.rises)
    assert isinstance(plan, Bracket), "nothing else waits for a price"
    return is_reached(last, plan.stop_price, rises=order.ticket.side is Side.BUY)


def _trigger(floor: Floor, order: Order) -> None:
    """A stop becomes its limit order; a bracket's profit leg gives way to its stop leg."""
    plan, ticket = order.ticket.plan, order.ticket
    order.is_triggered = True
    floor.withdraw(order)
    limit = ticket.limit_price
    if isinstance(plan, Bracket):
        limit = plan.stop_limit(ticket.side, floor.venue.product.price_increment)
    placed = floor.put(order, order.leaves, limit_price=limit)
    if not placed.is_accepted:
        order.status = Status.FAILED
        order.reject_message = placed.message


def _attached_ticket(parent: Order, attached: Attached) -> Ticket:
    fields: dict[str, str | bool | int] = {
        "base_size": f"{parent.filled:f}",
        "limit_price": f"{attached.limit_price:f}",
        "stop_trigger_price": f"{attached.stop_price:f}",
    }
    return Ticket(
        client_order_id=derived_id("exchange", "attached client", parent.number),
        product=parent.ticket.product,
        side=parent.ticket.side.opposite,
        configuration={"trigger_bracket_gtc": fields},
        kind=OrderKind.LIMIT_GTC,
        qty=parent.filled,
        limit_price=attached.limit_price,
        time_in_force=TimeInForce.GTC,
        plan=Bracket(stop_price=attached.stop_price),
    )
