"""The exchange's words for orders, in both its dialects (REST and the user channel), and ours.

`configuration_of` says an order as the exchange wants it, `report_of` says what the exchange reports as an event. Limit
IOC is `sor_limit_ioc` there. A kind or status we have no word for becomes `UNKNOWN`, never an error: the numbers count.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from actors.connection.amounts import decimal_text
from actors.connection.client.configurations import (
    BracketGtc,
    BracketGtd,
    Configuration,
    LimitFok,
    LimitGtc,
    LimitGtd,
    LimitIoc,
    MarketIoc,
    StopDirection,
    StopLimitGtc,
    StopLimitGtd,
)
from actors.connection.client.replies import Order
from actors.connection.errors import InvalidOrder
from events.ids import is_derived
from events.money import ZERO
from events.orders import OrderReported, OrderSubmitted
from events.terms import OrderKind, OrderStatus, Origin, Side

_STATUS = {
    "PENDING": OrderStatus.PENDING,
    "QUEUED": OrderStatus.PENDING,
    "OPEN": OrderStatus.OPEN,
    "EDIT_QUEUED": OrderStatus.OPEN,
    "CANCEL_QUEUED": OrderStatus.CANCEL_QUEUED,
    "FILLED": OrderStatus.FILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "FAILED": OrderStatus.FAILED,
}

#: Our kind of what the exchange names by the one key of an order's configuration.
_KIND_OF_KEY = {
    LimitIoc.key: OrderKind.LIMIT_IOC,
    LimitGtc.key: OrderKind.LIMIT_GTC,
    LimitGtd.key: OrderKind.LIMIT_GTD,
    LimitFok.key: OrderKind.LIMIT_FOK,
    MarketIoc.key: OrderKind.MARKET_IOC,
    StopLimitGtc.key: OrderKind.STOP_LIMIT_GTC,
    StopLimitGtd.key: OrderKind.STOP_LIMIT_GTD,
    BracketGtc.key: OrderKind.TRIGGER_BRACKET_GTC,
    BracketGtd.key: OrderKind.TRIGGER_BRACKET_GTD,
}
_LIMIT_BY_TIME_IN_FORCE = {
    "IMMEDIATE_OR_CANCEL": OrderKind.LIMIT_IOC,
    "GOOD_UNTIL_CANCELLED": OrderKind.LIMIT_GTC,
    "GOOD_UNTIL_DATE_TIME": OrderKind.LIMIT_GTD,
    "FILL_OR_KILL": OrderKind.LIMIT_FOK,
}
_KIND_BY_TYPE = {
    "MARKET": OrderKind.MARKET_IOC,
    "STOP_LIMIT": OrderKind.STOP_LIMIT_GTC,
    "BRACKET": OrderKind.TRIGGER_BRACKET_GTC,
}


def status_of(word: str) -> OrderStatus:
    return _STATUS.get(word, OrderStatus.UNKNOWN)


def side_of(word: str) -> Side:
    """Our own side of an order or fill. Raises `ValueError` for anything but BUY and SELL."""
    if word == "BUY":
        return Side.BUY
    if word == "SELL":
        return Side.SELL
    raise ValueError(f"an order's side is BUY or SELL, not {word[:40]!r}")


def kind_of(order_type: str, time_in_force: str) -> OrderKind:
    """From the two words both dialects have: the type (`STOP_LIMIT` or `Stop Limit`) and the time in force."""
    kind = order_type.upper().replace(" ", "_")
    if kind == "LIMIT":
        return _LIMIT_BY_TIME_IN_FORCE.get(time_in_force, OrderKind.UNKNOWN)
    return _KIND_BY_TYPE.get(kind, OrderKind.UNKNOWN)


def origin_of(client_order_id: str, *, is_liquidation: bool) -> Origin:
    """Ours is what carries an id of the form that we derive; which session's, the log knows."""
    if is_liquidation:
        return Origin.LIQUIDATION
    return Origin.OURS if is_derived(client_order_id) else Origin.FOREIGN


