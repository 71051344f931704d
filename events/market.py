"""Prints, quotes and books as the exchange sent them, and the marks made of them.

Quantities are in the exchange's unit (contracts on CDE). `exchange_at` is the exchange's time, nanoseconds UTC.
"""

from __future__ import annotations

from decimal import Decimal

from events.event import Event
from events.terms import Level, MarkSource, Side


class TradePrinted(Event, frozen=True):
    """A trade between others. `aggressor` is the taker's side; None where the exchange does not say."""

    product: str
    trade_id: str
    price: Decimal
    size: Decimal
    aggressor: Side | None
    exchange_at: int


class TradesBusted(Event, frozen=True):
    """The exchange took back every trade of a product that was done after one time and not after another, ours too."""

    product: str
    after: int  # nanoseconds UTC, exchange time; not included
    through: int  # included
    reason: str
    exchange_at: int


class QuoteChanged(Event, frozen=True):
    """The best bid and ask. A side that is empty is None."""

    product: str
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    exchange_at: int


class BookSnapshotted(Event, frozen=True):
    """The whole visible book, best levels first. It replaces what was known."""

    product: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    exchange_at: int


class BookChanged(Event, frozen=True):
    """New absolute quantities at price levels; zero removes a level."""

    product: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    exchange_at: int


class TickerReported(Event, frozen=True):
    """The last price and the day's figures, as the exchange sums them up every few seconds. No best prices."""

    product: str
    last: Decimal | None
    exchange_at: int
    volume_24h: Decimal | None = None
    low_24h: Decimal | None = None
    high_24h: Decimal | None = None
    low_52w: Decimal | None = None
    high_52w: Decimal | None = None
    change_24h_pct: Decimal | None = None


class CandleReported(Event, frozen=True):
    """One candle of the exchange, told again while it forms: it is closed when a later `start` is told."""

    product: str
    start: int  # nanoseconds UTC
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    exchange_at: int
    interval_s: int = 300


class MarkReported(Event, frozen=True):
    """The exchange's own mark and index, where it publishes them."""

    product: str
    mark: Decimal | None
    index: Decimal | None
    exchange_at: int


class MarkHistoryReported(Event, frozen=True):
    """Closes of the exchange's candles from before anybody watched, oldest first: each with the time its candle ended.

    They may fill a strategy's window at its start (trading rules A12) and are no marks: nothing is valued at them.
    Where nothing traded there is no candle, so times may lie further apart than `interval_s`.
    """

    product: str
    interval_s: int
    closes: tuple[tuple[int, Decimal], ...]
    exchange_at: int


class PrintDistrusted(Event, frozen=True):
    """A trade printed so far off a whole book that no mark is made of it. `bid` and `ask` are those it was held to."""

    product: str
    trade_id: str
    price: Decimal
    bid: Decimal
    ask: Decimal
    limit_bps: Decimal
    exchange_at: int


class MarkUpdated(Event, frozen=True):
    """The mark cache has a new price for a product. After `MarkWentStale` it also says that marks are fresh again."""

    product: str
    price: Decimal
    source: MarkSource
    exchange_at: int


class MarkWentStale(Event, frozen=True):
    """The last mark may no longer be traded on. `age_ms` is measured from the exchange's time; said once a spell."""

    product: str
    age_ms: int
    reason: str
