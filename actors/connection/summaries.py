"""What the slow channels say: ticker batches, candles and the state of products, as our events.

They are summaries of what the exchange saw, told every few seconds and again on every connection. A row that cannot be
true raises `ValueError`; the reader of frames names the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from actors.connection.amounts import ABSURD
from actors.connection.frame_forms import CandleRow, CandlesFrame, StatusFrame, TickerBatchFrame
from events.catalog import ProductStatusReported
from events.market import CandleReported, TickerReported
from events.money import ZERO
from events.record import AnyEvent
from events.terms import NANOSECONDS


def tickers_of(form: TickerBatchFrame, products: Mapping[str, str], at: int) -> list[AnyEvent]:
    """The last price and the day's figures of our products. They have no time of their own but the envelope's."""
    return [
        TickerReported(
            product=product,
            last=_number(row.price),
            exchange_at=at,
            volume_24h=_number(row.volume_24_h),
            low_24h=_number(row.low_24_h),
            high_24h=_number(row.high_24_h),
            low_52w=_number(row.low_52_w),
            high_52w=_number(row.high_52_w),
            change_24h_pct=_number(row.price_percent_chg_24_h),
        )
        for batch in form.events
        for row in batch.tickers
        if (product := products.get(row.product_id)) is not None
    ]


def candles_of(form: CandlesFrame, products: Mapping[str, str], at: int) -> list[AnyEvent]:
    """The candles of our products, oldest first, whatever order they came in."""
    rows = [(row, products.get(row.product_id)) for batch in form.events for row in batch.candles]
    candles = [_candle(row, product, at) for row, product in rows if product is not None]
    candles.sort(key=lambda candle: candle.start)
    return [*candles]


def statuses_of(form: StatusFrame, products: Mapping[str, str], at: int) -> list[AnyEvent]:
    """What the exchange says of the state of our products."""
    return [
        ProductStatusReported(product=product, status=row.status, message=row.status_message, exchange_at=at)
        for batch in form.events
        for row in batch.products
        if (product := products.get(row.id)) is not None
    ]


def _number(text: str) -> Decimal | None:
    """A number of a day; None for an empty text. Raises `ValueError` or `ArithmeticError`."""
    if not text:
        return None
    number = Decimal(text)
    if not -ABSURD < number < ABSURD:
        raise ValueError(f"a day's figure of {text[:40]}")
    return number


def _candle(row: CandleRow, product: str, at: int) -> CandleReported:
    prices = (row.open, row.high, row.low, row.close)
    is_one = ZERO < row.low <= min(prices) and max(prices) <= row.high < ABSURD and ZERO <= row.volume < ABSURD
    if not (is_one and row.start.isascii() and row.start.isdigit()):
        raise ValueError(f"candle {row.start[:40]}: {', '.join(format(price, '.40') for price in prices)}")
    return CandleReported(
        product=product,
        start=int(row.start) * NANOSECONDS,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        exchange_at=at,
    )
