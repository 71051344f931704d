"""From the exchange's frames to our events: pure functions of the bytes and of the products we know.

A frame of a product that is not ours brings no event. Trades come newest first and leave oldest first; their side is
the maker's and becomes the aggressor's opposite. Times are exact to the nanosecond, numbers are `Decimal` from the
text itself. Whatever is not as the protocol says raises `FrameUnreadable`, which names the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from actors.connection.amounts import ABSURD, UNREADABLE, nanoseconds_of, wire_value
from actors.connection.auth import redacted
from actors.connection.balances import balance_of
from actors.connection.errors import FrameUnreadable
from actors.connection.frame_forms import (
    BalanceFrame,
    BookFrame,
    CandlesFrame,
    HeartbeatFrame,
    KnownFrame,
    Levels,
    MarketTradesFrame,
    OtherFrame,
    StatusFrame,
    SubscribedFrame,
    TickerBatchFrame,
    TickerFrame,
    UserFrame,
    UserOrder,
)
from actors.connection.order_words import kind_of, origin_of, side_of, status_of
from actors.connection.summaries import candles_of, statuses_of, tickers_of
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.money import ZERO
from events.orders import OrderReported
from events.record import AnyEvent
from events.terms import Level, Origin, Side

#: The exchange's product ids, and ours.
Products = Mapping[str, str]

#: What `market_trades` calls the side is the resting order's: the aggressor took the other one.
_AGGRESSOR = {"BUY": Side.SELL, "SELL": Side.BUY}


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A frame, read. `sequence` and `at` are None for an error frame, which has neither."""

    channel: str
    sequence: int | None
    at: int | None  # the envelope's time, nanoseconds UTC
    events: Sequence[AnyEvent] = ()
    subscriptions: Mapping[str, Sequence[str]] | None = None  # of an acknowledgement
    error: str | None = None
    heartbeat: int | None = None
    is_snapshot: bool = False  # of the user channel
    unpriced: tuple[str, ...] = ()  # orders of the exchange that filled, but without a value: to be read by REST


def read_frame(raw: bytes | str, products: Products) -> Frame:
    """Read one frame. Raises `FrameUnreadable`."""
    try:
        form = _known.decode(raw)
    except UNREADABLE as error:
        return _other(raw, error)
    try:
        return _READERS[type(form)](form, products)
    except ArithmeticError:
        raise FrameUnreadable("a number is no number - at `$.events`", frame=_beginning(raw)) from None
    except ValueError as error:
        raise FrameUnreadable(f"{error} - at `$`", frame=_beginning(raw)) from None


def _other(raw: bytes | str, why: Exception) -> Frame:
    """A frame outside the known channels, or an error. Raises `FrameUnreadable` for one that is broken."""
    try:
        form = _any.decode(raw)
        if form.type == "error":
            return Frame("", None, None, error=redacted(form.message or "no reason given", limit=200))
        if form.channel and form.channel not in _CHANNELS and form.sequence_num is not None:
            return Frame(form.channel, form.sequence_num, nanoseconds_of(form.timestamp))
    except (*UNREADABLE, ValueError) as broken:
        if "`$.channel`" in str(why):
            why = broken  # a channel we do not know, and broken besides
    raise FrameUnreadable(redacted(str(why), limit=200), frame=_beginning(raw)) from None


def _trades(form: MarketTradesFrame, products: Products) -> Frame:
    events: list[AnyEvent] = []
    time, at = "", 0  # trades of one sweep share their time
    for batch in form.events:
        for trade in reversed(batch.trades):
            product = products.get(trade.product_id)
            if product is not None:
                if not (ZERO < trade.price < ABSURD and ZERO < trade.size < ABSURD):
                    raise ValueError(f"trade {trade.trade_id[:40]}: {trade.size:.40} at {trade.price:.40}")
                if trade.time != time:
                    time, at = trade.time, nanoseconds_of(trade.time)
                events.append(
                    TradePrinted(
                        product=product,
                        trade_id=trade.trade_id,
                        price=trade.price,
                        size=trade.size,
                        aggressor=_AGGRESSOR.get(trade.side),
                        exchange_at=at,
                    )
                )
    return Frame("market_trades", form.sequence_num, nanoseconds_of(form.timestamp), events)


def _quotes(form: TickerFrame, products: Products) -> Frame:
    at = nanoseconds_of(form.timestamp)
    events: list[AnyEvent] = []
    for batch in form.events:
        for row in batch.tickers:
            product = products.get(row.product_id)
            if product is not None:
                events.append(
                    QuoteChanged(
                        product=product,
                        bid=_shown(row.best_bid),
                        bid_size=_shown(row.best_bid_quantity),
                        ask=_shown(row.best_ask),
                        ask_size=_shown(row.best_ask_quantity),
                        exchange_at=at,
                    )
                )
    return Frame("ticker", form.sequence_num, at, events)


def _shown(text: str) -> Decimal | None:
    """A price or size of a quote; None for an empty side, which is an empty text or a zero."""
    if not text:
        return None
    number = Decimal(text)
    if not ZERO <= number < ABSURD:
        raise ValueError(f"a quote of {text[:40]}")
    return number or None


