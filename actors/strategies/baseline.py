"""The baseline: moving averages cross, a trailing stop follows from the entry, every exit only reduces.

A cross is compared without division: the sum of the short window times the long period against the sum of the long
window times the short period, so no rounding ever decides a trade.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from actors.strategies.options import as_decimal, read_options
from actors.strategies.protocol import Decision, View
from actors.strategies.seed_call import PositionState, RiskManager, SeedCalls
from events.catalog import ProductListed
from events.money import ONE, ZERO, plain, quotient
from events.terms import Action, Side

_SHOWN_PLACES = 8


@dataclasses.dataclass(frozen=True)
class StrategyConfig:
    """The baseline's options. Fractions are fractions; `max_adds` counts the first entry too: 1 is no pyramiding."""

    short_ma_period: int = 5
    long_ma_period: int = 20
    target_leverage: Decimal = Decimal(2)
    trailing_stop_pct: Decimal = Decimal("0.01")
    position_fraction: Decimal = ONE
    max_trade_usd: Decimal | None = None
    enable_shorts: bool = False
    max_adds: int = 1
    disable_new_entries: bool = False
    ma_cross_epsilon_bps: Decimal = ZERO
    ma_cross_confirm_bars: int = 0

    def __post_init__(self) -> None:
        for name in (
            "target_leverage",
            "trailing_stop_pct",
            "position_fraction",
            "max_trade_usd",
            "ma_cross_epsilon_bps",
        ):
            object.__setattr__(self, name, as_decimal(getattr(self, name)))
        for is_wrong, message in (
            (self.short_ma_period < 1, "short_ma_period must be at least 1"),
            (self.long_ma_period <= self.short_ma_period, "long_ma_period must be above short_ma_period"),
            (self.target_leverage <= 0, "target_leverage must be above zero"),
            (not 0 < self.trailing_stop_pct < 1, "trailing_stop_pct must be a fraction between 0 and 1: 0.01 for 1 %"),
            (not 0 < self.position_fraction <= 1, "position_fraction must be above 0 and at most 1"),
            (self.max_trade_usd is not None and self.max_trade_usd <= 0, "max_trade_usd must be above zero, or absent"),
            (self.max_adds < 1, "max_adds counts the first entry and must be at least 1; see disable_new_entries"),
            (self.ma_cross_epsilon_bps < 0, "ma_cross_epsilon_bps must not be negative"),
            (self.ma_cross_confirm_bars < 0, "ma_cross_confirm_bars must not be negative"),
        ):
            if is_wrong:
                raise ValueError(message)


class Signal(StrEnum):
    BULLISH = "bullish"
    BEARISH = "bearish"


def create_baseline_strategy(
    config: Mapping[str, Any] | None = None, risk_manager: RiskManager | None = None
) -> BaselinePerpsStrategy:
    """From options as a mapping. Raises `OptionError` naming the option that is unknown or wrong."""
    return BaselinePerpsStrategy(read_options(StrategyConfig, config or {}), risk_manager=risk_manager)


