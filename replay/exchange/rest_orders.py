"""Orders over REST: create, preview, cancel, close, and the listings of orders and fills.

A refused order is HTTP 200 with `success: false`. A used client id is answered with success and the old order's id
while side and configuration echo the new request: what a client must survive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

from starlette.requests import Request

from events.ids import derived_id
from events.money import ZERO, quotient
from events.terms import Side
from replay.exchange import bodies, queries, shapes
from replay.exchange.desk import USER, Desk
from replay.exchange.errors import BadRequest, NotFound
from replay.exchange.faults import CancelLag, FillsLag, ListingLag, OrderNotFound, PendingLag
from replay.exchange.orders import Order, OrderConfiguration, Refusal, Status, Ticket, as_created
from replay.exchange.portfolios import PORTFOLIO
from replay.exchange.shapes import Json, number
from replay.exchange.venue import Venue

_ORDERS_LIMIT = 1_000
_FILLS_LIMIT = 100
_FILLS_MOST = 1_000


def create(desk: Desk, _request: Request, body: bytes) -> Json:
    ticket = bodies.read_create(body)
    return _placed(desk, ticket, bodies.echoed_configuration(body))


def create_by_hand(desk: Desk, _request: Request, body: bytes) -> Json:
    """An order as somebody places it in the exchange's own application: the client id may be left out."""
    number = len(desk.venue.ledger.orders) + 1
    ticket = bodies.read_by_hand(body, otherwise=derived_id("exchange", "by hand", number))
    return _placed(desk, ticket, bodies.echoed_configuration(body))


def close_position(desk: Desk, _request: Request, body: bytes) -> Json:
    """A market order that closes the position or a part of it."""
    client_order_id, product_id, size = bodies.read_close(body)
    venue = desk.present()
    if product_id != venue.product.exchange_id:
        return shapes.refused(Refusal("INVALID_PRODUCT_ID", "PREVIEW_INVALID_PRODUCT_ID", "Not traded here"), {})
    ticket = venue.closing_ticket(client_order_id, size)
    if ticket is None:
        reason = Refusal("CANNOT_CLOSE_ZERO_POSITION", "UNKNOWN_PREVIEW_FAILURE_REASON", "There is no position")
        return shapes.refused(reason, {})
    return _placed(desk, ticket, ticket.configuration, is_close=True)


def preview(desk: Desk, _request: Request, body: bytes) -> Json:
    """What an order would cost now. Reserves nothing."""
    ticket = bodies.read_preview(body)
    venue = desk.present()
    refusal = ticket if isinstance(ticket, Refusal) else venue.check(ticket)
    errors = [refusal.preview] if refusal is not None else []
    row = preview_of(venue, None if isinstance(ticket, Refusal) or ticket.qty <= 0 else ticket)
    preview_id = derived_id("exchange", "preview", venue.now)
    return {"errs": errors, "warning": ["UNKNOWN"], "is_max": False, "preview_id": preview_id, **row}


def batch_cancel(desk: Desk, _request: Request, body: bytes) -> Json:
    """Results in the order of the request. Success means the request was taken."""
    return cancelled(desk, bodies.read_cancel(body))


def cancelled(desk: Desk, order_ids: list[str]) -> Json:
    """What becomes of a wish to cancel, each order's own answer."""
    venue = desk.present()
    lag = desk.faults.lag(CancelLag, venue.now)
    if lag is not None:
        asyncio.get_running_loop().call_later(lag.seconds, _cancel_late, desk, order_ids)
        reasons = []
        for order_id in order_ids:
            is_queued = order_id in venue.ledger.open and not venue.ledger.by_id[order_id].is_cancel_queued
            reasons.append((order_id, "" if is_queued else _reason_against(venue, order_id)))
            if is_queued:
                venue.floor.queue_cancel(order_id)
    else:
        reasons = [(order_id, venue.cancel(order_id)) for order_id in order_ids]
    desk.tell()
    results = [
        {"success": not reason, "failure_reason": reason or "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": order_id}
        for order_id, reason in reasons
    ]
    return {"results": results}


