"""Marks as somebody tells them: which are fresh, how much they move, how much the positions move as one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, TypedDict

from events.configuration import RiskLimits
from events.record import Record
from events.risk import VolatilityLevelChanged
from events.terms import NANOSECONDS, Turbulence
from projections.account import Account
from projections.returns import Returns
from projections.turbulence import Breaker, threshold


class CircuitBreaker(TypedDict):
    """What the volatility circuit breaker says of a product. `action` is none, warning, reduce_only or kill_switch."""

    symbol: str
    triggered: bool
    action: str
    volatility: Decimal | None  # of a year; None while there are too few marks
    threshold: Decimal | None  # that of the action
    periods: int


class ToldMark(NamedTuple):
    """A price, and when it was seen (ns)."""

    price: Decimal
    at: int


class ToldMarks:
    """The latest mark of each symbol, and its returns: one sample an interval, the first mark told in it."""

    def __init__(self, interval_s: int) -> None:
        self.interval_s = interval_s
        self.breaker = Breaker()
        self._latest: dict[str, ToldMark] = {}
        self._samples: dict[str, int] = {}

    def tell(self, symbol: str, price: Decimal, at: int) -> None:
        """A mark was seen. A sample that is missing starts the returns anew."""
        self._latest[symbol] = ToldMark(price, at)
        sample, last = at // (self.interval_s * NANOSECONDS), self._samples.get(symbol)
        if last is not None and sample <= last:
            return
        returns = self.breaker.returns.setdefault(symbol, Returns())
        if last is not None and sample != last + 1:
            returns.lose()
        returns.sample(price)
        self._samples[symbol] = sample

    def get(self, symbol: str) -> ToldMark | None:
        """The latest; None where none was ever told."""
        return self._latest.get(symbol)

    def fresh(self, *, since: int) -> dict[str, Decimal]:
        """The prices of those seen at `since` or later."""
        return {symbol: mark.price for symbol, mark in self._latest.items() if mark.at >= since}

    def step(
        self, symbol: str, marks: Sequence[Decimal] | None, limits: RiskLimits, at: int
    ) -> VolatilityLevelChanged | None:
        """The breaker's step that is due. `marks` are samples, oldest first, in place of what was told."""
        returns = self.breaker.returns.setdefault(symbol, Returns())
        if marks is not None:
            returns = Returns()
            for mark in marks:
                returns.sample(mark)
        self.breaker.measure(symbol, returns, limits, at, self.interval_s)
        return next((step for step in self.breaker.steps(limits, at) if step.product == symbol), None)

    def hear(self, record: Record, account: Account) -> None:
        """Take what was said of the breaker and of correlation."""
        self.breaker.fold(record, account)

    def verdict(self, symbol: str, limits: RiskLimits) -> CircuitBreaker:
        """Where the breaker stands for a symbol."""
        level = self.breaker.level(symbol)
        is_calm = level is Turbulence.CALM
        return CircuitBreaker(
            symbol=symbol,
            triggered=not is_calm,
            action="none" if is_calm else level.value,
            volatility=self.breaker.volatility.get(symbol),
            threshold=None if is_calm else threshold(level, limits),
            periods=limits.volatility_window_periods,
        )
