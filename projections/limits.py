"""The limits in force: the configuration's, what operators changed since, the kill switch and reduce-only mode."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.account import MarginWindowChanged
from events.catalog import ProductListed
from events.configuration import Configuration, RiskLimits
from events.event import Event
from events.money import ONE, ZERO, quotient, rounded
from events.record import Record
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import SessionStarted
from events.terms import NANOSECONDS, Side
from projections.exposure import Charges
from projections.limit_rules import LimitError, changed, minute_of

#: The seed's daily loss limit, in force when the user set none of his own, in USD.
DEFAULT_DAILY_LOSS = Decimal(100)
#: Maintenance margin as a share of initial margin, where the exchange publishes only the latter (trading rules A2).
MAINTENANCE_SHARE = quotient(Decimal(2), Decimal(3), places=4)
_EVERYTHING = ""
_MINUTE_NS = 60 * NANOSECONDS


class Kill(msgspec.Struct, kw_only=True):
    """The kill switch as an operator threw it."""

    reason: str
    flatten: bool
    at: int


class Limits(msgspec.Struct, kw_only=True):
    """What may be done now. A change by an operator lasts over restarts until the file says something new there."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            SessionStarted,
            LimitChanged,
            KillSwitchThrown,
            KillSwitchReset,
            ReduceOnlyRequested,
            ReduceOnlyReleased,
            ReduceOnlyEntered,
            ReduceOnlyLeft,
            MarginWindowChanged,
        }
    )

    configuration: Configuration = Configuration()
    limits: RiskLimits = RiskLimits()
    changes: dict[str, str] = msgspec.field(default_factory=dict)
    kill: Kill | None = None
    reduce_only: dict[str, str] = msgspec.field(default_factory=dict)  # product, "" for all of them -> why
    window: MarginWindowChanged | None = None

    def fold(self, record: Record) -> None:
        event = record.event
        match event:
            case SessionStarted():
                self._start(event.configuration)
            case LimitChanged():
                self._change(event.limit, event.value)
            case KillSwitchThrown():
                self.kill = Kill(reason=event.reason, flatten=event.flatten, at=record.at)
            case KillSwitchReset():
                self.kill = None
                self._lift("kill_switch_enabled")
            case ReduceOnlyRequested() | ReduceOnlyEntered():
                self.reduce_only[event.product or _EVERYTHING] = event.reason
            case ReduceOnlyReleased() | ReduceOnlyLeft():
                self.reduce_only.pop(event.product or _EVERYTHING, None)
                if event.product is None:
                    self._lift("reduce_only_mode")
            case MarginWindowChanged():
                self.window = event
            case _:
                pass

    @property
    def is_killed(self) -> bool:
        return self.kill is not None or self.limits.kill_switch_enabled

    def why_reduce_only(self, product: str) -> str | None:
        """Why only reducing orders may pass for a product; None when others may too."""
        for scope in (_EVERYTHING, product):
            if scope in self.reduce_only:
                return self.reduce_only[scope]
        return "configured" if self.limits.reduce_only_mode else None

    def daily_loss_limit(self, start_equity: Decimal) -> Decimal:
        """The loss of a day that ends its entries; of an amount and a percentage the tighter (trading rules A4)."""
        amount, share = self.limits.daily_loss_limit, self.limits.max_daily_loss_pct
        bounds = [] if amount is None else [amount]
        if share is not None:
            bounds.append(max(share * start_equity, ZERO))
        return min(bounds, default=DEFAULT_DAILY_LOSS)

    def leverage_caps(self, product: str, *, listed: Decimal | None, at: int) -> list[Decimal]:
        """The caps on this product's notional as a multiple of equity, but for its margin rates."""
        limits = self.limits
        by_clock = self._by_clock(limits.day_leverage_max_per_symbol, limits.night_leverage_max_per_symbol, product, at)
        caps = [self._of(limits.leverage_max_per_symbol, product), *by_clock, listed]
        return [cap for cap in caps if cap is not None]

    def charges(self) -> Charges:
        """What every order is reserved to cost (trading rules A11)."""
        fees = self.configuration.paper.fees
        return Charges(
            rate=fees.taker_rate, per_contract=fees.per_contract, allowance_bps=self.limits.slippage_guard_bps
        )

    def max_notional(self, product: str) -> Decimal | None:
        return self._of(self.limits.max_notional_per_symbol, product)

    def assumed_rate(self, rules: ProductListed) -> Decimal | None:
        """The default maintenance rate where it is all there is for a product; None where there is another."""
        limits = self.limits
        own = (limits.day_mmr_per_symbol, limits.night_mmr_per_symbol)
        is_set = any(self._of(each, rules.product) is not None for each in own)
        is_published = any(initial_rate(rules, side) is not None for side in Side)
        return None if is_set or is_published else limits.default_maintenance_margin_rate

    def maintenance_rate(self, rules: ProductListed, side: Side, *, at: int) -> Decimal:
        """Maintenance margin as a fraction of notional: the user's, else the product's own, else the default."""
        limits = self.limits
        own = self._by_clock(limits.day_mmr_per_symbol, limits.night_mmr_per_symbol, rules.product, at)
        if own:
            return max(own)
        initial = initial_rate(rules, side)
        if initial is None:
            return limits.default_maintenance_margin_rate
        return rounded(initial * MAINTENANCE_SHARE, places=8)

    def _of(self, per_symbol: dict[str, Decimal], product: str) -> Decimal | None:
        """A per-symbol limit by our id or the exchange's."""
        if not per_symbol:
            return None
        limit = per_symbol.get(product)
        if limit is None and product in self.configuration.products:
            limit = per_symbol.get(self.configuration.products[product].exchange_id)
        return limit

    def _by_clock(self, day: dict[str, Decimal], night: dict[str, Decimal], product: str, at: int) -> list[Decimal]:
        """The limits that hold at this time of day; where no daytime is set, those of day and night both."""
        if not day and not night:
            return []
        maps = [day, night]
        start, end = self.limits.daytime_start_utc, self.limits.daytime_end_utc
        if start is not None and end is not None:
            minute, first, last = at // _MINUTE_NS % 1440, minute_of(start), minute_of(end)
            is_day = first <= minute < last if first <= last else minute >= first or minute < last
            maps = [day] if is_day else [night]
        limits = (self._of(each, product) for each in maps)
        return [limit for limit in limits if limit is not None]

    def _start(self, configuration: Configuration) -> None:
        before, now = self.configuration.risk, configuration.risk
        kept = {name: text for name, text in self.changes.items() if getattr(before, name) == getattr(now, name)}
        self.configuration, self.limits, self.changes = configuration, now, {}
        for name, text in kept.items():
            self._change(name, text)

    def _change(self, name: str, text: str) -> None:
        try:
            self.limits = changed(self.configuration, self.limits, name, text)
        except LimitError:
            return  # the operator's shell refuses such a change; one that came another way changes nothing
        self.changes.pop(name, None)
        self.changes[name] = text

    def _lift(self, name: str) -> None:
        if getattr(self.limits, name):
            self._change(name, "false")


def initial_rate(rules: ProductListed, side: Side) -> Decimal | None:
    """The stricter initial margin of the present window and the next, for this side; None where none is published."""
    if side is Side.BUY:
        rates = (rules.intraday_margin.long, rules.overnight_margin.long)
    else:
        rates = (rules.intraday_margin.short, rules.overnight_margin.short)
    return max((rate for rate in rates if rate is not None), default=None)


assert ZERO < MAINTENANCE_SHARE < ONE
