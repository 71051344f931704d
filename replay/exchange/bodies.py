"""What clients send: JSON read as strictly as the exchange's protobuf reads it.

An unknown field, a wrong type or no JSON at all is HTTP 400 (`BadRequest`). A well-formed wish that cannot be granted
is a `Refusal`, which the exchange answers with 200 and `success: false`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import cast

import orjson

from events.terms import OrderKind, Side
from replay.exchange.errors import BadRequest
from replay.exchange.forms import Form, check_fields, decimal_of, fields_of, invalid_enum, unknown_field, wrong_type
from replay.exchange.orders import OrderConfiguration, Refusal, Ticket, TimeInForce
from replay.exchange.plan_bodies import plan_of
from replay.exchange.plans import Attached, Ladder
from replay.exchange.times import nanoseconds_of

_UNKNOWN = "UNKNOWN_FAILURE_REASON"
_UNKNOWN_PREVIEW = "UNKNOWN_PREVIEW_FAILURE_REASON"

_SIZES = {"base_size": str, "quote_size": str, "rfq_disabled": bool, "rfq_enabled": bool}
_LIMIT = {**_SIZES, "limit_price": str, "post_only": bool}
_STOP = {**_SIZES, "limit_price": str, "stop_price": str, "stop_direction": str}
_BRACKET = {"base_size": str, "limit_price": str, "stop_trigger_price": str}
_END = {"end_time": str}

#: Every configuration the exchange knows, with its fields.
_CONFIGURATIONS: Mapping[str, Mapping[str, Form]] = {
    "market_market_ioc": _SIZES,
    "market_market_fok": _SIZES,
    "sor_limit_ioc": {**_SIZES, "limit_price": str},
    "limit_limit_gtc": _LIMIT,
    "limit_limit_gtd": {**_LIMIT, **_END},
    "limit_limit_fok": {**_SIZES, "limit_price": str},
    "stop_limit_stop_limit_gtc": _STOP,
    "stop_limit_stop_limit_gtd": {**_STOP, **_END},
    "trigger_bracket_gtc": _BRACKET,
    "trigger_bracket_gtd": {**_BRACKET, **_END},
    "twap_limit_gtd": {
        **_SIZES,
        **_END,
        "start_time": str,
        "limit_price": str,
        "number_buckets": (int, str),
        "bucket_size": str,
        "bucket_duration": str,
    },
    "scaled_limit_gtc": {
        **_SIZES,
        "num_orders": (int, str),
        "min_price": str,
        "max_price": str,
        "price_distribution": str,
        "size_distribution": str,
        "size_diff": str,
        "size_ratio": str,
    },
}

#: How what of each reaches the market is matched there, and how long the order stands.
_KINDS = {
    "market_market_ioc": (OrderKind.MARKET_IOC, TimeInForce.IOC),
    "market_market_fok": (OrderKind.MARKET_IOC, TimeInForce.FOK),
    "sor_limit_ioc": (OrderKind.LIMIT_IOC, TimeInForce.IOC),
    "limit_limit_gtc": (OrderKind.LIMIT_GTC, TimeInForce.GTC),
    "limit_limit_gtd": (OrderKind.LIMIT_GTD, TimeInForce.GTD),
    "limit_limit_fok": (OrderKind.LIMIT_FOK, TimeInForce.FOK),
    "stop_limit_stop_limit_gtc": (OrderKind.LIMIT_GTC, TimeInForce.GTC),
    "stop_limit_stop_limit_gtd": (OrderKind.LIMIT_GTC, TimeInForce.GTD),
    "trigger_bracket_gtc": (OrderKind.LIMIT_GTC, TimeInForce.GTC),
    "trigger_bracket_gtd": (OrderKind.LIMIT_GTC, TimeInForce.GTD),
    "twap_limit_gtd": (OrderKind.LIMIT_GTC, TimeInForce.GTD),
    "scaled_limit_gtc": (OrderKind.LIMIT_GTC, TimeInForce.GTC),
}

#: Configurations that always say `post_only` when they are shown, as every printed and recorded one does.
_SAY_POST_ONLY = ("limit_limit_gtc", "limit_limit_gtd")

_PREVIEW_FIELDS: Mapping[str, type] = {
    "product_id": str,
    "side": str,
    "order_configuration": dict,
    "leverage": str,
    "margin_type": str,
    "retail_portfolio_id": str,
    "attached_order_configuration": dict,
}
_CREATE_FIELDS: Mapping[str, type] = {
    **_PREVIEW_FIELDS,
    "client_order_id": str,
    "self_trade_prevention_id": str,
    "preview_id": str,
    "sor_preference": str,
    "cost_basis_method": str,
}
_CLOSE_FIELDS: Mapping[str, type] = {"client_order_id": str, "product_id": str, "size": str}
_CANCEL_FIELDS: Mapping[str, type] = {"order_ids": list}
_EDIT_FIELDS: Mapping[str, type] = (
    {"order_id": str, "price": str, "size": str}
    | dict.fromkeys(("stop_price", "end_time", "display_size"), str)
    | {"attached_order_configuration": dict}
)
#: What an edit may name and the exchange does not change, with its reason.
_NOT_EDITED = {
    "stop_price": "FIELD_STOPPRICE_NOT_SUPPORTED",
    "end_time": "FIELD_ENDTIME_NOT_SUPPORTED",
    "display_size": "FIELD_DISPLAYSIZE_NOT_SUPPORTED",
    "attached_order_configuration": "ORDER_EDIT_INVALID_ATTACHED_ORDER_REQUEST",
}


def read_create(body: bytes) -> Ticket | Refusal:
    """`POST /orders`. Raises `BadRequest`."""
    fields = fields_of(body, _CREATE_FIELDS)
    if not fields.get("client_order_id"):
        raise BadRequest("client_order_id must be provided")
    return _ticket(fields, body)


def read_by_hand(body: bytes, *, otherwise: str) -> Ticket | Refusal:
    """As create; without a client id it is `otherwise`. Raises `BadRequest`."""
    fields = fields_of(body, _CREATE_FIELDS)
    ticket = _ticket({**fields, "client_order_id": fields.get("client_order_id") or otherwise}, body)
    return ticket if isinstance(ticket, Refusal) else replace(ticket, is_manual=True)


def read_preview(body: bytes) -> Ticket | Refusal:
    """`POST /orders/preview`: as create, without a client id. Raises `BadRequest`."""
    return _ticket(fields_of(body, _PREVIEW_FIELDS), body)


def echoed_configuration(body: bytes) -> OrderConfiguration:
    """The configuration as sent, which the exchange echoes whether it takes the order or not."""
    sent = orjson.loads(body).get("order_configuration")
    if not isinstance(sent, dict):
        return {}
    kept = {key: _as_shown(key, options) if isinstance(options, dict) else options for key, options in sent.items()}
    return cast(OrderConfiguration, kept)


def _as_shown(key: str, options: dict[str, object]) -> dict[str, object]:
    """Nulls are not shown, and of an order that may rest it is always said whether it is post-only."""
    given = {name: value for name, value in options.items() if value is not None}
    return {**given, "post_only": bool(given.get("post_only"))} if key in _SAY_POST_ONLY else given


def read_close(body: bytes) -> tuple[str, str, Decimal | None]:
    """`POST /orders/close_position`: client id, product, size (None: all of it). Raises `BadRequest`."""
    fields = fields_of(body, _CLOSE_FIELDS)
    client_order_id, product = fields.get("client_order_id"), fields.get("product_id")
    if not client_order_id or not product:
        raise BadRequest("client_order_id and product_id must be provided")
    size = decimal_of(fields.get("size"))
    if fields.get("size") and size is None:
        raise BadRequest("size must be a number")
    return str(client_order_id), str(product), size


def read_cancel(body: bytes) -> list[str]:
    """`POST /orders/batch_cancel`: the order ids. Raises `BadRequest`."""
    ids = fields_of(body, _CANCEL_FIELDS).get("order_ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise BadRequest("order_ids must be a list of at least one id")
    if len(ids) > 100:
        raise BadRequest("at most 100 order_ids are cancelled at once")
    return ids


def read_edit(body: bytes) -> tuple[str, Decimal, Decimal, str]:
    """`POST /orders/edit`: order id, price, size, and why its other fields are refused ("" where they are not).

    What is left out of price and size is zero. Raises `BadRequest`.
    """
    fields = fields_of(body, _EDIT_FIELDS)
    wrong = next((reason for name, reason in _NOT_EDITED.items() if fields.get(name)), "")
    order_id = fields.get("order_id")
    price, size = decimal_of(fields.get("price") or "0"), decimal_of(fields.get("size") or "0")
    if not order_id:
        raise BadRequest("order_id must be provided")
    if price is None or size is None:
        raise BadRequest("price and size must be numbers")
    return str(order_id), price, size, wrong


def _ticket(fields: dict[str, object], body: bytes) -> Ticket | Refusal:
    side = fields.get("side")
    if side not in ("BUY", "SELL"):
        raise invalid_enum(body, "side", side)
    sent = fields.get("order_configuration")
    if not isinstance(sent, dict) or len(sent) != 1:
        return Refusal(_UNKNOWN, "PREVIEW_INVALID_ORDER_CONFIG", "The order configuration was invalid")
    ((key, options),) = sent.items()
    if key not in _CONFIGURATIONS:
        raise unknown_field(body, key)
    if not isinstance(options, dict):
        raise wrong_type(body, key, dict)
    check_fields(options, _CONFIGURATIONS[key], body)
    if options.get("quote_size"):
        return Refusal(
            "UNSUPPORTED_ORDER_CONFIGURATION", "PREVIEW_INVALID_ORDER_CONFIG", "Futures are sized in contracts"
        )
    return _read(fields, key, options, Side[str(side)], body)


def _read(fields: dict[str, object], key: str, options: dict[str, object], side: Side, body: bytes) -> Ticket | Refusal:
    kind, time_in_force = _KINDS[key]
    qty = decimal_of(options.get("base_size"))
    if qty is None:
        return Refusal(_UNKNOWN, "PREVIEW_NON_NUMERIC_ORDER_SIZE", "base_size must be a number")
    plan = plan_of(key, options, side, body)
    if isinstance(plan, Refusal):
        return plan
    limit_price = decimal_of(options.get("limit_price"))
    if isinstance(plan, Ladder):
        limit_price = plan.highest if side is Side.BUY else plan.lowest  # the worst it can trade at
    if kind is not OrderKind.MARKET_IOC and (limit_price is None or limit_price <= 0):
        return Refusal("INVALID_LIMIT_PRICE", "PREVIEW_INVALID_LIMIT_PRICE", "limit_price must be a price")
    leverage = decimal_of(fields.get("leverage"))
    if fields.get("leverage") and leverage is None:
        return Refusal("INVALID_LEVERAGE", "PREVIEW_INVALID_LEVERAGE", "leverage must be a number")
    attached = _attached(fields.get("attached_order_configuration"), body)
    if isinstance(attached, Refusal):
        return attached
    expires_at = None
    if time_in_force is TimeInForce.GTD:
        try:
            expires_at = nanoseconds_of(str(options.get("end_time", "")))
        except ValueError:
            return Refusal("GTD_ORDERS_MUST_HAVE_END_TIME", "PREVIEW_INVALID_END_TIME", "end_time must be RFC 3339")
    return Ticket(
        client_order_id=str(fields.get("client_order_id") or ""),
        product=str(fields.get("product_id") or ""),
        side=side,
        configuration=cast(OrderConfiguration, {key: _as_shown(key, options)}),
        kind=kind,
        qty=qty,
        limit_price=limit_price,
        time_in_force=time_in_force,
        expires_at=expires_at,
        post_only=bool(options.get("post_only")),
        leverage=leverage,
        margin_type=str(fields.get("margin_type") or ""),
        plan=plan,
        attached=attached,
        self_trade_prevention_id=str(fields.get("self_trade_prevention_id") or ""),
    )


def _attached(sent: object, body: bytes) -> Attached | Refusal | None:
    """The bracket that an order brings along: its key and two prices, no size."""
    if not sent:
        return None
    assert isinstance(sent, dict), "checked with the other fields"
    if list(sent) != ["trigger_bracket_gtc"]:
        return Refusal(_UNKNOWN, "PREVIEW_INVALID_ORDER_CONFIG", "only trigger_bracket_gtc can be attached")
    legs = sent["trigger_bracket_gtc"]
    if not isinstance(legs, dict):
        raise wrong_type(body, "trigger_bracket_gtc", dict)
    check_fields(legs, _BRACKET, body)
    limit_price, stop_price = decimal_of(legs.get("limit_price")), decimal_of(legs.get("stop_trigger_price"))
    if legs.get("base_size") or limit_price is None or stop_price is None:
        return Refusal("INVALID_BRACKET_PRICES", "PREVIEW_INVALID_ORDER_CONFIG", "two prices are wanted, and no size")
    return Attached(limit_price=limit_price, stop_price=stop_price)