def configuration_of(order: OrderSubmitted, *, limit_ioc_as: str = LimitIoc.key) -> Configuration:
    """The `order_configuration` of an intent. Raises `InvalidOrder` for a kind that cannot be sent this way.

    `limit_ioc_as` other than `sor_limit_ioc`: a limit IOC leaves as a GTC, and is cancelled when it is reported open.
    """
    size = order.qty
    match order.kind:
        case OrderKind.LIMIT_IOC if limit_ioc_as == LimitIoc.key:
            return LimitIoc(base_size=size, limit_price=_limit(order))
        case OrderKind.LIMIT_IOC:
            return LimitGtc(base_size=size, limit_price=_limit(order))
        case OrderKind.LIMIT_GTC:
            return LimitGtc(base_size=size, limit_price=_limit(order), post_only=order.post_only)
        case OrderKind.LIMIT_GTD:
            limit, end = _limit(order), _end(order)
            return LimitGtd(base_size=size, limit_price=limit, end_time=end, post_only=order.post_only)
        case OrderKind.LIMIT_FOK:
            return LimitFok(base_size=size, limit_price=_limit(order))
        case OrderKind.MARKET_IOC:
            return MarketIoc(base_size=size)
        case OrderKind.STOP_LIMIT_GTC | OrderKind.STOP_LIMIT_GTD:
            return _stop_limit(order)
        case OrderKind.TRIGGER_BRACKET_GTC:
            return BracketGtc(base_size=size, limit_price=_limit(order), stop_trigger_price=_stop(order))
        case OrderKind.TRIGGER_BRACKET_GTD:
            limit, stop = _limit(order), _stop(order)
            return BracketGtd(base_size=size, limit_price=limit, stop_trigger_price=stop, end_time=_end(order))
    raise InvalidOrder(f"an order of kind {order.kind} cannot be placed", code="UNSUPPORTED_ORDER_CONFIGURATION")


def _stop_limit(order: OrderSubmitted) -> Configuration:
    """A stop above the market waits for it to rise, one below for it to fall."""
    stop = _stop(order)
    direction = StopDirection.UP if stop >= order.reference_price else StopDirection.DOWN
    gtc = StopLimitGtc(base_size=order.qty, limit_price=_limit(order), stop_price=stop, stop_direction=direction)
    if order.kind is OrderKind.STOP_LIMIT_GTC:
        return gtc
    return StopLimitGtd(**msgspec.structs.asdict(gtc), end_time=_end(order))


def _limit(order: OrderSubmitted) -> Decimal:
    if order.limit_price is None:
        raise InvalidOrder(f"an order of kind {order.kind} needs a limit price", code="INVALID_LIMIT_PRICE")
    return order.limit_price


def _stop(order: OrderSubmitted) -> Decimal:
    if order.stop_price is None:
        raise InvalidOrder(f"an order of kind {order.kind} needs a stop price", code="INVALID_STOP_PRICE")
    return order.stop_price


def _end(order: OrderSubmitted) -> int:
    if order.good_until is None:
        raise InvalidOrder(f"an order of kind {order.kind} needs its end", code="INVALID_END_TIME")
    return order.good_until


def text_of(amount: Decimal) -> str:
    """A decimal as the exchange reads it: no exponent, no trailing zeros.

    >>> text_of(Decimal("3.00")), text_of(Decimal("2E+1")), text_of(Decimal("1E-8"))
    ('3', '20', '0.00000001')
    """
    return decimal_text(amount)


def report_of(order: Order, products: Mapping[str, str], at: int) -> OrderReported | None:
    """The exchange's view of an order, as REST tells it; None for a product that is not ours.

    `at` stands in where the exchange gives no time. Raises `ValueError` for a side that is none, and for an order that
    filled without a value: a fill must not be counted at no price.
    """
    product = products.get(order.product_id)
    if product is None:
        return None
    key, size = next(iter((order.order_configuration or {}).items()), ("", None))
    filled = order.filled_size or ZERO
    if filled and order.filled_value is None:
        raise ValueError(f"order {order.order_id} filled {filled} without a value")
    asked = size.base_size if size and size.base_size is not None else filled
    kind = _KIND_OF_KEY.get(key) or kind_of(order.order_type, order.time_in_force)
    origin = origin_of(order.client_order_id, is_liquidation=order.is_liquidation or order.order_type == "LIQUIDATION")
    return OrderReported(
        order=order.client_order_id if origin is Origin.OURS else "",
        exchange_order=order.order_id,
        product=product,
        side=side_of(order.side),
        status=status_of(order.status),
        kind=kind,
        qty=asked,
        filled_qty=filled,
        filled_value=order.filled_value or ZERO,
        fees=order.total_fees or ZERO,
        limit_price=size.limit_price if size else None,
        exchange_at=order.last_fill_time or order.created_time or at,
        origin=origin,
        reason=_reason(order),
    )


def differences(intent: OrderSubmitted, report: OrderReported) -> list[str]:
    """What of a report does not match the intent it is said to carry out: names with both values."""
    pairs = {
        "order": (intent.order, report.order),
        "product": (intent.product, report.product),
        "side": (intent.side, report.side),
        "qty": (intent.qty, report.qty),
    }
    if intent.kind is OrderKind.CLOSE_POSITION:
        del pairs["qty"]  # the exchange closes what there is
    elif intent.limit_price is not None:
        pairs["limit_price"] = (intent.limit_price, report.limit_price)
    return [f"{name} {theirs} for {ours}" for name, (ours, theirs) in pairs.items() if ours != theirs]


def _reason(order: Order) -> str:
    """Why an order ended, in the exchange's words."""
    rejected = "" if order.reject_reason.endswith("UNSPECIFIED") else order.reject_reason
    return next((words for words in (order.reject_message, rejected, order.cancel_message) if words), "")
