"""Candles: minutes of trades, gathered as asked, and the figures of the last day."""

from __future__ import annotations

from decimal import Decimal

from events.market import TradePrinted
from replay.exchange.candles import Candles, Day
from tests.replay.exchange.market import HOUR, START, told, trade

FIRST = START // 1_000_000_000


def candles(*trades: tuple[float, int, int]) -> Candles:
    """Of trades as (seconds, price, size)."""
    found = Candles()
    for seconds, price, size in trades:
        _, event = trade(seconds, price, size)
        assert isinstance(event, TradePrinted)
        found.take(event)
    return found


def test_a_candle_opens_with_the_first_trade_and_closes_with_the_last() -> None:
    found = candles((1, 100, 1), (2, 120, 2), (3, 90, 3), (59, 110, 4)).between(FIRST, FIRST, 60)
    assert [told(one.open, one.high, one.low, one.close, one.volume) for one in found] == [(100, 120, 90, 110, 10)]


def test_longer_candles_are_gathered_from_minutes() -> None:
    found = candles((30, 100, 1), (90, 130, 2), (150, 80, 3), (310, 90, 4))
    five = found.between(FIRST, FIRST + 600, 300)
    assert [told(one.start - FIRST, one.open, one.high, one.low, one.close, one.volume) for one in five] == [
        (0, 100, 130, 80, 80, 6),
        (300, 90, 90, 90, 90, 4),
    ]


def test_only_candles_that_start_within_the_window_are_shown() -> None:
    found = candles((30, 100, 1), (90, 130, 2), (150, 80, 3))
    assert [one.start - FIRST for one in found.between(FIRST + 1, FIRST + 119, 60)] == [60]


def test_the_day_is_the_last_twenty_four_hours_by_the_minute() -> None:
    found = candles((0, 100, 1), (HOUR, 50, 10), (HOUR + 90, 300, 2), (24 * HOUR, 200, 5))
    assert found.day == Day(high=Decimal(300), low=Decimal(50), volume=Decimal(17), change_percent=Decimal(300))
    later = candles((0, 100, 1), (HOUR, 50, 10), (HOUR + 90, 300, 2), (24 * HOUR, 200, 5), (25 * HOUR + 30, 150, 1))
    assert later.day == Day(high=Decimal(300), low=Decimal(150), volume=Decimal(8), change_percent=Decimal(-50))


def test_before_the_first_trade_there_is_no_day() -> None:
    assert Candles().day == Day()
