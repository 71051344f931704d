"""Changing an order that rests: GTC limit orders only, price and size both, the same id afterwards.

An edit that only lowers the size keeps its place in the queue; any other goes to the end of it. A size that is left out
is read as zero, as the exchange does, and refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from events.money import on_grid
from events.terms import OrderKind, Side
from replay.exchange.entry import refusal_of
from replay.exchange.orders import Order, Ticket

if TYPE_CHECKING:
    from replay.exchange.venue import Venue


@dataclass(frozen=True, slots=True)
class EditRefusal:
    """Why an order is not changed, in the exchange's two vocabularies."""

    edit: str
    preview: str = "UNKNOWN_PREVIEW_FAILURE_REASON"


def refusal_of_edit(venue: Venue, order_id: str, *, price: Decimal, size: Decimal) -> EditRefusal | None:
    """The first reason against the change at the venue's present state; None when there is none."""
    order = venue.ledger.by_id.get(order_id)
    if order is None:
        return EditRefusal("ORDER_NOT_FOUND")
    if not order.is_open:
        return EditRefusal("ONLY_OPEN_ORDERS_CAN_BE_EDITED")
    if order.is_edit_queued:
        return EditRefusal("ORDER_IS_ALREADY_BEING_REPLACED")
    if order.is_cancel_queued:
        return EditRefusal("CANNOT_EDIT_ORDER_PENDING_CANCEL")
    if order.ticket.kind is not OrderKind.LIMIT_GTC or order.ticket.plan is not None:
        return EditRefusal("ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
    if price <= 0 or not on_grid(price, venue.product.price_increment):
        return EditRefusal("INVALID_EDITED_PRICE", "PREVIEW_INVALID_PRICE_PRECISION")
    if size <= 0 or not on_grid(size, venue.product.size_increment):
        return EditRefusal("INVALID_EDITED_SIZE", "PREVIEW_INVALID_SIZE_PRECISION")
    if size <= order.filled:
        return EditRefusal("CANNOT_EDIT_TO_BELOW_FILLED_SIZE")
    if (price, size) == (order.ticket.limit_price, order.ticket.qty):
        return EditRefusal("EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST")
    return None if is_smaller_only(order, price=price, size=size) else _of_entry(venue, order, price=price, size=size)


def is_smaller_only(order: Order, *, price: Decimal, size: Decimal) -> bool:
    """Whether the order keeps its place in the queue."""
    return price == order.ticket.limit_price and size < order.ticket.qty


def edited(ticket: Ticket, *, price: Decimal, size: Decimal) -> Ticket:
    """The ticket as if it had been sent so."""
    told: dict[str, str | bool | int] = {"base_size": f"{size:f}", "limit_price": f"{price:f}"}
    changed = {key: {**fields, **told} for key, fields in ticket.configuration.items()}
    return replace(ticket, qty=size, limit_price=price, configuration=changed)


def _of_entry(venue: Venue, order: Order, *, price: Decimal, size: Decimal) -> EditRefusal | None:
    """Why the changed order could not enter if the old one were not there."""
    matching, all_open = venue.market.matching, venue.ledger.open
    queue = matching.bids if order.ticket.side is Side.BUY else matching.asks
    place = next(place for place, resting in enumerate(queue) if resting.order == order.order_id)
    taken_out = queue.pop(place)
    venue.ledger.open = {name: one for name, one in all_open.items() if one is not order}
    try:
        ticket = replace(order.ticket, qty=size - order.filled, limit_price=price)
        refusal = refusal_of(ticket, venue, is_close=False)
    finally:
        queue.insert(place, taken_out)
        venue.ledger.open = all_open
    return None if refusal is None else EditRefusal("COMMANDER_REJECTED_EDIT_ORDER", refusal.preview)
