"""Funding carry: short while longs pay enough, long while shorts do, out when the rate is back to normal.

It stands where it is paid: a rate above zero is paid by longs, so a high one is earned short (trading rules A3). Prices
decide nothing but the stop. A position that was stopped is not taken again on the same rate; which rate that was, it
keeps in `Decision.memory`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from actors.strategies.options import as_decimal, read_options
from actors.strategies.protocol import Decision, View
from events.money import ONE, plain
from events.terms import NANOSECONDS, Action

#: The rate that the last stop happened on, by its boundary.
_STOPPED = "stopped_on"


@dataclasses.dataclass(frozen=True)
class FundingConfig:
    """Rates are of one funding interval: 0.00002 an hour is 17.5 % a year. `notional_pct` is a fraction of equity."""

    enter_rate: Decimal = Decimal("0.00002")
    exit_rate: Decimal = Decimal("0.000005")
    notional_pct: Decimal = Decimal("0.1")
    stop_pct: Decimal = Decimal("0.02")
    max_rate_age_s: int = 7_200
    enable_longs: bool = True
    enable_shorts: bool = True

    def __post_init__(self) -> None:
        for name in ("enter_rate", "exit_rate", "notional_pct", "stop_pct"):
            object.__setattr__(self, name, as_decimal(getattr(self, name)))
        for is_wrong, message in (
            (self.exit_rate < 0, "exit_rate must not be negative: it holds for both signs"),
            (self.enter_rate <= self.exit_rate, "enter_rate must be above exit_rate"),
            (self.notional_pct <= 0, "notional_pct must be above zero"),
            (not 0 < self.stop_pct < 1, "stop_pct must be a fraction between 0 and 1: 0.02 for 2 %"),
            (self.max_rate_age_s < 1, "max_rate_age_s must be at least 1"),
        ):
            if is_wrong:
                raise ValueError(message)


def create_funding_strategy(config: Mapping[str, Any] | None = None) -> FundingCarryStrategy:
    """From options as a mapping. Raises `OptionError` naming the option that is unknown or wrong."""
    return FundingCarryStrategy(read_options(FundingConfig, config or {}))


class FundingCarryStrategy:
    """Enters on a rate, leaves when it normalises, grows too old, or the stop is hit."""

    window = 1

    def __init__(self, config: FundingConfig | None = None) -> None:
        self.config = config or FundingConfig()

    def decide(self, view: View) -> Decision:
        rate, boundary = view.funding_rate, view.funding_boundary
        is_known = boundary is not None and view.at - boundary <= self.config.max_rate_age_s * NANOSECONDS
        known_rate = rate if is_known else None
        if view.qty:
            if exit_reason := self._exit_reason(view, known_rate):
                return self._close(view, exit_reason)
            if self._is_stopped(view):
                return self._close(view, "Stop hit", memory={_STOPPED: str(boundary)})
            return self._say(view, Action.HOLD, "Holding for the funding rate")
        if view.is_killed or view.reduce_only is not None:
            return self._say(view, Action.HOLD, "No new entries")
        if known_rate is None:
            return self._say(view, Action.HOLD, "Funding rate unknown or too old")
        if view.memory.get(_STOPPED) == str(boundary):
            return self._say(view, Action.HOLD, "Stopped on this rate already")
        return self._enter(view, known_rate)

    def _enter(self, view: View, rate: Decimal) -> Decision:
        if view.equity is None or view.equity <= 0:
            return self._say(view, Action.HOLD, "No equity known to size by")
        target = self.config.notional_pct * view.equity
        if rate >= self.config.enter_rate and self.config.enable_shorts:
            return self._say(view, Action.SELL, "Longs pay: funding rate is high", target)
        if rate <= -self.config.enter_rate and self.config.enable_longs:
            return self._say(view, Action.BUY, "Shorts pay: funding rate is low", target)
        return self._say(view, Action.HOLD, "Funding rate is normal")

    def _exit_reason(self, view: View, rate: Decimal | None) -> str:
        """Why the position should be left, whatever its price; empty when it should not."""
        if view.reduce_only is not None:
            return "Reduce-only mode active"
        if rate is None:
            return "Funding rate unknown or too old"
        earned = rate if view.qty < 0 else -rate
        return "" if earned > self.config.exit_rate else "Funding rate is back to normal"

    def _is_stopped(self, view: View) -> bool:
        """Whether the mark went against the entry by `stop_pct`: a long from 100 at 0.02 is stopped at 98."""
        if view.mark is None or view.entry_price is None:
            return False
        sign = 1 if view.qty > 0 else -1
        return sign * (view.mark - view.entry_price * (ONE - sign * self.config.stop_pct)) <= 0

    def _close(self, view: View, reason: str, memory: dict[str, str] | None = None) -> Decision:
        return Decision(
            action=Action.CLOSE,
            reason=reason,
            reduce_only=True,
            numbers=_numbers(view),
            memory=view.memory if memory is None else memory,
        )

    def _say(self, view: View, action: Action, reason: str, target: Decimal | None = None) -> Decision:
        return Decision(
            action=action,
            reason=reason,
            target_notional=target,
            binding="notional_pct" if target is not None else "",
            numbers=_numbers(view),
            memory=view.memory,
        )


def _numbers(view: View) -> dict[str, Decimal]:
    return {} if view.funding_rate is None else {"funding_rate": plain(view.funding_rate)}
