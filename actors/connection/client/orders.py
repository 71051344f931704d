"""Orders: placed, previewed, changed, cancelled, closed, looked up; and their fills.

What changes something is sent once. An error with `outcome_unknown` means that it may have taken effect: look it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from actors.connection.amounts import decimal_text, rfc3339
from actors.connection.auth import redacted
from actors.connection.client.configurations import BracketGtc, BracketGtd, Configuration
from actors.connection.client.edit_replies import EditPreview, EditProblem, EditReply, Preview
from actors.connection.client.line import Linked, queried, segment
from actors.connection.client.replies import (
    CancelResult,
    CancelResults,
    Fill,
    Fills,
    OneOrder,
    Order,
    OrderReply,
    Orders,
    Placed,
)
from actors.connection.errors import ReplyUnreadable, of_refusal

#: The most orders one batch_cancel takes.
CANCEL_BATCH = 100
_PAGE = 250
_FILLS_PAGE = 100

#: An order's configuration: typed, or as the exchange reads it.
AnyConfiguration: TypeAlias = Configuration | Mapping[str, Mapping[str, str | bool | int]]


def _nothing() -> None:
    """Nothing is looked at before the send."""


def place_order(
    client: Linked,
    *,
    client_order_id: str,
    product_id: str,
    side: str,
    order_configuration: AnyConfiguration,
    leverage: str | Decimal | None = None,
    margin_type: str | None = None,
    attached: BracketGtc | BracketGtd | None = None,
    self_trade_prevention_id: str | None = None,
    preview_id: str | None = None,
    retail_portfolio_id: str | None = None,
    sor_preference: str | None = None,
    cost_basis_method: str | None = None,
    before_send: Callable[[], None] = _nothing,
) -> Placed:
    """Place an order, once. A refusal raises the error of its reason.

    `leverage` and `margin_type` are for the retired international perpetuals; `attached` is a bracket that takes the
    order's size. `before_send` is called after the rate limit and right before the send; what it raises stops the
    order. Success means accepted, not open; and a re-used id is answered with the old order: read back and compare.
    """
    body = _present(
        client_order_id=client_order_id,
        product_id=product_id,
        side=side,
        order_configuration=_written(order_configuration),
        leverage=leverage,
        margin_type=margin_type,
        attached_order_configuration=None if attached is None else attached.written(is_attached=True),
        self_trade_prevention_id=self_trade_prevention_id,
        preview_id=preview_id,
        retail_portfolio_id=retail_portfolio_id,
        sor_preference=sor_preference,
        cost_basis_method=cost_basis_method,
    )
    return _accepted(client.line.post("/orders", body, OrderReply, before_send))


def close_position(
    client: Linked,
    *,
    client_order_id: str,
    product_id: str,
    size: str | Decimal | None = None,
    before_send: Callable[[], None] = _nothing,
) -> Placed:
    """Close `size` contracts of a position, or all of it, at the market. Sent once, answered as `place_order`."""
    body = _present(client_order_id=client_order_id, product_id=product_id, size=size)
    return _accepted(client.line.post("/orders/close_position", body, OrderReply, before_send))


def preview_order(
    client: Linked,
    *,
    product_id: str,
    side: str,
    order_configuration: AnyConfiguration,
    leverage: str | Decimal | None = None,
    margin_type: str | None = None,
    attached: BracketGtc | BracketGtd | None = None,
    retail_portfolio_id: str | None = None,
) -> Preview:
    """What an order would cost, and why it would be refused. Nothing is reserved."""
    body = _present(
        product_id=product_id,
        side=side,
        order_configuration=_written(order_configuration),
        leverage=leverage,
        margin_type=margin_type,
        attached_order_configuration=None if attached is None else attached.written(is_attached=True),
        retail_portfolio_id=retail_portfolio_id,
    )
    return client.line.post("/orders/preview", body, Preview)


def edit_order(
    client: Linked,
    order_id: str,
    *,
    price: Decimal,
    size: Decimal,
    stop_price: Decimal | None = None,
    before_send: Callable[[], None] = _nothing,
) -> None:
    """Change a resting GTC limit order, once. A refusal raises the error of its reason.

    Price and size are both sent, since the exchange reads one that is missing as 0. The order keeps its id, and its
    place in the queue only where nothing but the size fell. `before_send` as in `place_order`.
    """
    reply = client.line.post("/orders/edit", _edit(order_id, price, size, stop_price), EditReply, before_send)
    if reply.success:
        return
    problems = [reply.errors] if isinstance(reply.errors, EditProblem) else reply.errors or []
    reasons = [reason for each in problems for reason in (each.edit_failure_reason, each.preview_failure_reason)]
    refusal = reply.error_response
    if refusal is None:
        raise of_refusal(reasons, "")
    reasons.append(refusal.edit_order_failure_reason)
    raise of_refusal(reasons, redacted(refusal.message or refusal.error_details))


def edit_order_preview(
    client: Linked, order_id: str, *, price: Decimal, size: Decimal, stop_price: Decimal | None = None
) -> EditPreview:
    """What the order would cost as changed, and why that would be refused. Changes nothing."""
    return client.line.post("/orders/edit_preview", _edit(order_id, price, size, stop_price), EditPreview)


def cancel_orders(client: Linked, order_ids: Sequence[str]) -> list[CancelResult]:
    """Ask for at most `CANCEL_BATCH` orders to be cancelled. Success means the request was taken."""
    assert 0 < len(order_ids) <= CANCEL_BATCH, f"{len(order_ids)} orders in one batch"
    return client.line.post("/orders/batch_cancel", {"order_ids": list(order_ids)}, CancelResults).results


def get_order_historical(client: Linked, order_id: str) -> Order:
    return client.line.get(f"/orders/historical/{segment(order_id)}", OneOrder).order


def list_orders(
    client: Linked,
    *,
    product_ids: Sequence[str] = (),
    order_status: str | Sequence[str] | None = None,
    since: int | None = None,
    until: int | None = None,
    order_ids: Sequence[str] = (),
    product_type: str | None = None,
    order_types: Sequence[str] = (),
    order_side: str | None = None,
    time_in_forces: Sequence[str] = (),
    order_placement_source: str | None = None,
    contract_expiry_type: str | None = None,
    asset_filters: Sequence[str] = (),
    retail_portfolio_id: str | None = None,
    sort_by: str | None = None,
) -> Iterator[Order]:
    """All pages of the orders, in any state unless one is given.

    `since` and `until` are nanoseconds UTC, against the time of creation. The filter OPEN leaves out what is PENDING
    or QUEUED, and does not go together with another.
    """
    query = queried(
        limit=_PAGE,
        product_ids=product_ids,
        order_status=order_status,
        start_date=None if since is None else rfc3339(since),
        end_date=None if until is None else rfc3339(until),
        order_ids=order_ids,
        product_type=product_type,
        order_types=order_types,
        order_side=order_side,
        time_in_forces=time_in_forces,
        order_placement_source=order_placement_source,
        contract_expiry_type=contract_expiry_type,
        asset_filters=asset_filters,
        retail_portfolio_id=retail_portfolio_id,
        sort_by=sort_by,
    )
    for page in client.line.pages("/orders/historical/batch", Orders, query, lambda page: page.has_next):
        yield from page.orders


def list_fills(
    client: Linked,
    *,
    order_ids: Sequence[str] = (),
    product_ids: Sequence[str] = (),
    since: int | None = None,
    until: int | None = None,
    trade_ids: Sequence[str] = (),
    retail_portfolio_id: str | None = None,
    sort_by: str | None = None,
) -> Iterator[Fill]:
    """All pages of the fills, newest first; the list may lag behind the user channel.

    `since` and `until` are nanoseconds UTC, against the fills' sequence timestamps.
    """
    query = queried(
        limit=_FILLS_PAGE,
        order_ids=order_ids,
        product_ids=product_ids,
        start_sequence_timestamp=None if since is None else rfc3339(since),
        end_sequence_timestamp=None if until is None else rfc3339(until),
        trade_ids=trade_ids,
        retail_portfolio_id=retail_portfolio_id,
        sort_by=sort_by,
    )
    for page in client.line.pages("/orders/historical/fills", Fills, query, lambda page: bool(page.cursor)):
        yield from page.fills


def _written(configuration: AnyConfiguration) -> Mapping[str, Mapping[str, str | bool | int]]:
    return configuration.written() if isinstance(configuration, Configuration) else configuration


def _present(**fields: Any) -> dict[str, Any]:
    """The fields that have a value, since the exchange refuses what it does not expect; decimals as it reads them."""
    given = {name: value for name, value in fields.items() if value is not None}
    return {name: decimal_text(value) if isinstance(value, Decimal) else value for name, value in given.items()}


def _edit(order_id: str, price: Decimal, size: Decimal, stop_price: Decimal | None) -> dict[str, str]:
    stop = {} if stop_price is None else {"stop_price": decimal_text(stop_price)}
    return {"order_id": order_id, "price": decimal_text(price), "size": decimal_text(size), **stop}


def _accepted(reply: OrderReply) -> Placed:
    """What was placed. Raises the error of the refusal, or `ReplyUnreadable` when the reply says neither."""
    placed = reply.success_response
    if reply.success:
        order_id = (placed.order_id if placed else "") or reply.order_id
        if not order_id:
            raise ReplyUnreadable("POST /orders: success without an order id - at `$.success_response`", body="")
        if placed is None:
            return Placed(order_id=order_id)
        return placed if placed.order_id else msgspec.structs.replace(placed, order_id=order_id)
    refusal = reply.error_response
    if refusal is None:
        raise of_refusal([reply.failure_reason], "")
    reasons = [refusal.new_order_failure_reason, refusal.preview_failure_reason, refusal.error, reply.failure_reason]
    raise of_refusal(reasons, redacted(refusal.message or refusal.error_details))
