"""Events as the seed's streams show them: plain rows, prices and sizes as `Decimal`.

`time` is the exchange's as text, `exchange_at` the same to the nanosecond. `product_id` is the id that was asked for,
`exchange_product_id` the exchange's.
"""

from __future__ import annotations

from typing import TypeAlias

from actors.connection.amounts import rfc3339
from events.event import Event
from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.orders import FillCorrected, OrderFilled, OrderReported
from events.record import Record

Row: TypeAlias = dict[str, object]

TRADES: frozenset[type[Event]] = frozenset({TradePrinted})
LEVEL_1: frozenset[type[Event]] = frozenset({QuoteChanged})
LEVEL_2: frozenset[type[Event]] = frozenset({BookSnapshotted, BookChanged})
USER: frozenset[type[Event]] = frozenset({OrderReported, OrderFilled, FillCorrected})


def row_of(record: Record) -> Row:
    """What the row says besides its product. Raises `KeyError` for an event that no stream shows."""
    event = record.event
    match event:
        case TradePrinted():
            side = None if event.aggressor is None else event.aggressor.value
            row: Row = {"trade_id": event.trade_id, "price": event.price, "size": event.size, "side": side}
        case QuoteChanged():
            row = {"bid": event.bid, "bid_size": event.bid_size, "ask": event.ask, "ask_size": event.ask_size}
        case BookSnapshotted() | BookChanged():
            row = {"bids": list(event.bids), "asks": list(event.asks)}
        case OrderReported():
            row = {
                "order_id": event.exchange_order,
                "client_order_id": event.order,
                "side": event.side.value,
                "status": event.status.value,
                "size": event.qty,
                "filled_size": event.filled_qty,
                "filled_value": event.filled_value,
                "fees": event.fees,
                "price": event.limit_price,
                "reason": event.reason,
                "gap_detected": False,
            }
        case OrderFilled():
            row = {
                "order_id": event.exchange_order,
                "client_order_id": event.order,
                "side": event.side.value,
                "price": event.price,
                "size": event.qty,
                "value": event.value,
                "fee": event.fee,
                "filled_size": event.filled_qty,
                "gap_detected": False,
            }
        case _:
            raise KeyError(type(event).__name__)
    at = event.exchange_at
    return {"type": _TYPES[type(event)], "seq": record.seq, "time": rfc3339(at), "exchange_at": at} | row


def gap_row(record: Record, gap: FeedGapFound) -> Row:
    """Messages on our orders were missed; what they said is asked for anew. `last_seq` -1: the first are missing."""
    return {
        "type": "gap",
        "seq": record.seq,
        "time": rfc3339(record.at),
        "gap_detected": True,
        "last_seq": gap.last_seq,
        "next_seq": gap.next_seq,
    }


_TYPES: dict[type, str] = {
    TradePrinted: "trade",
    QuoteChanged: "ticker",
    BookSnapshotted: "snapshot",
    BookChanged: "update",
    OrderReported: "order",
    OrderFilled: "fill",
    FillCorrected: "fill_corrected",
}
