"""The older Exchange's feed, message by message: flat JSON, a type each, times with up to nine digits.

`side` of a match is the maker's, of a ticker the taker's. Numbers are `Decimal` from the text itself. What is not as
the protocol says raises `FrameUnreadable`, which names the path; types that nobody needs are `OtherMessage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

import msgspec

from actors.connection.amounts import ABSURD, UNREADABLE, Amount, Instant, Text, nanoseconds_of, wire_value
from actors.connection.auth import redacted
from actors.connection.errors import FrameUnreadable
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TickerReported, TradePrinted
from events.money import ZERO
from events.record import AnyEvent
from events.terms import Level, Side


class Message(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    """The root of all messages."""


class SnapshotMessage(Message, frozen=True, tag="snapshot"):
    """The whole book, without a time or a number of its own."""

    product_id: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time: Instant = None


class ChangesMessage(Message, frozen=True, tag="l2update"):
    """New absolute sizes at price levels; zero removes."""

    product_id: str
    changes: tuple[tuple[Side, Decimal, Decimal], ...]
    time: str


class TickerMessage(Message, frozen=True, tag="ticker"):
    """A trade with the best prices behind it. The sizes came later than the recordings."""

    product_id: str
    sequence: int
    trade_id: int
    price: Decimal
    time: str
    best_bid: Amount = None
    best_ask: Amount = None
    best_bid_size: Amount = None
    best_ask_size: Amount = None
    volume_24h: Amount = None
    low_24h: Amount = None
    high_24h: Amount = None


class MatchMessage(Message, frozen=True, tag="match"):
    product_id: str
    sequence: int
    trade_id: int
    maker_order_id: str
    taker_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    time: str


class LastMatchMessage(Message, frozen=True, tag="last_match"):
    """The last trade before the subscription."""

    product_id: str
    sequence: int
    trade_id: int
    maker_order_id: str
    taker_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    time: str


class HeartbeatMessage(Message, frozen=True, tag="heartbeat"):
    product_id: str
    sequence: int
    last_trade_id: int
    time: str


class ChannelProducts(msgspec.Struct, frozen=True, gc=False):
    name: str
    product_ids: tuple[str, ...] = ()


class SubscriptionsMessage(Message, frozen=True, tag="subscriptions"):
    """What this connection has, in sum."""

    channels: tuple[ChannelProducts, ...]


class ErrorMessage(Message, frozen=True, tag="error"):
    message: Text = ""
    reason: Text = ""


class OtherMessage(msgspec.Struct, frozen=True, gc=False):
    """A message of a type that nothing is taken from."""

    type: str


ExchangeMessage: TypeAlias = (
    SnapshotMessage
    | ChangesMessage
    | TickerMessage
    | MatchMessage
    | LastMatchMessage
    | HeartbeatMessage
    | SubscriptionsMessage
    | ErrorMessage
)


def read_message(raw: bytes | str) -> ExchangeMessage | OtherMessage:
    """Read one message. Raises `FrameUnreadable`."""
    try:
        message = _known.decode(raw)
    except UNREADABLE as error:
        return _other(raw, error)
    try:
        _check(message)
    except ArithmeticError:
        raise FrameUnreadable("a number is no number - at `$`", frame=_beginning(raw)) from None
    except ValueError as error:
        raise FrameUnreadable(redacted(f"{error} - at `$`", limit=200), frame=_beginning(raw)) from None
    return message


def facts_of(message: ExchangeMessage | OtherMessage, products: Mapping[str, str], received_at: int) -> list[AnyEvent]:
    """A message as our facts; none for a product that is not ours. `received_at` is a snapshot's time without one."""
    product = products.get(getattr(message, "product_id", ""))
    if product is None:
        return []
    match message:
        case SnapshotMessage():
            at = received_at if message.time is None else message.time
            bids, asks = sorted(message.bids, reverse=True), sorted(message.asks)
            return [BookSnapshotted(product=product, bids=tuple(bids), asks=tuple(asks), exchange_at=at)]
        case ChangesMessage():
            return [changed(message, product)]
        case MatchMessage() | LastMatchMessage():
            return [_trade(message, product)]
        case TickerMessage():
            return _tickers(message, product)
        case _:
            return []


def changed(message: ChangesMessage, product: str) -> BookChanged:
    return BookChanged(
        product=product,
        bids=tuple([(price, size) for side, price, size in message.changes if side is Side.BUY]),
        asks=tuple([(price, size) for side, price, size in message.changes if side is Side.SELL]),
        exchange_at=nanoseconds_of(message.time),
    )


def _trade(message: MatchMessage | LastMatchMessage, product: str) -> TradePrinted:
    return TradePrinted(
        product=product,
        trade_id=str(message.trade_id),
        price=message.price,
        size=message.size,
        aggressor=message.side.opposite,
        exchange_at=nanoseconds_of(message.time),
    )


def _tickers(message: TickerMessage, product: str) -> list[AnyEvent]:
    """The last price and the day; the best prices only where their sizes are said."""
    at = nanoseconds_of(message.time)
    day = TickerReported(
        product=product,
        last=message.price,
        exchange_at=at,
        volume_24h=message.volume_24h,
        low_24h=message.low_24h,
        high_24h=message.high_24h,
    )
    if message.best_bid_size is None and message.best_ask_size is None:
        return [day]
    quote = QuoteChanged(
        product=product,
        bid=message.best_bid or None,
        bid_size=message.best_bid_size or None,
        ask=message.best_ask or None,
        ask_size=message.best_ask_size or None,
        exchange_at=at,
    )
    return [day, quote]


def _check(message: ExchangeMessage) -> None:
    """Prices and sizes lie where prices and sizes can lie, times are times."""
    match message:
        case SnapshotMessage():
            levels = (*message.bids, *message.asks)
        case ChangesMessage():
            nanoseconds_of(message.time)
            levels = tuple([(price, size) for _, price, size in message.changes])
        case MatchMessage() | LastMatchMessage():
            nanoseconds_of(message.time)
            levels = ((message.price, message.size),)
        case TickerMessage():
            nanoseconds_of(message.time)
            levels = ((message.price, ZERO),)
        case _:
            return
    for price, size in levels:
        if not (ZERO < price < ABSURD and ZERO <= size < ABSURD):
            raise ValueError(f"{size:.40} at {price:.40}")


def _other(raw: bytes | str, why: Exception) -> OtherMessage:
    try:
        other = _any.decode(raw)
        if other.type not in _TYPES:
            return other
    except UNREADABLE as broken:
        why = broken
    raise FrameUnreadable(redacted(str(why), limit=200), frame=_beginning(raw)) from None


def _beginning(raw: bytes | str) -> str:
    text = raw[:400].decode(errors="replace") if isinstance(raw, bytes) else raw[:400]
    return redacted(text, limit=300)


_TYPES = frozenset(
    {"snapshot", "l2update", "ticker", "match", "last_match", "heartbeat", "subscriptions", "error"},
)
_known: msgspec.json.Decoder[ExchangeMessage] = msgspec.json.Decoder(ExchangeMessage, dec_hook=wire_value)
_any = msgspec.json.Decoder(OtherMessage)
