"""Editing an order over REST. Whether US futures can be edited is not known; by default they cannot."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from starlette.requests import Request

from events.money import ZERO
from replay.exchange import bodies, rest_orders
from replay.exchange.desk import Desk
from replay.exchange.editing import EditRefusal, edited, refusal_of_edit
from replay.exchange.faults import EditLag
from replay.exchange.shapes import Json, number

_REFUSED = EditRefusal("CANNOT_EDIT_FUTURES_ORDER")


def edit(desk: Desk, _request: Request, body: bytes) -> Json:
    order_id, price, size, wrong = bodies.read_edit(body)
    venue = desk.present()
    lag = desk.faults.lag(EditLag, venue.now)
    if lag is None:
        refusal = _of_request(desk, wrong) or venue.edit(order_id, price=price, size=size)
    else:
        refusal = _of_request(desk, wrong) or refusal_of_edit(venue, order_id, price=price, size=size)
        if refusal is None:
            venue.floor.queue_edit(order_id, is_queued=True)
            asyncio.get_running_loop().call_later(lag.seconds, _edit_late, desk, order_id, price, size)
    desk.tell()
    if refusal is not None:
        return {"success": False, "errors": _errors(refusal)}
    return {"success": True, "success_response": {"order_id": order_id}, "errors": []}


def _edit_late(desk: Desk, order_id: str, price: Decimal, size: Decimal) -> None:
    """Carry an edit out after all; where it cannot be any more, the order is as it was."""
    venue = desk.present()
    venue.floor.queue_edit(order_id, is_queued=False)
    if venue.edit(order_id, price=price, size=size) is not None and order_id in venue.ledger.open:
        venue.floor.report(venue.ledger.by_id[order_id])
    desk.tell()


def edit_preview(desk: Desk, _request: Request, body: bytes) -> Json:
    """What the order would cost as changed. Changes nothing."""
    order_id, price, size, wrong = bodies.read_edit(body)
    venue = desk.present()
    refusal = _of_request(desk, wrong) or refusal_of_edit(venue, order_id, price=price, size=size)
    found = venue.ledger.by_id.get(order_id)
    is_shown = found is not None and refusal is None
    ticket = edited(found.ticket, price=price, size=size) if found is not None and is_shown else None
    row = rest_orders.preview_of(venue, ticket)
    average: Decimal = ZERO if found is None else found.average_price
    shown = ("slippage", "order_total", "commission_total", "quote_size", "base_size", "best_bid", "best_ask")
    errors = [] if refusal is None else _errors(refusal)
    return {"errors": errors, **{name: row[name] for name in shown}, "average_filled_price": number(average)}


def _of_request(desk: Desk, wrong: str) -> EditRefusal | None:
    """What stands against the change before the order is looked at."""
    if not desk.settings.edits:
        return _REFUSED
    return EditRefusal(wrong) if wrong else None


def _errors(refusal: EditRefusal) -> list[Json]:
    return [{"edit_failure_reason": refusal.edit, "preview_failure_reason": refusal.preview}]
