"""Which values a limit can have, and how they are written.

A limit that is mistyped must never vanish or lie: the configuration is checked before a session starts, and an
operator's change before it is said. Both use this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from events.configuration import Configuration, RiskLimits
from events.money import ONE, ZERO


class Fault(NamedTuple):
    """What is wrong with a setting: its name as the configuration writes it, why, and what to do."""

    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}; {self.remedy}"


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
    "max_orders_per_minute": (_above_zero, "give a whole number, or leave it out"),
    "capital_cap_usd": (_above_zero, "give an amount in USD, or leave it out"),
}
_CLOCK_TIMES = ("daytime_start_utc", "daytime_end_utc")
_DAY_AND_NIGHT = (
    "day_leverage_max_per_symbol",
    "night_leverage_max_per_symbol",
    "day_mmr_per_symbol",
    "night_mmr_per_symbol",
)


def check_limits(configuration: Configuration) -> list[Fault]:
    """Everything that is wrong with the limits of a configuration; empty when a session may start with them.

    Every per-symbol key must name exactly one product, by our id or the exchange's (trading rules A5).
    """
    limits = configuration.risk
    faults = _value_faults(limits)
    for name in sorted(_MAPS):
        faults += _key_faults(name, getattr(limits, name), configuration)
    times = [getattr(limits, name) for name in _CLOCK_TIMES]
    if any(getattr(limits, name) for name in _DAY_AND_NIGHT) and None in times:
        faults.append(
            Fault(
                "risk.daytime_start_utc",
                "limits for day and night are set, but not when the day is",
                'set daytime_start_utc and daytime_end_utc, for example "09:00" and "17:00"',
            )
        )
    if limits.enable_volatility_circuit_breaker:
        faults.append(
            Fault(
                "risk.enable_volatility_circuit_breaker",
                "the volatility circuit breaker is not built yet",
                "set it to false",
            )
        )
    return faults


def changed(limits: RiskLimits, name: str, value: str) -> RiskLimits:
    """The limits with one set anew. `value` is text: `0.2`, `true`, `none`, `09:00`; of a map `BTC-PERP:5,ETH-PERP:8`.

    Raises `LimitError` with a sentence that names what can stand there.
    """
    if name not in _KINDS:
        raise LimitError(f"unknown limit {name!r}; known are {', '.join(sorted(_KINDS))}")
    read = _read_map(name, value) if name in _MAPS else _read(name, value)
    new = msgspec.structs.replace(limits, **{name: read})
    faults = _value_faults(new, only=name)
    if faults:
        raise LimitError(str(faults[0]))
    return new


def change_fault(configuration: Configuration, limits: RiskLimits, name: str, value: str) -> str:
    """Why an operator cannot set a limit so, with the products of this configuration; empty when he can."""
    try:
        new = changed(limits, name, value)
    except LimitError as error:
        return str(error)
    faults = check_limits(msgspec.structs.replace(configuration, risk=new))
    return next((str(fault) for fault in faults if fault.field.startswith(f"risk.{name}")), "")


def minute_of(text: str) -> int:
    """The minute of the day that `HH:MM` names. Raises `ValueError`."""
    hour, _, minute = text.partition(":")
    if len(hour) != 2 or len(minute) != 2 or not (0 <= int(hour) < 24 and 0 <= int(minute) < 60):
        raise ValueError(text)
    return int(hour) * 60 + int(minute)


def _value_faults(limits: RiskLimits, only: str | None = None) -> list[Fault]:
    faults = []
    for name, (rule, remedy) in _RULES.items():
        value = getattr(limits, name)
        if value is None or only not in (None, name):
            continue
        for key, each in value.items() if isinstance(value, dict) else (("", value),):
            finite = not isinstance(each, Decimal) or each.is_finite()
            if wrong := rule(each) if finite else "is no number":
                faults.append(Fault(f"risk.{name}{'.' if key else ''}{key}", f"{each} {wrong}", remedy))
    for name in _CLOCK_TIMES:
        text = getattr(limits, name)
        if text is not None and only in (None, name) and not _is_clock_time(text):
            faults.append(Fault(f"risk.{name}", f"{text!r} is no time of day", 'write it as "09:00", in UTC'))
    return faults


def _key_faults(name: str, limits: Mapping[str, Decimal], configuration: Configuration) -> list[Fault]:
    known = {setting.exchange_id: product for product, setting in configuration.products.items()}
    known |= {product: product for product in configuration.products}
    faults, seen = [], dict[str, str]()
    for key in limits:
        product = known.get(key)
        if product is None:
            named = ", ".join(configuration.products) or "none"
            remedy = f"products here are: {named}; add {key} to products or take the limit away"
            faults.append(Fault(f"risk.{name}.{key}", f"{key} is no product of this configuration", remedy))
        elif product in seen:
            message = f"{key} and {seen[product]} are the same product"
            faults.append(Fault(f"risk.{name}.{key}", message, "keep one of the two"))
        else:
            seen[product] = key
    return faults


def _is_clock_time(text: str) -> bool:
    try:
        minute_of(text)
    except ValueError:
        return False
    return True


def _read(name: str, value: str) -> object:
    if value.lower() in ("none", ""):
        value = "null"
    elif value.lower() in ("yes", "no"):
        value = "true" if value.lower() == "yes" else "false"
    try:
        return msgspec.convert(None if value == "null" else value, _KINDS[name], strict=False)
    except msgspec.ValidationError as error:
        raise LimitError(f"{name} cannot be {value!r}: {error}") from error


def _read_map(name: str, value: str) -> dict[str, Decimal]:
    entries: dict[str, Decimal] = {}
    for entry in value.split(",") if value.strip() and value.lower() != "none" else ():
        key, colon, number = entry.rpartition(":")
        try:
            amount = msgspec.convert(number.strip(), Decimal, strict=False)
        except msgspec.ValidationError as error:
            raise LimitError(f"{name} cannot hold {entry.strip()!r}: {error}; write BTC-PERP:5,ETH-PERP:8") from error
        if not colon or not key.strip() or not amount.is_finite():
            raise LimitError(f"{name} cannot hold {entry.strip()!r}; write BTC-PERP:5,ETH-PERP:8")
        if key.strip() in entries:
            raise LimitError(f"{name} names {key.strip()} twice")
        entries[key.strip()] = amount
    return entries
