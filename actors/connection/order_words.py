"""The exchange's words for orders, in both its dialects (REST and the user channel), and ours.

`configuration_of` says an order as the exchange wants it, `report_of` says what the exchange reports as an event. Limit
IOC is `sor_limit_ioc` there. A kind or status we have no word for becomes `UNKNOWN`, never an error: the numbers count.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from actors.connection.amounts import decimal_text
from actors.connection.errors import InvalidOrder
from actors.connection.replies import Order
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

#: The one key of an order's configuration, as the exchange names it.
_KEYS = {
    OrderKind.LIMIT_IOC: "sor_limit_ioc",
    OrderKind.LIMIT_GTC: "limit_limit_gtc",
    OrderKind.LIMIT_FOK: "limit_limit_fok",
    OrderKind.MARKET_IOC: "market_market_ioc",
}
_KIND_OF_KEY = {
    **{key: kind for kind, key in _KEYS.items()},
    "limit_limit_gtd": OrderKind.LIMIT_GTD,
    "stop_limit_stop_limit_gtc": OrderKind.STOP_LIMIT_GTC,
    "trigger_bracket_gtc": OrderKind.TRIGGER_BRACKET_GTC,
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


def configuration_of(order: OrderSubmitted) -> dict[str, dict[str, str | bool]]:
    """The `order_configuration` of an intent. Raises `InvalidOrder` for a kind that cannot be sent this way."""
    key = _KEYS.get(order.kind)
    if key is None:
        raise InvalidOrder(f"an order of kind {order.kind} cannot be placed", code="UNSUPPORTED_ORDER_CONFIGURATION")
    fields: dict[str, str | bool] = {"base_size": text_of(order.qty)}
    if order.kind is not OrderKind.MARKET_IOC:
        if order.limit_price is None:
            raise InvalidOrder(f"an order of kind {order.kind} needs a limit price", code="INVALID_LIMIT_PRICE")
        fields["limit_price"] = text_of(order.limit_price)
    if order.kind is OrderKind.LIMIT_GTC:
        fields["post_only"] = order.post_only
    return {key: fields}


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
        qty=max(asked, filled),
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
