"""Reading the plan of an order out of its configuration: stop, bracket, parts over time, parts over prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from events.money import ZERO
from events.terms import NANOSECONDS, Side
from replay.exchange.forms import decimal_of, integer_of, invalid_enum
from replay.exchange.orders import Refusal
from replay.exchange.plans import AnyPlan, Bracket, Ladder, Stop, Twap
from replay.exchange.times import nanoseconds_of

_UNKNOWN_PREVIEW = "UNKNOWN_PREVIEW_FAILURE_REASON"
_DIRECTIONS = {
    "STOP_DIRECTION_STOP_UP": True,
    "STOP_DIRECTION_STOP_DOWN": False,
    "UNKNOWN_STOP_DIRECTION": None,
    "": None,
}


def plan_of(key: str, options: Mapping[str, object], side: Side, body: bytes) -> AnyPlan | Refusal | None:
    """The plan of a configuration; None for one that goes to the market as it is. Raises `BadRequest`."""
    if key.startswith("stop_limit"):
        return _stop(options, side, body)
    if key.startswith("trigger_bracket"):
        price = decimal_of(options.get("stop_trigger_price"))
        if price is None or price <= 0:
            return Refusal("INVALID_BRACKET_STOP_TRIGGER_PRICE", "PREVIEW_INVALID_STOP_PRICE", "no stop_trigger_price")
        return Bracket(stop_price=price)
    if key == "twap_limit_gtd":
        return _twap(options)
    return _ladder(options) if key == "scaled_limit_gtc" else None


def _stop(options: Mapping[str, object], side: Side, body: bytes) -> Stop | Refusal:
    """Without a direction a buy waits for a rise and a sell for a fall."""
    price, told = decimal_of(options.get("stop_price")), str(options.get("stop_direction") or "")
    if told not in _DIRECTIONS:
        raise invalid_enum(body, "stop_direction", told)
    if price is None or price <= 0:
        return Refusal("INVALID_REQUEST", "PREVIEW_INVALID_STOP_PRICE", "stop_price must be a price")
    rises = _DIRECTIONS[told]
    return Stop(price=price, rises=side is Side.BUY if rises is None else rises)


def _twap(options: Mapping[str, object]) -> Twap | Refusal:
    """Buckets by number or by duration; one of the two gives the other."""
    if not options.get("start_time"):
        return Refusal("START_TIME_MUST_BE_SPECIFIED", "PREVIEW_INVALID_ORDER_CONFIG", "start_time must be given")
    try:
        starts, ends = (nanoseconds_of(str(options.get(name, ""))) for name in ("start_time", "end_time"))
        duration = _duration(str(options.get("bucket_duration") or "0s"))
    except ValueError as error:
        return Refusal("INVALID_REQUEST", "PREVIEW_INVALID_END_TIME", str(error))
    buckets = integer_of(options.get("number_buckets")) or 0
    if buckets <= 0 and duration > 0:
        buckets = max(1, (ends - starts) // duration)
    if buckets <= 0:
        return Refusal("INVALID_REQUEST", "PREVIEW_INVALID_ORDER_CONFIG", "number_buckets or bucket_duration is needed")
    return Twap(starts_at=starts, buckets=buckets, bucket_ns=duration or max(0, ends - starts) // buckets)


def _duration(text: str) -> int:
    """ "300s" as nanoseconds, a fraction allowed. Raises `ValueError`."""
    seconds = decimal_of(text.removesuffix("s"))
    if not text.endswith("s") or seconds is None or seconds < 0:
        raise ValueError(f"not a duration like 300s: {text!r}")
    return int(seconds * NANOSECONDS)


def _ladder(options: Mapping[str, object]) -> Ladder | Refusal:
    """Sizes are even, or change by `size_diff` or to `size_ratio`, upwards unless the distribution says DECREASING."""
    count = integer_of(options.get("num_orders"))
    lowest, highest = decimal_of(options.get("min_price")), decimal_of(options.get("max_price"))
    difference = decimal_of(options.get("size_diff") or "0")
    ratio = decimal_of(options.get("size_ratio") or "1")
    if count is None or lowest is None or highest is None or difference is None or ratio is None or lowest <= 0:
        message = "num_orders, min_price and max_price must be given, as numbers"
        return Refusal("SCALED_PARAM_INFEASIBLE", _UNKNOWN_PREVIEW, message)
    told = str(options.get("size_distribution") or "")
    changes = told.endswith(("INCREASING", "DECREASING"))
    return Ladder(
        count=count,
        lowest=lowest,
        highest=highest,
        difference=difference if changes else ZERO,
        ratio=ratio if changes and ratio > 0 else Decimal(1),
        falls=told.endswith("DECREASING"),
    )