class BaselinePerpsStrategy:
    """Enters on a crossover, leaves on the opposite one, on its trailing stop, or when only reducing is allowed."""

    def __init__(self, config: StrategyConfig | None = None, risk_manager: RiskManager | None = None) -> None:
        self.config = config or StrategyConfig()
        #: A cross is seen in two neighbouring values of the long average, and stays for the bars that confirm it.
        self.window = self.config.long_ma_period + 1 + self.config.ma_cross_confirm_bars
        self._seed_calls = SeedCalls(window=self.window, risk_manager=risk_manager)

    def decide(
        self,
        view: View | None = None,
        *,
        symbol: str = "",
        current_mark: Decimal | None = None,
        position_state: PositionState | None = None,
        recent_marks: list[Decimal] | None = None,
        equity: Decimal | None = None,
        product: ProductListed | None = None,
    ) -> Decision:
        """Of a `View`, or of the seed's six keywords, which build one."""
        if view is not None:
            return self._decide(view)
        return self._decide(
            self._seed_calls.view(symbol, current_mark, position_state, recent_marks, equity=equity, product=product)
        )

    def _decide(self, view: View) -> Decision:
        signal, numbers = self._signal(view)
        if view.reduce_only is not None:
            if view.qty:
                return _close("Reduce-only mode active", numbers)
            return _hold("Reduce-only mode - no new entries", numbers)
        if view.qty:
            exit_reason = self._exit_reason(view, signal)
            if exit_reason:
                return _close(exit_reason, numbers)
        if view.is_killed:
            return _hold("Kill switch enabled - no new entries", numbers)
        if self.config.disable_new_entries:
            return _hold("New entries disabled", numbers)
        if len(view.marks) < self.window:
            return _hold("Not enough marks", numbers)
        if signal is Signal.BULLISH or (signal is Signal.BEARISH and self.config.enable_shorts):
            return self._enter(view, signal, numbers)
        return _hold("No signal", numbers)

    def _signal(self, view: View) -> tuple[Signal | None, dict[str, Decimal]]:
        """The cross that the last marks confirm, and the averages now, rounded for show."""
        config, marks = self.config, view.marks
        if len(marks) < self.window:
            return None, {}
        short, long = config.short_ma_period, config.long_ma_period
        spreads = [
            sum(marks[end - short : end], ZERO) * long - sum(marks[end - long : end], ZERO) * short
            for end in range(len(marks) - config.ma_cross_confirm_bars - 1, len(marks) + 1)
        ]
        margin = marks[-1] * config.ma_cross_epsilon_bps.scaleb(-4) * short * long
        numbers = {
            "short_ma": plain(quotient(sum(marks[-short:], ZERO), Decimal(short), places=_SHOWN_PLACES)),
            "long_ma": plain(quotient(sum(marks[-long:], ZERO), Decimal(long), places=_SHOWN_PLACES)),
        }
        if view.marks_from_candles:
            numbers["marks_from_candles"] = Decimal(view.marks_from_candles)
        before, since = spreads[0], spreads[1:]
        if before <= margin and all(spread > margin for spread in since):
            return Signal.BULLISH, numbers
        if before >= -margin and all(spread < -margin for spread in since):
            return Signal.BEARISH, numbers
        return None, numbers

    def _exit_reason(self, view: View, signal: Signal | None) -> str:
        """Why the position should be left; empty when it should not."""
        opposing = Signal.BEARISH if view.qty > 0 else Signal.BULLISH
        if signal is opposing:
            if self.config.disable_new_entries:
                return f"Exit on {signal} signal"
            return f"Exit {'long' if view.qty > 0 else 'short'} on {signal} signal"
        peak, mark = view.best_mark, view.mark
        if peak is None or mark is None:
            return ""
        sign = 1 if view.qty > 0 else -1
        stop = peak * (ONE - sign * self.config.trailing_stop_pct)
        if sign * (mark - stop) > 0:
            return ""
        return f"Trailing stop hit (peak: {plain(peak)}, stop: {plain(stop)}, current: {plain(mark)})"

    def _enter(self, view: View, signal: Signal, numbers: dict[str, Decimal]) -> Decision:
        side = Side.BUY if signal is Signal.BULLISH else Side.SELL
        if view.qty and view.entries >= self.config.max_adds:
            return _hold(
                f"{signal.capitalize()} crossover, but no more adds (max_adds {self.config.max_adds})", numbers
            )
        if view.equity is None:
            return _hold("Equity unknown", numbers)
        target, binding = self._size(view, side, view.equity)
        return Decision(
            action=Action.BUY if side is Side.BUY else Action.SELL,
            reason=f"{signal.capitalize()} MA crossover",
            target_notional=target,
            binding=binding,
            leverage=self.config.target_leverage,
            numbers=numbers | {"equity": view.equity, "target_notional": target},
        )

    def _size(self, view: View, side: Side, equity: Decimal) -> tuple[Decimal, str]:
        """The notional to ask for, and what bounds it (trading rules B6)."""
        config, room = self.config, view.room(side)
        whole = config.target_leverage * equity
        bounds = [
            (whole * config.position_fraction, "target_leverage"),
            (whole - view.held_notional, "target_leverage"),
            (room.notional, room.limit),
        ]
        if config.max_trade_usd is not None:
            bounds.append((config.max_trade_usd, "max_trade_usd"))
        target, binding = min(bounds, key=lambda bound: bound[0])
        return max(target, ZERO), binding


def _hold(reason: str, numbers: dict[str, Decimal]) -> Decision:
    return Decision(action=Action.HOLD, reason=reason, numbers=numbers)


def _close(reason: str, numbers: dict[str, Decimal]) -> Decision:
    return Decision(action=Action.CLOSE, reason=reason, reduce_only=True, numbers=numbers)
