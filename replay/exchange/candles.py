"""Candles of the tape's trades, minute by minute, and the figures of the last day."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from events.market import TradePrinted
from events.money import ZERO, quotient
from events.terms import NANOSECONDS

#: Seconds of each granularity the exchange names.
GRANULARITY_S = {
    "ONE_MINUTE": 60,
    "FIVE_MINUTE": 300,
    "FIFTEEN_MINUTE": 900,
    "THIRTY_MINUTE": 1_800,
    "ONE_HOUR": 3_600,
    "TWO_HOUR": 7_200,
    "FOUR_HOUR": 14_400,
    "SIX_HOUR": 21_600,
    "ONE_DAY": 86_400,
}

_DAY_S = 86_400


@dataclass(slots=True)
class Candle:
    """One bucket of trades; `start` in seconds since 1970."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def take(self, later: Candle) -> None:
        """Merge a bucket that follows into this one."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume


@dataclass(frozen=True, slots=True)
class Day:
    """The 24 hours up to the last trade."""

    high: Decimal = ZERO
    low: Decimal = ZERO
    volume: Decimal = ZERO
    change_percent: Decimal = ZERO


@dataclass(slots=True)
class Candles:
    """Minute candles from the tape's first trade on. There is none for a minute without trades."""

    minutes: list[Candle] = field(default_factory=list)
    _before: Candle | None = None  # the day without the minute that is forming
    _oldest: int = 0  # index of the first minute within the day

    def take(self, trade: TradePrinted) -> None:
        start = trade.exchange_at // NANOSECONDS // 60 * 60
        price, size = trade.price, trade.size
        now = self.minutes[-1] if self.minutes else None
        if now is None or start > now.start:
            self.minutes.append(Candle(start, price, price, price, price, size))
            self._roll(start)
            return
        now.high = max(now.high, price)
        now.low = min(now.low, price)
        now.close = price
        now.volume += size

    def between(self, start: int, end: int, granularity_s: int) -> list[Candle]:
        """Candles whose start lies in [start, end], oldest first; seconds since 1970."""
        buckets: list[Candle] = []
        for minute in self.minutes:
            first = minute.start // granularity_s * granularity_s
            if not start <= first <= end:
                continue
            if buckets and buckets[-1].start == first:
                buckets[-1].take(minute)
            else:
                buckets.append(Candle(first, minute.open, minute.high, minute.low, minute.close, minute.volume))
        return buckets

    @property
    def day(self) -> Day:
        if not self.minutes:
            return Day()
        now, before = self.minutes[-1], self._before
        if before is None:
            return Day(now.high, now.low, now.volume, _change(now.open, now.close))
        return Day(
            max(before.high, now.high),
            min(before.low, now.low),
            before.volume + now.volume,
            _change(before.open, now.close),
        )

    def _roll(self, start: int) -> None:
        """A new minute began: sum up the minutes before it that are still within the day."""
        while self.minutes[self._oldest].start <= start - _DAY_S:
            self._oldest += 1
        self._before = None
        for minute in self.minutes[self._oldest : -1]:
            if self._before is None:
                self._before = Candle(minute.start, minute.open, minute.high, minute.low, minute.close, minute.volume)
            else:
                self._before.take(minute)


def _change(opened: Decimal, closed: Decimal) -> Decimal:
    return quotient((closed - opened) * 100, opened, places=8) if opened else ZERO
