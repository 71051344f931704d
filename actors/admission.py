"""What a configuration must be before a session runs by it: products that exist, limits that limit.

A limit under a name that no product has would be no limit; a percentage written as 15 for 0.15 would be none either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.strategies.loading import BUILT_IN
from actors.strict import ConfigurationError, Way, nearest, shown
from events.configuration import Configuration, RiskLimits
from projections.attribution import NO_STRATEGY
from projections.hours import weekly_halt
from projections.returns import RETURNS_KEPT

Place = Callable[[Way], str]
Number = Decimal | int

_CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_STRATEGY = re.compile("|".join(BUILT_IN) + r"|[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Span(NamedTuple):
    """Which numbers are taken, and how to say it."""

    holds: Callable[[Number], bool]
    meant: str


ABOVE_ZERO = Span(lambda number: number > 0, "write a number above 0")
FROM_ZERO = Span(lambda number: number >= 0, "write 0 or more")
FRACTION = Span(lambda number: 0 <= number < 1, "write a fraction from 0 up to 1: 0.15 is 15 %")
SHARE = Span(lambda number: 0 < number <= 1, "write a fraction above 0, at most 1: 0.02 is 2 %")
WINDOW = Span(lambda number: 2 <= number <= RETURNS_KEPT, f"write a whole number from 2 to {RETURNS_KEPT}")

SPANS: dict[Way, Span] = {
    ("start_equity",): ABOVE_ZERO,
    ("marks", "interval_s"): ABOVE_ZERO,
    ("marks", "ttl_s"): ABOVE_ZERO,
    ("marks", "max_feed_lag_ms"): ABOVE_ZERO,
    ("marks", "max_index_deviation_bps"): ABOVE_ZERO,
    ("marks", "index_ttl_s"): ABOVE_ZERO,
    ("marks", "max_print_deviation_bps"): ABOVE_ZERO,
    ("halts", "lead_s"): FROM_ZERO,
    ("halts", "samples_after"): FROM_ZERO,
    ("risk", "leverage_max_global"): ABOVE_ZERO,
    ("risk", "leverage_max_per_symbol"): ABOVE_ZERO,
    ("risk", "day_leverage_max_per_symbol"): ABOVE_ZERO,
    ("risk", "night_leverage_max_per_symbol"): ABOVE_ZERO,
    ("risk", "day_mmr_per_symbol"): SHARE,
    ("risk", "night_mmr_per_symbol"): SHARE,
    ("risk", "min_liquidation_buffer_pct"): FRACTION,
    ("risk", "default_maintenance_margin_rate"): SHARE,
    ("risk", "daily_loss_limit"): ABOVE_ZERO,
    ("risk", "max_daily_loss_pct"): SHARE,
    ("risk", "max_exposure_pct"): ABOVE_ZERO,
    ("risk", "max_position_pct_per_symbol"): ABOVE_ZERO,
    ("risk", "max_notional_per_symbol"): FROM_ZERO,
    ("risk", "slippage_guard_bps"): FROM_ZERO,
    ("risk", "max_mark_staleness_seconds"): ABOVE_ZERO,
    ("risk", "max_intraday_volatility_threshold"): ABOVE_ZERO,
    ("risk", "volatility_window_periods"): WINDOW,
    ("risk", "max_correlated_concentration"): SHARE,
    ("risk", "circuit_breaker_cooldown_minutes"): FROM_ZERO,
    ("risk", "volatility_warning_threshold"): ABOVE_ZERO,
    ("risk", "volatility_reduce_only_threshold"): ABOVE_ZERO,
    ("risk", "volatility_kill_switch_threshold"): ABOVE_ZERO,
    ("risk", "max_decision_age_s"): ABOVE_ZERO,
    ("risk", "approval_ttl_ms"): ABOVE_ZERO,
    ("risk", "exit_approval_ttl_ms"): ABOVE_ZERO,
    ("risk", "max_order_qty"): ABOVE_ZERO,
    ("risk", "max_order_notional"): ABOVE_ZERO,
    ("risk", "max_price_distance_bps"): ABOVE_ZERO,
    ("risk", "max_orders_per_minute"): ABOVE_ZERO,
    ("risk", "capital_cap_usd"): ABOVE_ZERO,
    ("orders", "bracket_stop_pct"): SHARE,
    ("orders", "bracket_take_pct"): SHARE,
    ("orders", "entry_rests_s"): ABOVE_ZERO,
    ("paper", "start_cash"): ABOVE_ZERO,
    ("paper", "latency_ms"): FROM_ZERO,
    ("paper", "price_band"): SHARE,
    ("paper", "liquidation_rate"): FRACTION,
    ("paper", "fees", "taker_rate"): FRACTION,
    ("paper", "fees", "per_contract"): FROM_ZERO,
}


def admitted(configuration: Configuration, place: Place) -> Configuration:
    """The configuration with our product ids throughout. Raises `ConfigurationError` for what cannot stand."""
    configuration = _with_our_ids(configuration, place)
    for way, message, remedy in _objections(configuration):
        raise ConfigurationError(place(way), message, remedy)
    return configuration


def _objections(configuration: Configuration) -> Iterator[tuple[Way, str, str]]:
    if configuration.mode not in ("paper", "live"):
        yield ("mode",), f"{shown(configuration.mode)} is no mode", 'write "paper" or "live"'
    for way, span in SPANS.items():
        for end, number in _numbers(configuration, way):
            if not span.holds(number):
                yield end, f"{number} is out of range", span.meant
    orders = configuration.orders
    if orders.limit_ioc_as not in ("sor_limit_ioc", "gtc_then_cancel"):
        yield (
            ("orders", "limit_ioc_as"),
            f"{shown(orders.limit_ioc_as)} is no way to send a limit IOC",
            'write "sor_limit_ioc" or "gtc_then_cancel"',
        )
    if orders.protective_bracket and configuration.mode != "live":
        yield (
            ("orders", "protective_bracket"),
            "the paper exchange holds no brackets, and a protection without effect is none",
            "leave it false in paper",
        )
    risk = configuration.risk
    if (risk.daytime_start_utc is None) != (risk.daytime_end_utc is None):
        yield ("risk", "daytime_start_utc"), "a day needs its start and its end", "set both or neither"
    for way, texts in (
        (("risk", "daytime_start_utc"), (risk.daytime_start_utc,)),
        (("risk", "daytime_end_utc"), (risk.daytime_end_utc,)),
        (("paper", "settlement_times_utc"), configuration.paper.settlement_times_utc),
        (("account", "settlement_times_utc"), configuration.account.settlement_times_utc),
    ):
        for text in texts:
            if text is not None and not _CLOCK_TIME.fullmatch(text):
                yield way, f"{shown(text)} is no time of day", 'write UTC as "09:00"'
    steps = (
        risk.volatility_warning_threshold,
        risk.volatility_reduce_only_threshold,
        risk.volatility_kill_switch_threshold,
    )
    if list(steps) != sorted(steps):
        yield (
            ("risk", "volatility_warning_threshold"),
            f"the volatility steps {', '.join(map(str, steps))} do not rise",
            "let warning <= reduce_only <= kill_switch",
        )
    for text in configuration.halts.weekly_new_york:
        try:
            weekly_halt(text)
        except ValueError:
            yield (("halts", "weekly_new_york"), f"{shown(text)} is no weekly halt", 'write "fri 17:00-18:00"')
    for name, strategy in configuration.strategies.items():
        if name in NO_STRATEGY:
            yield ("strategies", name), f"what is {name}'s belongs to no strategy", "choose another name"
        if not _STRATEGY.fullmatch(strategy.uses):
            yield (
                ("strategies", name, "uses"),
                f"{shown(strategy.uses)} names no strategy",
                f"write {', '.join(BUILT_IN)}, or module:Class for one of your own",
            )


def _numbers(value: object, way: Way, walked: Way = ()) -> Iterator[tuple[Way, Number]]:
    """The numbers at `way`: one, none where it is not set, or one a key of a map."""
    if way:
        yield from _numbers(getattr(value, way[0]), way[1:], (*walked, way[0]))
    elif isinstance(value, dict):
        for name, each in value.items():
            yield (*walked, name), each
    elif value is not None:
        assert isinstance(value, (Decimal, int)), f"{walked} is no number"
        yield walked, value


def _with_our_ids(configuration: Configuration, place: Place) -> Configuration:
    """Per-symbol keys and the strategies' products as our ids (trading rules A5)."""
    aliases = {name: name for name in configuration.products}
    for name, setting in configuration.products.items():
        if aliases.setdefault(setting.exchange_id, name) != name:
            way = ("products", name, "exchange_id")
            message = f"{setting.exchange_id} is {aliases[setting.exchange_id]} already"
            raise ConfigurationError(place(way), message, "list each product once")

    def ours(name: str, way: Way) -> str:
        if name not in aliases:
            remedy = nearest(name, aliases) if aliases else f"list it as [products.{name}]"
            raise ConfigurationError(place(way), f"there is no product {name}", remedy)
        return aliases[name]

    maps: dict[str, dict[str, Decimal]] = {}
    for limit in RiskLimits.__struct_fields__:
        written = getattr(configuration.risk, limit)
        if not isinstance(written, dict):
            continue
        maps[limit] = {}
        for name, value in written.items():
            way = ("risk", limit, name)
            product = ours(name, way)
            if product in maps[limit]:
                raise ConfigurationError(place(way), f"{product} has this limit twice", "keep one of them")
            maps[limit][product] = value
    strategies = {
        name: msgspec.structs.replace(each, product=ours(each.product, ("strategies", name, "product")))
        for name, each in configuration.strategies.items()
    }
    risk = msgspec.structs.replace(configuration.risk, **maps)
    return msgspec.structs.replace(configuration, risk=risk, strategies=strategies)