def order(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = desk.present()
    found = venue.ledger.by_id.get(request.path_params["order_id"])
    if found is None or desk.faults.lag(OrderNotFound, venue.now) is not None:
        raise NotFound("order with this orderID was not found", "unknown")
    if desk.faults.lag(PendingLag, venue.now) is not None:
        found = as_created(found)
    return {"order": shapes.order(found, venue, portfolio=PORTFOLIO, user=USER)}


def listing(desk: Desk, request: Request, _body: bytes) -> Json:
    """Orders, newest first. `order_status=OPEN` stands alone and leaves out PENDING."""
    statuses = queries.words(request, "order_status")
    if "OPEN" in statuses and len(statuses) > 1:
        raise BadRequest("OPEN cannot be combined with other order statuses")
    fits = _filter(request, statuses)
    venue = desk.present()
    lag = desk.faults.lag(ListingLag, venue.now)
    known = venue.ledger.orders if lag is None else venue.ledger.orders[: -lag.newest]
    rows = [(one.number, one) for one in reversed(known) if fits(one)]
    limit = queries.integer(request, "limit", least=1) or _ORDERS_LIMIT
    shown, cursor = queries.page(rows, cursor=request.query_params.get("cursor"), limit=min(limit, _ORDERS_LIMIT))
    orders = [shapes.order(one, venue, portfolio=PORTFOLIO, user=USER) for one in shown]
    return {"orders": orders, "sequence": "0", "has_next": bool(cursor), "cursor": cursor}


def fills(desk: Desk, request: Request, _body: bytes) -> Json:
    """Fills, newest first; there is no `has_next`, an empty cursor ends the pages."""
    order_ids, trade_ids = queries.words(request, "order_ids"), queries.words(request, "trade_ids")
    products = queries.words(request, "product_ids")
    start = queries.moment(request, "start_sequence_timestamp")
    end = queries.moment(request, "end_sequence_timestamp")
    venue = desk.present()
    lag = desk.faults.lag(FillsLag, venue.now)
    rows = [
        (one.number, one)
        for one in reversed(venue.ledger.fills if lag is None else venue.ledger.fills[: -lag.newest])
        if (not order_ids or one.order.order_id in order_ids)
        and (not trade_ids or one.trade_id in trade_ids)
        and (not products or one.order.ticket.product in products)
        and (start is None or one.at >= start)
        and (end is None or one.at <= end)
    ]
    limit = min(queries.integer(request, "limit", least=1) or _FILLS_LIMIT, _FILLS_MOST)
    shown, cursor = queries.page(rows, cursor=request.query_params.get("cursor"), limit=limit)
    return {"fills": [shapes.fill(one, portfolio=PORTFOLIO, user=USER) for one in shown], "cursor": cursor}


def _placed(desk: Desk, ticket: Ticket | Refusal, configuration: OrderConfiguration, *, is_close: bool = False) -> Json:
    if isinstance(ticket, Refusal):
        return shapes.refused(ticket, configuration)
    taken = desk.present().create(ticket, is_close=is_close)
    desk.tell()
    if isinstance(taken, Refusal):
        return shapes.refused(taken, configuration)
    return shapes.accepted(taken, ticket.side.name, ticket.product, configuration)


def _reason_against(venue: Venue, order_id: str) -> str:
    """A cancel that is queued already cannot be asked for again."""
    return "DUPLICATE_CANCEL_REQUEST" if order_id in venue.ledger.open else venue.cancel(order_id)


def _cancel_late(desk: Desk, order_ids: list[str]) -> None:
    venue = desk.present()
    for order_id in order_ids:
        if order_id in venue.ledger.open:
            venue.cancel(order_id)
    desk.tell()


def _filter(request: Request, statuses: frozenset[str]) -> Callable[[Order], bool]:
    order_ids, products = queries.words(request, "order_ids"), queries.words(request, "product_ids")
    kinds, in_force = queries.words(request, "order_types"), queries.words(request, "time_in_forces")
    side = request.query_params.get("order_side")
    product_type = request.query_params.get("product_type") or ""
    sources = queries.words(request, "order_placement_source") - {"UNKNOWN_PLACEMENT_SOURCE"}
    start, end = queries.moment(request, "start_date"), queries.moment(request, "end_date")
    unknown = statuses - {status.value for status in Status} - {"FAILED", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"}
    if unknown:
        raise BadRequest(f"unknown order_status {sorted(unknown)[0]}")

    def fits(one: Order) -> bool:
        ticket = one.ticket
        return (
            (not statuses or one.shown_status in statuses)
            and (not order_ids or one.order_id in order_ids)
            and (not products or ticket.product in products)
            and (not kinds or shapes.order_type(one) in kinds)
            and (not in_force or ticket.time_in_force.value in in_force)
            and (not side or ticket.side.name == side)
            and (not sources or ("RETAIL_SIMPLE" if ticket.is_manual else "RETAIL_ADVANCED") in sources)
            and (product_type in ("", "UNKNOWN_PRODUCT_TYPE", "FUTURE"))
            and (start is None or one.created_at >= start)
            and (end is None or one.created_at < end)
        )

    return fits


def preview_of(venue: Venue, ticket: Ticket | None) -> Json:
    """The figures of an order at the present market; zeros for none."""
    bid, ask = venue.market.best(Side.BUY), venue.market.best(Side.SELL)
    qty, value = (ZERO, ZERO) if ticket is None else (ticket.qty, _value(venue, ticket))
    price = ZERO if not qty else quotient(value, qty * venue.holding.contract_size, places=8)
    fee = venue.fee(qty, price, is_maker=False)
    signed = qty * (0 if ticket is None else ticket.side.sign)
    window, _ = venue.window
    return {
        "order_total": number(value + fee),
        "commission_total": number(fee),
        "quote_size": number(value),
        "base_size": number(qty),
        "best_bid": number(bid[0] if bid else None),
        "best_ask": number(ask[0] if ask else None),
        "order_margin_total": number(venue.rates.initial(window, signed, price) + fee),
        "leverage": "0",
        "long_leverage": "0",
        "short_leverage": "0",
        "slippage": "0",
        "current_liquidation_buffer": "0",
        "projected_liquidation_buffer": "0",
        "max_leverage": "",
        "pnl_configuration": None,
        "commission_detail_total": None,
        "margin_ratio_data": None,
    }


def _value(venue: Venue, ticket: Ticket) -> Decimal:
    """What the order is worth: what it would take from the book, the rest at its limit."""
    found = venue.market.matching.preview(
        "", side=ticket.side, qty=ticket.qty, kind=ticket.kind, limit_price=ticket.limit_price
    )
    rest = ticket.qty - found.matched
    price = ticket.limit_price or venue.mark() or ZERO
    traded = sum((match.qty * match.price for match in found.matches), ZERO)
    return (traded + rest * price) * venue.holding.contract_size
