"""What an operator can set a limit to while a session runs, and how he writes it.

A limit that is mistyped must never vanish or lie: a change that cannot be taken changes nothing, and the shell that
takes it from the operator says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from events.configuration import Configuration, RiskLimits
from events.money import ONE, ZERO
from projections.returns import RETURNS_KEPT


class LimitError(ValueError):
    """A limit cannot be set to a value. The text is a sentence for the operator."""


_KINDS = {field.name: field.type for field in msgspec.structs.fields(RiskLimits)}
_MAPS = frozenset(name for name, kind in _KINDS.items() if kind == dict[str, Decimal])
_PERCENT = "write a fraction: 0.8 for 80 %"


def _above_zero(value: Any) -> str:
    return "" if value > 0 else "must be above zero"


def _not_negative(value: Any) -> str:
    return "" if value >= 0 else "must not be negative"


def _share(value: Any) -> str:
    return "" if ZERO <= value < ONE else "must be at least 0 and below 1"


def _share_of_equity(value: Any) -> str:
    return "" if ZERO < value <= 10 else "must be above 0 and at most 10 (1000 %)"


def _share_of_one(value: Any) -> str:
    return "" if ZERO < value <= ONE else "must be above 0 and at most 1"


def _window(value: Any) -> str:
    return "" if 2 <= value <= RETURNS_KEPT else f"must be from 2 to {RETURNS_KEPT}"


#: Limits of numbers: what their value must be, and the remedy. For a map it holds of each value.
_RULES: Mapping[str, tuple[Callable[[Any], str], str]] = {
    "leverage_max_global": (_above_zero, "5 means five times equity"),
    "leverage_max_per_symbol": (_above_zero, "5 means five times equity"),
    "day_leverage_max_per_symbol": (_above_zero, "5 means five times equity"),
    "night_leverage_max_per_symbol": (_above_zero, "5 means five times equity"),
    "day_mmr_per_symbol": (_share, _PERCENT),
    "night_mmr_per_symbol": (_share, _PERCENT),
    "min_liquidation_buffer_pct": (_share, _PERCENT),
    "default_maintenance_margin_rate": (_share, _PERCENT),
    "daily_loss_limit": (_above_zero, "give an amount in USD, or leave it out"),
    "max_daily_loss_pct": (_share_of_equity, _PERCENT),
    "max_exposure_pct": (_share_of_equity, _PERCENT),
    "max_position_pct_per_symbol": (_share_of_equity, _PERCENT),
    "max_notional_per_symbol": (_not_negative, "give an amount in USD"),
    "slippage_guard_bps": (_not_negative, "give basis points: 50 for 0.5 %"),
    "max_mark_staleness_seconds": (_above_zero, "give whole seconds"),
    "max_decision_age_s": (_above_zero, "give whole seconds"),
    "approval_ttl_ms": (_above_zero, "give whole milliseconds"),
    "exit_approval_ttl_ms": (_above_zero, "give whole milliseconds"),
    "max_order_qty": (_above_zero, "give a quantity in contracts, or leave it out"),
    "max_order_notional": (_above_zero, "give an amount in USD, or leave it out"),
    "max_price_distance_bps": (_above_zero, "give basis points: 500 for 5 %, or leave it out"),
    "max_orders_per_minute": (_above_zero, "give a whole number, or leave it out"),
    "capital_cap_usd": (_above_zero, "give an amount in USD, or leave it out"),
    "max_intraday_volatility_threshold": (_above_zero, "give a year's volatility as a fraction: 0.15 for 15 %"),
    "volatility_warning_threshold": (_above_zero, "give a year's volatility as a fraction: 0.15 for 15 %"),
    "volatility_reduce_only_threshold": (_above_zero, "give a year's volatility as a fraction: 0.20 for 20 %"),
    "volatility_kill_switch_threshold": (_above_zero, "give a year's volatility as a fraction: 0.25 for 25 %"),
    "volatility_window_periods": (_window, "give a whole number of returns"),
    "circuit_breaker_cooldown_minutes": (_not_negative, "give whole minutes"),
    "max_correlated_concentration": (_share_of_one, "1: all positions move as one"),
}
_CLOCK_TIMES = ("daytime_start_utc", "daytime_end_utc")


def changed(configuration: Configuration, limits: RiskLimits, name: str, value: str) -> RiskLimits:
    """The limits with one set anew. `value` is text: `0.2`, `true`, `none`, `09:00`; of a map `BTC-PERP:5,ETH-PERP:8`.

    Raises `LimitError` with a sentence that names what can stand there. Per-symbol keys name a product of the
    configuration, by our id or the exchange's, each once (trading rules A5).
    """
    if name not in _KINDS:
        raise LimitError(f"unknown limit {name!r}; known are {', '.join(sorted(_KINDS))}")
    read = _read_map(name, value, configuration) if name in _MAPS else _read(name, value)
    wrong = _why_wrong(name, read)
    if wrong:
        raise LimitError(wrong)
    return msgspec.structs.replace(limits, **{name: read})


def minute_of(text: str) -> int:
    """The minute of the day that `HH:MM` names. Raises `ValueError`."""
    hour, _, minute = text.partition(":")
    if len(hour) != 2 or len(minute) != 2 or not (0 <= int(hour) < 24 and 0 <= int(minute) < 60):
        raise ValueError(text)
    return int(hour) * 60 + int(minute)


def _why_wrong(name: str, value: Any) -> str:
    """Why a limit cannot have this value; "" when it can. For a map it holds of each value."""
    if name in _CLOCK_TIMES and value is not None:
        try:
            minute_of(value)
        except ValueError:
            return f'{name} cannot be {value!r}; write it as "09:00", in UTC'
    if name not in _RULES or value is None:
        return ""
    rule, remedy = _RULES[name]
    for each in value.values() if isinstance(value, dict) else (value,):
        finite = not isinstance(each, Decimal) or each.is_finite()
        if wrong := rule(each) if finite else "is no number":
            return f"{name} cannot be {each}: it {wrong}; {remedy}"
    return ""


def _read(name: str, value: str) -> object:
    if value.lower() in ("none", ""):
        value = "null"
    elif value.lower() in ("yes", "no"):
        value = "true" if value.lower() == "yes" else "false"
    try:
        return msgspec.convert(None if value == "null" else value, _KINDS[name], strict=False)
    except msgspec.ValidationError as error:
        raise LimitError(f"{name} cannot be {value!r}: {error}") from error


def _read_map(name: str, value: str, configuration: Configuration) -> dict[str, Decimal]:
    ours = {setting.exchange_id: product for product, setting in configuration.products.items()}
    ours |= {product: product for product in configuration.products}
    entries: dict[str, Decimal] = {}
    for entry in value.split(",") if value.strip() and value.lower() != "none" else ():
        key, colon, number = entry.strip().rpartition(":")
        product = ours.get(key.strip())
        if colon and product is None:
            raise LimitError(f"{name} names {key.strip()!r}; products here are {', '.join(configuration.products)}")
        try:
            amount = msgspec.convert(number.strip(), Decimal, strict=False)
        except msgspec.ValidationError as error:
            raise LimitError(f"{name} cannot hold {entry.strip()!r}; write BTC-PERP:5,ETH-PERP:8") from error
        if product is None:
            raise LimitError(f"{name} cannot hold {entry.strip()!r}; write BTC-PERP:5,ETH-PERP:8")
        if product in entries:
            raise LimitError(f"{name} names {product} twice")
        entries[product] = amount
    return entries