def _summaries(form: TickerBatchFrame | CandlesFrame | StatusFrame, products: Products) -> Frame:
    at = nanoseconds_of(form.timestamp)
    match form:
        case TickerBatchFrame():
            return Frame("ticker_batch", form.sequence_num, at, tickers_of(form, products, at))
        case CandlesFrame():
            return Frame("candles", form.sequence_num, at, candles_of(form, products, at))
        case StatusFrame():
            return Frame("status", form.sequence_num, at, statuses_of(form, products, at))


def _book(form: BookFrame, products: Products) -> Frame:
    at = nanoseconds_of(form.timestamp)
    events: list[AnyEvent] = []
    for event in form.events:
        product = products.get(event.product_id)
        if product is not None:
            bids, asks = _sides(event)
            if event.type == "update":
                events.append(BookChanged(product=product, bids=tuple(bids), asks=tuple(asks), exchange_at=at))
            elif event.type == "snapshot":
                bids.sort(reverse=True)
                asks.sort()
                events.append(BookSnapshotted(product=product, bids=tuple(bids), asks=tuple(asks), exchange_at=at))
            else:
                raise ValueError(f"a book is a snapshot or an update, not {event.type[:40]!r}")
    return Frame("l2_data", form.sequence_num, at, events)


def _sides(event: Levels) -> tuple[list[Level], list[Level]]:
    bids: list[Level] = []
    asks: list[Level] = []
    for update in event.updates:
        level = price, qty = update.price_level, update.new_quantity
        if not (ZERO < price < ABSURD and ZERO <= qty < ABSURD):
            raise ValueError(f"level of {qty:.40} at {price:.40}")
        if update.side == "bid":
            bids.append(level)
        elif update.side == "offer":
            asks.append(level)
        else:
            raise ValueError(f"a level is a bid or an offer, not {update.side[:40]!r}")
    return bids, asks


def _orders(form: UserFrame, products: Products) -> Frame:
    at = nanoseconds_of(form.timestamp)
    events: list[AnyEvent] = []
    unpriced: list[str] = []
    for event in form.events:
        for order in event.orders:
            product = products.get(order.product_id)
            if product is None:
                continue
            if order.cumulative_quantity and order.filled_value is None:
                unpriced.append(order.order_id)
            else:
                events.append(_report(order, product, at))
    is_snapshot = any(event.type == "snapshot" for event in form.events)
    return Frame("user", form.sequence_num, at, events, is_snapshot=is_snapshot, unpriced=tuple(unpriced))


def _report(order: UserOrder, product: str, at: int) -> OrderReported:
    """`qty` is what is filled and left: on a final status only what filled; what was asked is ours to remember."""
    filled = order.cumulative_quantity or ZERO
    name, kind, reason = order.client_order_id or "", order.order_type or "", order.reject_reason or ""
    origin = origin_of(name, is_liquidation=kind.upper() == "LIQUIDATION")
    rejected = "" if reason.endswith("UNSPECIFIED") else reason
    return OrderReported(
        order=name if origin is Origin.OURS else "",
        exchange_order=order.order_id,
        product=product,
        side=side_of(order.order_side),
        status=status_of(order.status),
        kind=kind_of(kind, order.time_in_force or ""),
        qty=_sum(filled, order.leaves_quantity or ZERO),
        filled_qty=filled,
        filled_value=order.filled_value or ZERO,
        fees=order.total_fees or ZERO,
        limit_price=order.limit_price or None,
        exchange_at=at,
        origin=origin,
        reason=order.cancel_reason or rejected,
    )


def _sum(filled: Decimal, left: Decimal) -> Decimal:
    return filled + left if left else filled


def _balances(form: BalanceFrame, _: Products) -> Frame:
    at = nanoseconds_of(form.timestamp)
    events = [balance_of(event.fcm_balance_summary, at) for event in form.events]
    return Frame("futures_balance_summary", form.sequence_num, at, events)


def _heartbeat(form: HeartbeatFrame, _: Products) -> Frame:
    counter = int(form.events[-1].heartbeat_counter) if form.events else None
    return Frame("heartbeats", form.sequence_num, nanoseconds_of(form.timestamp), heartbeat=counter)


def _subscribed(form: SubscribedFrame, _: Products) -> Frame:
    have = {channel: names or [] for event in form.events for channel, names in event.subscriptions.items()}
    return Frame("subscriptions", form.sequence_num, nanoseconds_of(form.timestamp), subscriptions=have)


def _beginning(raw: bytes | str) -> str:
    text = raw[:400].decode(errors="replace") if isinstance(raw, bytes) else raw[:400]
    return redacted(text, limit=300)


_READERS: dict[type[msgspec.Struct], Callable[[Any, Products], Frame]] = {
    BookFrame: _book,
    MarketTradesFrame: _trades,
    TickerFrame: _quotes,
    TickerBatchFrame: _summaries,
    CandlesFrame: _summaries,
    StatusFrame: _summaries,
    HeartbeatFrame: _heartbeat,
    UserFrame: _orders,
    BalanceFrame: _balances,
    SubscribedFrame: _subscribed,
}
_CHANNELS = frozenset(str(form.__struct_config__.tag) for form in _READERS)
_known = msgspec.json.Decoder(KnownFrame, dec_hook=wire_value)
_any = msgspec.json.Decoder(OtherFrame)
