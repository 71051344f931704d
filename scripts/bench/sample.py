"""Records for benchmarks: what a busy product looks like. Quotes, trades, marks and now and then an order's life."""

from __future__ import annotations

from decimal import Decimal

from events.market import MarkUpdated, QuoteChanged, TradePrinted
from events.orders import OrderFilled
from events.position import PositionChanged
from events.record import Record
from events.terms import MarkSource, Side

_START = 1_730_000_000_000_000_000
_PRODUCT = "BTC-PERP"


def sample_records(count: int) -> list[Record]:
    """That many records with seqs from 1, the same for the same count. About 200 bytes each as lines."""
    return [_record(seq) for seq in range(1, count + 1)]


def _record(seq: int) -> Record:
    at = _START + seq * 1_000_000
    price = Decimal(432_105 + seq % 97) / 10
    side = Side.BUY if seq % 3 else Side.SELL
    size = Decimal(1 + seq % 7)
    if seq % 100 == 50:
        return Record(seq=seq, at=at, by="orders", cause=seq - 1, event=_filled(seq, side, price, size, at))
    if seq % 100 == 51:
        return Record(seq=seq, at=at, by="position", cause=seq - 1, event=_moved(price, size))
    if seq % 4 == 0:
        mark = MarkUpdated(product=_PRODUCT, price=price, source=MarkSource.BOOK_AND_TRADE, exchange_at=at)
        return Record(seq=seq, at=at, by="marks", cause=seq - 1, event=mark)
    if seq % 4 == 1:
        tick = Decimal("0.5")
        quote = QuoteChanged(
            product=_PRODUCT, bid=price - tick, bid_size=size, ask=price + tick, ask_size=size, exchange_at=at
        )
        return Record(seq=seq, at=at, by="market", event=quote)
    trade = TradePrinted(product=_PRODUCT, trade_id=str(seq), price=price, size=size, aggressor=side, exchange_at=at)
    return Record(seq=seq, at=at, by="market", event=trade)


def _filled(seq: int, side: Side, price: Decimal, size: Decimal, at: int) -> OrderFilled:
    return OrderFilled(
        order=f"00000000-0000-8000-8000-{seq:012d}",
        exchange_order=str(seq),
        strategy="baseline",
        product=_PRODUCT,
        side=side,
        qty=size,
        value=price * size / 100,
        price=price,
        fee=price * size / 100_000,
        filled_qty=size,
        exchange_at=at,
    )


def _moved(price: Decimal, size: Decimal) -> PositionChanged:
    cost = price * size / 100
    return PositionChanged(
        product=_PRODUCT, qty=size, cost=cost, entry_price=price, realized=Decimal(0), fee=cost / 1_000
    )
